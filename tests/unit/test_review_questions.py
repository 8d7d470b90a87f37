"""Questions, pace, escaping and the brief of a review, without a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from syncd.explain.edit import Edit
from syncd.okr.alignment import Alignment, Verdict
from syncd.okr.checkins import CheckIn, Withdrawal
from syncd.okr.goals import Band, Goal, KeyResult, Link, Objective, Shares, Target, standing
from syncd.okr.rollup import ObjectiveStanding
from syncd.okr.spans import parse_period
from syncd.review import brief, wording
from syncd.review.attention import attention
from syncd.review.brief import LONGEST
from syncd.review.markdown import escaped, markdown
from syncd.review.model import Days, DefinitionChange, Move, ObjectiveReview, Review, Start
from syncd.review.movement_words import causes_words
from syncd.review.pace import needed, pace_words
from syncd.review.page import page
from syncd.review.questions import questions
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report
from syncd.status.verdicts import JudgedLink

PERIOD = parse_period("2026-Q4", ZoneInfo("UTC"))
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAYS = Days(date(2026, 11, 15), date(2026, 11, 21))
FALLING = Target(600, 1200)


def key_result(name: str, goal: Goal = FALLING, **keys: Any) -> KeyResult:
    return KeyResult(name, f"The title of {name}", keys.pop("kind", "outcome"), goal, **keys)


def line(kr: KeyResult, value: float | None, **keys: Any) -> KeyResultLine:
    stands = standing(kr, value, PERIOD.span, NOW, Shares())
    return replace(KeyResultLine(kr, value, stands, "complete", NOW, stands.reason), **keys)


def move(kr: KeyResult, value: float | None, before: float | None = None, **keys: Any) -> Move:
    of_line = {
        name: keys.pop(name)
        for name in ("quality", "reason", "candidate", "guard", "confidence", "standing")
        if name in keys
    }
    progress = kr.goal.progress(before) if before is not None else None
    start = Start(DAYS.before, before, progress, "kept") if before is not None else None
    return Move(line(kr, value, **of_line), start, **keys)


def link(output: str, outcome: str, verdict: Verdict) -> JudgedLink:
    since = date(2026, 10, 12) if verdict in ("watermelon", "working") else None
    return JudgedLink(
        Alignment(output, outcome, verdict, since, timedelta()), None, None, f"{output} and {outcome}.", "", verdict
    )


def a_review(moves: Sequence[Move], links: Sequence[JudgedLink] = (), **keys: Any) -> Review:
    objective = Objective("support", keys.pop("title", "An objective"), tuple(move.line.key_result for move in moves))
    stands = ObjectiveStanding(0.2, 0.5, None, "off_track", 1, 1)
    block = ObjectiveBlock(objective, stands, [move.line for move in moves], links)
    as_of = keys.pop("as_of", NOW)
    report = Report(PERIOD, as_of, as_of, NOW, [block])
    review = Review(DAYS, keys.pop("whole", False), as_of, report, [ObjectiveReview(block, None, moves)], **keys)
    return replace(review, questions=questions(review))


def asked(review: Review) -> list[str]:
    return [question.text for question in review.questions]


CALLS = key_result("calls")
ARTICLES = key_result("articles", Target(40, 0), kind="output", drives=(Link("calls"),))


def test_a_watermelon_question_names_what_the_outcome_needs_and_gained() -> None:
    review = a_review([move(CALLS, 1092, 1110), move(ARTICLES, 33, 28)], [link("articles", "calls", "watermelon")])
    assert asked(review) == [
        "articles is on pace since 12 Oct, yet calls must fall by 85 a week until 31 Dec and fell by 18: "
        "is it the right work?"
    ]


def test_a_watermelon_question_says_that_a_band_is_broken() -> None:
    uptime = key_result("uptime", Band(at_least=99.5))
    review = a_review([move(uptime, 99.1, 99.9), move(ARTICLES, 33, 28)], [link("articles", "uptime", "watermelon")])
    assert asked(review) == ["articles is on pace since 12 Oct, yet uptime is out of its band: is it the right work?"]


def test_an_outcome_that_improved_without_work_is_asked_about() -> None:
    review = a_review([move(CALLS, 800, 900), move(ARTICLES, 3, 3)], [link("articles", "calls", "unexplained")])
    assert asked(review)[0] == "calls got better, from 900 to 800, and articles did not move: what moved it?"
    worked = a_review([move(CALLS, 800, 900), move(ARTICLES, 4, 3)], [link("articles", "calls", "unexplained")])
    assert asked(worked)[0] == (
        "calls got better, from 900 to 800, while articles is behind, at 4 of 40: what moved it?"
    )


def test_a_question_about_an_edited_target_names_both_progresses() -> None:
    edit = Edit(NOW, "mappings/support.yaml", "target", 600, 1000)
    edited = move(key_result("calls", Target(1000, 1200)), 1092, 1092, edits=[edit])
    review = a_review([edited], changes=[DefinitionChange(NOW, edit.file, ["calls"], "edited", edit)])
    assert asked(review)[0] == (
        "calls: target: 600 → 1000 since 21 Nov, 18 % of the way by the old one and 54 % by the new: "
        "who agreed to it, and why?"
    )


def test_edits_of_one_moment_are_judged_by_the_goal_before_all_of_them() -> None:
    """Of a goal that was edited on two days, each edit is judged by the goals right before and after its moment."""
    monday, friday = NOW - timedelta(days=5), NOW - timedelta(days=1)
    edits = [
        Edit(friday, "a.yaml", "target", 110, 210),
        Edit(friday, "a.yaml", "baseline", 10, 50),
        Edit(monday, "a.yaml", "target", 60, 110),
    ]
    edited = move(key_result("calls", Target(210, 50)), 60, 60, edits=edits)
    review = a_review([edited], changes=[DefinitionChange(e.at, e.file, ["calls"], "edited", e) for e in edits])
    ways = [text.partition(", ")[2].partition(":")[0] for text in asked(review) if "the old one" in text]
    assert ways == [
        *["50 % of the way by the old one and 6 % by the new"] * 2,
        "100 % of the way by the old one and 50 % by the new",
    ]


@pytest.mark.parametrize(
    "edits",
    [
        [("baseline", 50, 0), ("target", None, 100)],
        [("baseline", None, 0), ("target", 50, 100)],
        [("baseline", 7, 0), ("target", 7, 100)],
    ],
)
def test_goal_without_a_way_has_no_share_by_the_old_one(edits: list[tuple[str, float | None, float]]) -> None:
    every = [Edit(NOW, "a.yaml", *edit) for edit in edits]
    edited = move(key_result("calls", Target(100, 0)), 60, 60, edits=every)
    review = a_review([edited], changes=[DefinitionChange(NOW, "a.yaml", ["calls"], "edited", each) for each in every])
    assert not [text for text in asked(review) if "the old one" in text]


@pytest.mark.parametrize("days", [1, 3, 7])
def test_gain_of_some_days_is_what_the_number_moved(days: int) -> None:
    """Also in the first week of a period, which has fewer days; the review of a whole period has the gain a week."""
    calls = move(CALLS, 1092, 1110)
    assert calls.start is not None
    calls = replace(calls, start=replace(calls.start, day=NOW.date() - timedelta(days=days)))
    assert str(pace_words(calls, a_review([calls]))).endswith(" and fell by 18")
    weekly = str(pace_words(calls, a_review([calls], whole=True)))
    assert weekly.endswith(f" and fell by {18 / days * 7:g} a week")


def test_an_edit_is_asked_about_beside_a_watermelon() -> None:
    edit = Edit(NOW, "a.yaml", "drives.calls.lag", "3w", "9w")
    works = move(ARTICLES, 33, 28, edits=[edit])
    review = a_review(
        [move(CALLS, 1092, 1110), works],
        [link("articles", "calls", "watermelon")],
        changes=[DefinitionChange(NOW, "a.yaml", ["articles"], "edited", edit)],
    )
    assert [question.kind for question in review.questions] == ["watermelon", "edited"]


def test_edited_measures_and_removed_key_results_are_asked_about_and_titles_are_not() -> None:
    edits = [Edit(NOW, "a.yaml", key, "a", "b") for key in ("measure.where.base", "title")]
    changes = [DefinitionChange(NOW, "a.yaml", ["calls"], "edited", edit) for edit in edits]
    gone = DefinitionChange(NOW, "a.yaml", ["old"], "removed")
    review = a_review([move(CALLS, 700, 700, edits=edits)], changes=[*changes, gone])
    assert asked(review) == [
        "calls has been measured differently since 21 Nov (measure.where.base: a → b): is it still the same result?",
        "old is in no file any more: what became of its result?",
    ]


def test_key_results_that_have_not_moved_for_weeks_share_a_question() -> None:
    quiet = [move(key_result(name), 870, 870, still_since=date(2026, 11, 1)) for name in ("a", "b")]
    fresh = move(key_result("c"), 870, 870, still_since=date(2026, 11, 14))
    assert asked(a_review([*quiet, fresh])) == ["a and b have not moved since 1 Nov: what would move them?"]


def test_a_key_result_off_track_that_has_not_moved_is_asked_about() -> None:
    still = move(ARTICLES, 4, 4, still_since=date(2026, 10, 7))
    assert asked(a_review([still])) == [
        "articles stands at 4 of 40 since 7 Oct and must rise by 6.22 a week until 31 Dec: who is on it?"
    ]


def test_falling_confidence_in_a_number_on_track_is_asked_about() -> None:
    sure = move(CALLS, 800, 800, confidence=0.5, confidence_before=0.8)
    assert asked(a_review([sure])) == [
        "calls is on track, yet confidence in it fell from 80 % to 50 %: what does the number not say?"
    ]
    assert asked(a_review([replace(sure, confidence_before=0.5)])) == []


def test_broken_guards_held_numbers_and_unknown_numbers_are_asked_about() -> None:
    guard = line(key_result("articles:guard", Band(at_most=1300)), 1400)
    held = move(key_result("held"), 900, 900, quality="held", candidate=5.0)
    lost = key_result("lost", owner="Dana")
    review = a_review(
        [
            move(ARTICLES, 33, 28, guard=guard),
            held,
            move(lost, None, quality="complete", reason="B2 holds no number"),
            move(key_result("not-pulled"), None, quality=None, reason="not pulled yet"),
            move(key_result("no-baseline", Target(600)), 900),
        ]
    )
    assert asked(review) == [
        "articles is 33 of 40, but its guard is broken, 1,400 is not at most 1,300: what does the pace cost?",
        "held waits with 5 beside 900: which of them is right?",
        "lost (Dana) is unknown, B2 holds no number: who brings its number?",
    ]


def test_no_question_is_asked_before_the_period_begins() -> None:
    early = datetime(2026, 9, 30, tzinfo=UTC)
    assert asked(a_review([move(CALLS, 1300, 1200)], as_of=early)) == []


@pytest.mark.parametrize(
    ("now", "value", "words"),
    [
        (NOW, 1092, "must fall by 85 a week until 31 Dec and fell by 18"),
        (NOW, 1130, "must fall by 91.6 a week until 31 Dec and rose by 20"),
        (NOW, 1110, "must fall by 88.1 a week until 31 Dec and did not move"),
        (datetime(2026, 12, 28, tzinfo=UTC), 700, "must fall by 100 until 31 Dec and fell by 410"),
        (NOW, 600, None),
        (datetime(2027, 1, 1, tzinfo=UTC), 1092, None),
    ],
)
def test_pace_words_say_the_pace_that_is_needed(now: datetime, value: float, words: str | None) -> None:
    calls = move(CALLS, value, 1110)
    assert pace_words(calls, a_review([calls], as_of=now)) == words


def test_bands_and_targets_without_a_baseline_need_no_pace() -> None:
    for goal in (Target(600), Band(at_most=3)):
        calls = move(key_result("calls", goal), 900, 900)
        assert needed(calls, a_review([calls])) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a *b* _c_ snake_case", "a \\*b\\* \\_c\\_ snake_case"),
        ("<img src=x> & &lt; `rm`", "\\<img src=x> & \\&lt; \\`rm\\`"),
        ("![x](http://a) points[].[day, uptime]", "![x\\](http://a) points[].[day, uptime]"),
        ("~~no~~ \\ back", "\\~\\~no\\~\\~ \\\\ back"),
    ],
)
def test_markdown_shows_text_as_people_wrote_it(text: str, shown: str) -> None:
    assert escaped(text) == shown


MOOD = key_result("mood", Target(10, 0))
YESTERDAY, LATER = NOW - timedelta(days=1), NOW + timedelta(days=10)
ANN = CheckIn("Ann", NOW - timedelta(days=3), LATER, 1)
ADA = CheckIn("Ada", YESTERDAY, LATER, 4)
BO = CheckIn("Bo", NOW, LATER, 2, dated=NOW - timedelta(days=2))


@pytest.mark.parametrize(
    ("value", "as_of", "checkins", "words"),
    [
        (4, YESTERDAY, [ANN, ADA, BO], "Checked in by Ada"),
        (1, ANN.at, [ANN, replace(ADA, withdrawn=Withdrawal("Ada", NOW))], "Checked in by Ann"),
        (4, YESTERDAY, [replace(ANN, at=YESTERDAY), ADA], "Checked in by Ada"),
        (7, NOW - timedelta(hours=5), [ANN, ADA], None),  # measured, before the measure was removed
        (4, YESTERDAY, [], None),
    ],
)
def test_checked_in_number_names_the_person_whose_number_it_is(
    value: float, as_of: datetime, checkins: list[CheckIn], words: str | None
) -> None:
    moved = move(MOOD, value, 0)
    moved = replace(moved, line=replace(moved.line, as_of=as_of))
    assert causes_words(moved, a_review([moved], checkins=[("mood", each) for each in checkins])) == words


def test_older_check_in_that_counts_again_is_named() -> None:
    moved = move(MOOD, 1, 4)
    moved = replace(moved, line=replace(moved.line, as_of=ANN.at, checkin=ANN))
    gone = replace(ADA, withdrawn=Withdrawal("Ada", NOW))
    assert causes_words(moved, a_review([moved], checkins=[("mood", gone)])) == "Checked in by Ann"


@pytest.mark.parametrize("owner", [None, "Dana"])
def test_advice_never_repeats_that_a_check_in_is_missing(owner: str | None) -> None:
    waits = line(key_result("mood", owner=owner), None, quality=None, reason="no measure: it waits for a check-in")
    review = a_review([Move(waits, None)])
    (problem,) = attention(review.report)
    sentence = wording.attention(problem)
    assert sentence.count("check-in") == 1, sentence
    assert sentence.endswith(" with `syncd checkin mood --value N`.")
    assert owner is None or owner in sentence


def test_titles_and_notes_never_become_blocks_of_markdown() -> None:
    words = " ".join(["- # 1. + > ==="] * 40)
    review = a_review([move(key_result("lost"), None, quality="complete", reason=words)], title="A\n# B \x1b[31mred")
    text = markdown(review)
    assert "\x1b" not in text
    assert "## A # B [31mred" in text.splitlines()
    wrapped = [text_line.strip() for text_line in text.splitlines() if text_line.startswith("  ")]
    assert len(wrapped) > 5
    assert not [
        wrapped_line for wrapped_line in wrapped if wrapped_line.split()[0] in {"-", "#", "1.", "+", ">", "==="}
    ]


def test_the_page_escapes_titles_and_reasons() -> None:
    lost = move(key_result("lost"), None, quality="complete", reason="<script>alert(1)</script> `<b>`")
    text = page(a_review([lost], title="<script>alert(2)</script>"))
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<code>&lt;b&gt;</code>" in text


def test_a_brief_has_whole_lines_and_stays_short() -> None:
    links = [link(f"articles-{number}" * 5, "calls", "watermelon") for number in range(30)]
    review = a_review([move(CALLS, 1092, 1110), move(ARTICLES, 33, 28)], links)
    text = brief(review)
    assert LONGEST - 200 < len(text) <= LONGEST
    assert text.splitlines()[:2] == ["2026-Q4, 15 Nov to 21 Nov", "Day 52 of 92; of 1 objective: 1 off track."]
    assert all(text_line.endswith((".", "Nov")) for text_line in text.splitlines())
