"""The sentences of a review, as plain text. Markdown, the page and the notification use the same sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from syncd.explain.approvals import PastApproval
from syncd.explain.period_edits import OBJECTIVE
from syncd.okr.alignment import Verdict
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import Band, KeyResult, Target
from syncd.okr.words import (
    HEALTH_WORDS,
    activity_figure,
    count,
    day,
    goal,
    percent,
    progress_figure,
    score_figure,
    value_figure,
)
from syncd.review.model import Attention, Cause, DefinitionChange, Move, ObjectiveReview, Review
from syncd.sdk.figures import full_number
from syncd.status.verdicts import ordered

_SHOWN_VERDICTS = ("watermelon", "unexplained", "under_delivered")
_SHOWN = 3  # records of a movement, and key results of a change, that are named


class VerdictSentence(NamedTuple):
    """A verdict on a link: `words` name the verdict and its first day, `sentence` gives the reason."""

    verdict: Verdict
    words: str
    sentence: str


def title(review: Review) -> str:
    """`2026-Q4, 15 Nov to 21 Nov`, or the period alone."""
    if review.whole:
        return f"{review.period.id} in review"
    return f"{review.period.id}, {day(review.days.first)} to {day(review.days.last)}"


def headline(review: Review) -> tuple[str, str]:
    """Two lines: the day of the period and the objectives' health; how many key results moved, and what is wrong."""
    period, today = review.period, review.as_of
    if not review.begun:
        where = f"It begins on {day(period.first)}"
    elif review.over:
        where = f"It ended on {day(period.last)}"
    else:
        where = f"Day {period.day_number(today)} of {period.days}"
    healths = Counter(objective.block.standing.health for objective in review.objectives)
    by_health = ", ".join(
        f"{healths[health]} {HEALTH_WORDS[health]}"
        for health in ("off_track", "at_risk", "on_track", "done", "unknown")
        if healths[health]
    )
    moved = sum(move.movement == "moved" for move in review.moves)
    qualities = Counter(move.line.quality for move in review.moves)
    counts = {
        "stale": qualities["stale"],
        "held": qualities["held"],
        "unknown": sum(
            move.line.standing.health == "unknown" and move.line.quality not in ("stale", "held")
            for move in review.moves
        ),
    }
    parts = [
        f"{moved} of {count(len(review.moves), 'key result')} moved",
        *(f"{number_of} {what}" for what, number_of in counts.items() if number_of),
        *([count(len(review.changes), "change") + " of definitions"] if review.changes else []),
    ]
    return f"{where}; of {count(len(review.objectives), 'objective')}: {by_health}.", f"{', '.join(parts)}."


def nothing_pulled(review: Review) -> str | None:
    """What to do if nothing was pulled yet; None if something was pulled."""
    if review.report.synced_at is not None:
        return None
    if review.as_of < review.report.as_of:  # a past day
        return f"Nothing was pulled by {day(review.days.last)}."
    return "Nothing was pulled yet: run `syncd sync`."


def score_sentence(objective: ObjectiveReview) -> str:
    """`Score 15 % → 18 %, 56 % expected: off track; activity 62 % → 79 %.`; without an arrow if the two scores cannot
    be compared.
    """
    now, before = objective.block.standing, objective.before
    old = score_figure(before) if before else None
    score = arrow(old if objective.same_score else None, "unknown" if now.score is None else score_figure(now))
    ahead = f", {percent(now.expected)} expected: {HEALTH_WORDS[now.health]}" if now.expected is not None else ""
    parts = [f"Score {score}{ahead}"]
    if now.scored < now.counted:
        parts.append(f"{now.scored} of {now.counted} known")
    if before is not None and before.score is not None and not objective.same_score:
        parts.append(f"it was {old} over other known key results")
    if now.activity is not None:
        old_activity = activity_figure(before) if before and objective.same_activity else None
        parts.append(f"activity {arrow(old_activity, activity_figure(now))}")
    return "; ".join(parts) + "."


def arrow(old: str | None, new: str) -> str:
    """`15 % → 18 %`; the new text alone if there is no old text, or both are the same."""
    return new if old in (None, new, "–") else f"{old} → {new}"


def amount(value: str, kr: KeyResult) -> str:
    """A value with its target or unit: `33 of 40`, `1,092 calls/week`."""
    aim = goal(kr)
    return f"{value} {aim}" if aim.startswith("of ") else f"{value} {kr.unit}" if kr.unit else value


def verdicts(objective: ObjectiveReview) -> Iterator[VerdictSentence]:
    """The verdicts that ask for action, watermelons first."""
    for link in ordered(objective.block.alignment):
        verdict = link.alignment.verdict
        if verdict in _SHOWN_VERDICTS:
            since = f" since {day(link.verdict_since)}" if link.verdict_since else ""
            yield VerdictSentence(verdict, f"{link.words.capitalize()}{since}", link.brief)


def key_result_sentences(objective: ObjectiveReview, review: Review) -> Iterator[tuple[str, str]]:
    """The key results that have a sentence of their own: (id, sentence)."""
    for move in objective.moves:
        if (sentence := _own_sentence(move, review)) is not None:
            yield move.line.key_result.id, sentence


def summary_sentences(objective: ObjectiveReview, review: Review) -> Iterator[str]:
    """A sentence on the other key results that did not move, and a sentence on the new key results."""
    others = [move for move in objective.moves if _own_sentence(move, review) is None]
    if still := [move for move in others if move.movement == "still"]:
        yield f"Not moved: {', '.join(map(_not_moved, still))}."
    if new := [move for move in others if move.movement == "new"]:
        numbers = ", ".join(f"{move.line.key_result.id} {movement(move, review)}" for move in new)
        yield f"No number of {day(review.days.before)} to compare with: {numbers}."


def _own_sentence(move: Move, review: Review) -> str | None:
    """A sentence for a key result that moved or was edited; in a review of a whole period for every outcome."""
    if move.movement == "remeasured":
        sentence = f"{movement(move, review)}: {_not_comparable(move)}"
    elif review.whole and move.line.key_result.kind == "outcome":
        sentence = _outcome(move)
    elif move.movement == "moved" or (move.movement == "still" and move.goal_edits):
        sentence = movement(move, review)
    else:
        return None
    if move.goal_edits:
        sentence += f" (edited: {'; '.join(map(str, move.goal_edits))})"
    causes = _causes(move, review) if move.movement == "moved" else None
    return f"{sentence}. {causes}." if causes else f"{sentence}."


def movement(move: Move, review: Review) -> str:
    """How a number moved, without the id: `1,110 → 1,092 calls/week, 15 % → 18 %, off track`."""
    line, kr, start = move.line, move.line.key_result, move.start
    health = HEALTH_WORDS[line.standing.health]
    if move.movement in ("new", "remeasured") or start is None:
        return f"{amount(value_figure(kr, line.value), kr)}{_progress(None, move)}, {health}"
    values = amount(arrow(value_figure(kr, start.value), value_figure(kr, line.value)), kr)
    since = ""
    if start.source != "baseline" and start.day != review.days.before:
        since = f" since {day(start.day)}"
    old = None if start.source == "baseline" else percent(start.progress, start.bounds)
    return f"{values}{since}{_progress(old, move)}, {health}"


def _progress(old: str | None, move: Move) -> str:
    if isinstance(move.line.key_result.goal, Band) or move.line.standing.progress is None:
        return ""
    return f", {arrow(old, progress_figure(move.line.standing))}"


def _not_comparable(move: Move) -> str:
    assert move.start is not None
    edits = [str(edit) for edit in move.edits if edit.key.startswith("measure")]
    edited = f" ({'; '.join(edits)})" if edits else ""
    before = value_figure(move.line.key_result, move.start.value)
    return f"not comparable, its measure was edited{edited}; by the one before it was {before}"


def _not_moved(move: Move) -> str:
    since = f" since {day(move.still_since)}" if move.still_since else ""
    return f"{move.line.key_result.id} {value_figure(move.line.key_result, move.line.value)}{since}"


def _causes(move: Move, review: Review) -> str | None:
    """The causes of a movement, with the labels of a few records; None if they are unknown."""
    if move.line.key_result.measure is None:
        name = move.line.key_result.id
        authors = [
            checkin.by
            for of, checkin in review.checkins
            if of == name and checkin.value is not None and checkin.withdrawn is None
        ]
        return f"Checked in by {authors[-1]}" if authors else None
    parts = [*_groups(move, review)]
    if move.causes.aged:
        parts.append(f"{move.causes.aged:,} fell out of the window")
    return "; ".join(parts) or None


def _groups(move: Move, review: Review) -> Iterator[str]:
    order = sorted(move.causes.rows, key=lambda cause: (cause.part or "", "+o-~".index(cause.sign)))
    for (part, sign), group in groupby(order, key=lambda cause: (cause.part, cause.sign)):
        same = list(group)
        of = f"{part} " if part else ""
        counted = {"+": f"+{len(same):,}", "-": f"-{len(same):,}", "o": f"{len(same):,} new and open", "~": ""}[sign]
        if review.whole and len(same) > _SHOWN and sign == "+":  # of a whole quarter a few names would say nothing
            yield f"{of}{count(len(same), 'reading' if same[0].reading else 'record')}"
            continue
        names = ", ".join(_cause(cause, move, review) for cause in same[:_SHOWN])
        more = f" and {len(same) - _SHOWN:,} more" if len(same) > _SHOWN else ""
        alone = not counted or (sign == "+" and same[0].reading and len(same) == 1)
        yield f"{of}{names}{more}" if alone else f"{of}{counted}: {names}{more}"


def _cause(cause: Cause, move: Move, review: Review) -> str:
    kr = move.line.key_result
    when = f" of {day(cause.at.astimezone(review.period.zone))}" if cause.at and cause.reading else ""
    restated = f" (restated: {cause.why})" if cause.why else ""
    if cause.sign == "~":
        return f"{cause.label}{when} {_brings(kr, cause.was)} → {_brings(kr, cause.brings)}{restated}"
    brings = "" if cause.reading or cause.brings in (None, "0", "1") else f" ({_brings(kr, cause.brings)})"
    return f"{cause.label}{when}{brings}{restated}"


def _brings(kr: KeyResult, text: str | None) -> str:
    try:
        return value_figure(kr, float(text or ""))
    except ValueError:
        return text or "none"


def _outcome(move: Move) -> str:
    """How an outcome scored over a period: `1,200 → 1,092, the goal is 600 calls/week: score 18 %, off track`."""
    line, kr = move.line, move.line.key_result
    start = value_figure(kr, move.start.value) if move.start and not move.measured_differently else None
    value = "unknown" if line.value is None else arrow(start, value_figure(kr, line.value))
    aim = goal(kr).removeprefix("of ")
    if isinstance(kr.goal, Target):
        aim = f"{full_number(kr.goal.target)}{f' {kr.unit}' if kr.unit else ''}"
    score = "no score" if line.standing.score is None else f"score {score_figure(line.standing)}"
    edited = f"; its definition was edited {_times(move.times_edited)}" if move.times_edited else ""
    return f"{value}, the goal is {aim}: {score}, {HEALTH_WORDS[line.standing.health]}{edited}"


def _times(number_of: int) -> str:
    """`once`, `twice`, `5 times`."""
    return {1: "once", 2: "twice"}.get(number_of, f"{number_of} times")


def attention(attention: Attention) -> str:
    """What is wrong with some key results, and what to do."""
    reason = attention.reason[0].upper() + attention.reason[1:]
    return f"{reason}{'' if reason.endswith('.') else '.'} {attention.advice}"


def definition_change(change: DefinitionChange, review: Review) -> str:
    """`12 Nov, mappings/support.yaml: shipped target: 20 → 8`."""
    when = day(change.at.astimezone(review.period.zone))
    if change.objective is not None:
        edit = str(change.edit).removeprefix(f"{OBJECTIVE}.")
        return f"{when}, {change.file}: {OBJECTIVE} {change.objective} {edit}"
    names = ", ".join(change.key_results)
    if len(change.key_results) > _SHOWN:
        names = f"{count(len(change.key_results), 'key result')}:"
    if change.what == "added":
        return f"{when}, {change.file}: {names} is new"
    if change.what == "removed":
        return f"{when}, {change.file}: {names} is in no file any more"
    return f"{when}, {change.file}: {names} {change.edit}"


def checkin(name: str, checkin: CheckIn, review: Review) -> str:
    """`21 Nov, Dana on mood: 7, confidence 60 %: the note`."""
    move = review.by_id.get(name)
    figure = full_number(checkin.value) if move is None else value_figure(move.line.key_result, checkin.value)
    parts = [figure] if checkin.value is not None else []
    parts += [f"confidence {percent(checkin.confidence)}"] if checkin.confidence is not None else []
    parts += [checkin.note] if checkin.note else []
    zone = review.period.zone
    if checkin.dated is not None:
        parts[0] = f"for {day(checkin.dated.astimezone(zone))}, {parts[0]}"
    if checkin.withdrawn is not None:
        why = f": {checkin.withdrawn.note}" if checkin.withdrawn.note else ""
        parts.append(f"withdrawn on {day(checkin.withdrawn.at.astimezone(zone))} by {checkin.withdrawn.by}{why}")
    return f"{day(checkin.at.astimezone(zone))}, {checkin.by} on {name}: {', '.join(parts)}"


def approval(name: str, approval: PastApproval, review: Review) -> str:
    """`21 Nov, Dana on calls: 1,092 → 5`."""
    move = review.by_id.get(name)
    old, new = (
        full_number(number, "unknown") if move is None else value_figure(move.line.key_result, number, "unknown")
        for number in (approval.old, approval.new)
    )
    return f"{day(approval.at.astimezone(review.period.zone))}, {approval.by} on {name}: {old} → {new}"


def carried_over(review: Review) -> Sequence[str]:
    """The key results to carry over or to drop: after the period those that are not done, before its end those that are
    not on pace.
    """
    wanted = ("off_track", "at_risk", "unknown") if not review.over else ("off_track", "at_risk", "unknown", "on_track")
    return [move.line.key_result.id for move in review.moves if move.line.standing.health in wanted]


def backfill_note(review: Review) -> str | None:
    """The start numbers that were computed because no sync had kept them; None if all were kept."""
    starts = [move for move in review.moves if move.start and move.start.source != "baseline"]
    names = [move.line.key_result.id for move in starts if move.start and move.start.source == "backfilled"]
    if not names:
        return None
    whose = "" if len(names) == len(starts) else f" of {', '.join(names)}"
    return f"The numbers{whose} at the start are computed from their sources' own dates: no sync had kept them."
