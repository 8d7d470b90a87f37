"""The review of a week and of a period, through the command line, over syncs on several days."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from october import REPO, a_company, a_project, calls, clock, merged
from projects import ME, NOW, Project

from syncd.config import load_config
from syncd.ledger import open_ledger
from syncd.review import brief, review
from syncd.review.brief import LONGEST
from syncd.sandbox import Sandbox
from syncd.status.periods import choose_period

MAPPING = """\
period: 2026-10
objectives:
  - id: support
    title: Customers find <b>answers</b> & *more*
    owner: support
    key_results:
      - id: calls
        title: Calls fall from 1,200 to 600 a week
        kind: outcome
        unit: calls/week
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, series: {dates: Day, values: Calls}}
      - id: mood
        title: The mood is better
        kind: outcome
        owner: Dana
        baseline: 5
        target: 8
        stale_after: 5d
      - id: shipped
        title: 20 changes merged
        kind: output
        target: 20
        drives: calls
        measure: {from: code, repo: acme/search, what: merged_pull_requests, where: {base: main}}
      - id: points
        title: 30 released
        kind: output
        target: 30
        drives: calls
        measure: {from: code, repo: acme/search, what: merged_pull_requests, where: {base: release}}
  - id: quality
    title: It works
    key_results:
      - id: crashes
        title: Crashes fall from 100 to 10
        kind: outcome
        baseline: 100
        target: 10
        plausible: {jump: 50%}
        measure: {from: local, file: crashes.csv, cell: A2}
"""


@dataclass
class October:
    """A project that was synced on 2, 9 and 16 October, and the review of the 9th as it was made on that day."""

    project: Project
    box: Sandbox
    on_the_ninth: dict[str, Any]


def crashes(project: Project, number: object) -> None:
    (project.folder / "data/crashes.csv").write_text(f"Crashes\n{number}\n", encoding="utf-8")


def document(project: Project, *options: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(project.run("review", "--json", *options, check=0).stdout)
    return read


def moves(review: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {kr["id"]: kr for objective in review["objectives"] for kr in objective["key_results"]}


@pytest.fixture(scope="module")
def october(tmp_path_factory: pytest.TempPathFactory) -> October:
    with a_company() as box:
        project = a_project(tmp_path_factory.mktemp("october"), box, MAPPING)
        crashes(project, 90)
        calls(project, 2, 1190)
        merged(box, 1)
        clock(project, 2)
        project.run("sync", check=0)
        calls(project, 9, 1180)
        for day in (3, 5, 5):
            merged(box, day)
        merged(box, 6, base="release")
        clock(project, 9)
        project.run("checkin", "mood", "--value", "6", "--confidence", "0.8", "--author", "Dana", check=0)
        project.run("sync", check=0)
        on_the_ninth = document(project)
        calls(project, 14, 1100)
        crashes(project, 5)
        for day in (8, 10, 11, 12, 13):
            merged(box, day)
        clock(project, 12)
        note = "all is <i>well</i>\n# or *so* they say"
        project.run("checkin", "mood", "--note", note, "--confidence", "0.5", "--author", "Eve", check=0)
        project.edit("mappings/support.yaml", "target: 20\n", "target: 12\n")
        project.edit("mappings/support.yaml", "{base: release}", "{base: [release, main]}")
        clock(project, 16)
        project.run("sync", check=0)
    project.env.clear()  # from here on there is no secret, and no source
    return October(project, box, on_the_ninth)


WEEK = """\
# 2026-10, 10 Oct to 16 Oct

Day 16 of 31; of 2 objectives: 1 off track, 1 unknown.
2 of 5 key results moved, 1 stale, 1 held, 2 changes of definitions.

## Customers find \\<b>answers\\</b> & \\*more\\* (support)

Score 17 %, 51 % expected: off track; 1 of 2 known; it was 18 % over other known
key results; activity 12 % → 54 %.

- **Watermelon since 16 Oct**: shipped is on pace since 10 Oct, yet calls has
  gone 17 % of the way. Is it the right work?
- **Under-delivered since 2 Oct**: neither points nor calls is on pace.
- **calls** 1,180 → 1,100 calls/week, 3 % → 17 %, off track. B4 of 14 Oct.
- **shipped** 4 → 9 of 12, 20 % → 75 %, on track (edited: target: 20 → 12). +5:
  acme/search#6 (restated: came late), acme/search#10, acme/search#9 and 2 more.
- **points** 10 of 30, 33 %, off track: not comparable, its measure was edited
  (measure.where.base: release → release or main); by the one before it was 1.
- Not moved: mood 6 since 9 Oct.

## It works
"""


def test_the_review_of_a_week_shows_what_moved_and_why(october: October) -> None:
    text = october.project.run("review", "--week", check=0).stdout
    assert text.startswith(WEEK)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert october.project.run("review", "--markdown", check=0).stdout == text
    assert october.project.run("review", "--week", "--period", "2026-10", check=0).stdout == text


def test_check_ins_are_shown_as_people_wrote_them(october: October) -> None:
    text = " ".join(october.project.run("review", check=0).stdout.split())
    by = f"Eve (entered by {ME})"
    assert f"- 12 Oct, {by} on mood: confidence 50 %, all is \\<i>well\\</i> # or \\*so\\* they" in text


def test_stale_and_held_numbers_come_with_advice(october: October) -> None:
    attention = {name: each for each in document(october.project)["attention"] for name in each["key_results"]}
    assert {name: each["what"] for name, each in attention.items()} == {"mood": "stale", "crashes": "held"}
    assert "`syncd checkin mood --value N`" in attention["mood"]["advice"]
    assert "`syncd approve crashes` accepts it" in attention["crashes"]["reason"]


def test_numbers_of_two_measures_are_no_movement(october: October) -> None:
    by_id = moves(document(october.project))
    assert (by_id["points"]["movement"], by_id["points"]["change"]) == ("remeasured", None)
    assert (by_id["shipped"]["movement"], by_id["shipped"]["change"]) == ("moved", 5)
    assert {
        kr["movement"] for kr in document(october.project, "--at", "2026-10-09")["objectives"][0]["key_results"]
    } == {
        "moved",
        "new",
    }


def test_edits_are_listed_and_asked_about(october: October) -> None:
    read = document(october.project)
    changes = read["definition_changes"]
    assert [(change["key_results"], change["key"], change["old"], change["new"]) for change in changes] == [
        (["shipped"], "target", 20, 12),
        (["points"], "measure.where.base", "release", ["release", "main"]),
    ]
    asked = [question["text"] for question in read["questions"]]
    assert "45 % of the way by the old one and 75 % by the new" in next(text for text in asked if "shipped: " in text)
    assert any(text.startswith("points has been measured differently since 16 Oct") for text in asked)


def test_causes_are_the_records_that_came_since(october: October) -> None:
    causes = moves(document(october.project))["shipped"]["causes"]
    assert [cause["change"] for cause in causes] == ["came"] * 5
    assert {cause["label"]: cause["restated"] for cause in causes if cause["restated"]} == {f"{REPO}#6": "came late"}
    assert all(cause["url"].startswith("http") for cause in causes)


def test_the_review_of_a_past_week_is_as_it_was_on_its_last_day(october: October) -> None:
    then = document(october.project, "--at", "2026-10-09")
    assert (then["from"], then["to"]) == ("2026-10-03", "2026-10-09")
    of_the_week = ("value", "progress", "movement", "before", "change", "quality")  # expected rose until midnight
    for name, move in moves(october.on_the_ninth).items():
        assert {key: moves(then)[name][key] for key in of_the_week} == {key: move[key] for key in of_the_week}, name
    assert [objective["alignment"] for objective in then["objectives"]] == [
        objective["alignment"] for objective in october.on_the_ninth["objectives"]
    ]


def test_the_review_of_a_period_starts_from_the_baselines_and_counts_the_edits(october: October) -> None:
    read = document(october.project, "--period", "2026-10")
    assert (read["whole_period"], read["from"], read["to"]) == (True, "2026-10-01", "2026-10-16")
    calls_before = moves(read)["calls"]["before"]
    assert calls_before == {"day": "2026-09-30", "value": 1200, "progress": 0, "source": "baseline"}
    assert read["objectives"][0]["score_before"] is None
    assert read["carry_over"] == ["calls", "mood", "points", "crashes"]
    assert [moves(read)[name]["times_edited"] for name in ("shipped", "calls")] == [1, 0]
    text = october.project.run("review", "--period", "2026-10", check=0).stdout
    assert "- **calls** 1,200 → 1,100, the goal is 600 calls/week: score 17 %, off track. B4" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_review_of_a_period_that_is_over_names_no_pace(october: October, tmp_path: Path) -> None:
    project = copied(october.project, tmp_path)
    project.edit("syncd.yaml", "2026-10-16T", "2026-11-20T")
    text = project.run("review", "--period", "2026-10", check=0).stdout
    assert "It ended on 31 Oct; of 2 objectives:" in text
    assert "must fall" not in text
    assert "until 31 Oct" not in text
    last_week = document(project, "--week", "--period", "2026-10")
    assert (last_week["from"], last_week["to"], last_week["whole_period"]) == ("2026-10-25", "2026-10-31", False)
    assert last_week == document(project, "--at", "2026-10-31")


def copied(project: Project, folder: Path) -> Project:
    shutil.copytree(project.folder, folder / "copy")
    return Project(folder / "copy")


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_a_single_file_and_escapes_what_people_wrote(october: October) -> None:
    text = october.project.run("review", "--html", check=0).stdout
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "i"} & set(page.tags)
    assert not {"src", "href", "onclick", "style"} & page.attributes
    assert "url(" not in text
    assert "@import" not in text
    assert "Customers find <b>answers</b> & *more*" in page.text
    assert "all is <i>well</i>" in page.text
    assert page.tags.count("code") >= 2
    assert page.text.index("Watermelon since 16 Oct") < page.text.index("Questions for the meeting")


def test_wrong_options_are_refused_with_a_sentence(october: October) -> None:
    def refused(*options: str) -> str:
        return october.project.run("review", *options, check=2).stderr

    assert refused("--period", "2026-Q9") == "syncd: there is no period '2026-Q9'; the mappings have: 2026-10\n"
    assert (
        refused("--html", "--json")
        == "syncd: --markdown, --html, --json and --notify do not go together; choose one of them\n"
    )
    assert refused("--at", "last friday") == "syncd: --at is 'last friday'; write a day as 2026-11-02\n"
    assert (
        refused("--at", "2026-10-17")
        == "syncd: --at is 2026-10-17, which is in the future; write today or a past day\n"
    )


def test_a_review_before_the_first_sync_says_what_to_do(project: Project) -> None:
    for options in ((), ("--period", "2026-Q4")):
        text = project.run("review", *options, check=0).stdout
        assert "Nothing was pulled yet: run `syncd sync`." in text
        assert "Questions" not in text
    assert "Nothing was pulled yet" in project.run("review", "--html", check=0).stdout
    assert not (project.folder / "syncd.db").exists()
    assert "Nothing was pulled by 1 Nov." in project.run("review", "--at", "2026-11-01", check=0).stdout


@pytest.mark.synced
def test_the_review_of_the_example_is_a_page_long_with_its_watermelon_first(project: Project) -> None:
    text = project.run("review", check=0).stdout
    shown = (Path(__file__).parents[2] / "docs/reviews.md").read_text(encoding="utf-8")
    assert f"<!-- output of: syncd review -->\n```text\n{text}```\n" in shown
    lines = text.splitlines()
    assert len(project.key_results()) == 20
    assert len(lines) <= 92
    assert len(re.findall(r"[\w.,/#-]*\w", text)) <= 640  # two minutes: 32 words a key result
    assert max(map(len, lines)) <= 80
    assert lines.index("## Customers find answers without calling us (support)") == 5
    assert "- **calls** 1,110 → 1,092 calls/week, 15 % → 18 %, off track. Support!C11 of 16" in text
    assert "1. articles is on pace since 12 Oct, yet calls must fall by 84.9 a week until 31\n" in text
    assert "- **satisfaction**: Survey!B3 holds the error #REF!." in text
    assert "computed from their sources' own dates" in text
    by_id = moves(document(project))
    assert {kr["before"]["source"] for kr in by_id.values() if kr["before"]} == {"backfilled"}


@pytest.mark.synced
def test_a_brief_is_short_and_begins_with_what_matters(project: Project) -> None:
    config = load_config(project.folder / "syncd.yaml")
    okrs = choose_period(config, None, NOW)
    assert okrs is not None
    text = brief(review(config, okrs, open_ledger(config.ledger_url()), NOW))
    assert len(text) <= LONGEST
    assert [line.partition(" ")[0] for line in text.splitlines()] == [
        *("2026-Q4,", "Day", "10", "Watermelon:", "search-shipped", "articles", "lead-time"),
        *("?", "?", "?"),
    ]
