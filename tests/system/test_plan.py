"""`syncd plan`, at the terminal and in a pipeline."""

from __future__ import annotations

import json
from typing import Any

import pytest
from projects import NOW, Project, done_articles

from syncd.sandbox import Fault, Sandbox
from syncd.sandbox.story.numbers import OKR_BOOK


def planned(project: Project, *arguments: str, check: int = 0) -> dict[str, Any]:
    """The document of `plan --json`."""
    return json.loads(project.run("plan", "--json", *arguments, check=check).stdout)


def changes(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The key results that would change, by id."""
    return {change["id"]: change for period in document["periods"] for change in period["key_results"]}


def change_world(box: Sandbox) -> tuple[str, str]:
    """Reopens an article, writes another, and corrects the last number of calls. Returns new and reopened article."""
    reopened = done_articles(box)[0]
    new = box.world.jira.create("KB", "Article", "How to read a bill")
    box.world.jira.transition(new.key, done_articles(box)[1].status)
    box.world.jira.reopen(reopened.key)
    box.world.sheets.set_cell(OKR_BOOK, "Support", "C11", 700)
    return new.key, reopened.key


def test_a_first_plan_shows_everything_and_leaves_status_as_it_was(project: Project) -> None:
    before = project.run("status", check=0).stdout
    document = planned(project, "--exit-code", check=3)
    assert (document["changes"], document["measured"], document["streams"]) == (True, 20, 17)
    by_id = changes(document)
    assert len(by_id) == 20
    assert all(change["old"] is None for change in by_id.values())
    assert len(by_id["articles"]["enters"]) == by_id["articles"]["new"]["value"] == 33
    verdicts = document["periods"][0]["verdicts"]
    assert (verdicts[0]["output"], verdicts[0]["old"], verdicts[0]["new"]) == ("articles", "unknown", "watermelon")
    assert [verdict["new"] for verdict in verdicts].count("watermelon") == 1
    text = project.run("plan", check=0).stdout
    assert "      and 13 more\n" in text
    assert "20 of 20 key results would change; 17 streams\n" in text
    assert max(len(line) for line in text.splitlines() if "http" not in line) <= 80
    assert project.run("status", check=0).stdout == before
    assert "Nothing was pulled yet" in before
    project.run("sync", check=0)
    assert {name: kr["value"] for name, kr in project.key_results().items()} == {
        name: change["new"]["value"] for name, change in by_id.items()
    }


@pytest.mark.nightly
@pytest.mark.synced
def test_a_plan_names_the_records_that_enter_and_leave_and_the_sync_does_the_same(
    project: Project, box: Sandbox
) -> None:
    nothing = "Nothing would change: 20 key results, 17 streams, as of 21 Nov 10:20\n"
    assert project.run("plan", "--exit-code", check=0).stdout == nothing
    before = project.status()
    new, reopened = change_world(box)

    document = planned(project, "--exit-code", check=3)

    by_id = changes(document)
    assert set(by_id) == {"articles", "calls"}
    (enters,), (leaves,) = by_id["articles"]["enters"], by_id["articles"]["leaves"]
    assert (enters["label"], enters["title"], enters["at"][:10]) == (new, "How to read a bill", "2026-11-21")
    assert enters["url"].endswith(f"/browse/{new}")
    assert (leaves["label"], leaves["why"]) == (reopened, "status is To Do")
    assert leaves["at"] is not None
    assert by_id["articles"]["old"]["value"] == by_id["articles"]["new"]["value"] == 33
    (cell,) = by_id["calls"]["brings_another"]
    assert (cell["label"], cell["brought"], cell["brings"]) == ("Support!C11", "1092", "700")
    (objective,) = document["periods"][0]["objectives"]
    assert (objective["old"]["health"], objective["new"]["health"]) == ("off_track", "on_track")
    (verdict, *_) = document["periods"][0]["verdicts"]
    assert (verdict["output"], verdict["old"], verdict["new"]) == ("articles", "watermelon", "working")
    text = project.run("plan", check=0).stdout
    assert "  ~ calls     1,092 → 700 calls/week, 18 % → 83 % of the way,\n    off track → on track\n" in text
    assert f"      + 21 Nov  {new}  How to read a bill\n" in text
    assert max(len(line) for line in text.splitlines() if "http" not in line) <= 80
    assert project.status() == before

    project.run("sync", check=0)
    after = project.key_results()
    for name, change in by_id.items():
        assert {key: after[name][key] for key in ("value", "progress", "health", "quality")} == {
            key: change["new"][key] for key in ("value", "progress", "health", "quality")
        }
    assert project.run("plan", "--exit-code", check=0).stdout == nothing


@pytest.mark.synced
def test_a_plan_names_edits_by_file_and_key(project: Project) -> None:
    project.edit("mappings/support.yaml", "target: 600", "target: 700")
    project.edit("mappings/support.yaml", "base: main", "base: release/1.x")
    project.edit("mappings/support.yaml", "deflection", "self-served")
    text = project.run("plan", "--exit-code", check=3).stdout
    assert "  ~ calls           1,092 calls/week, 18 % → 22 % of the way, off track\n" in text
    assert "      edited in mappings/support.yaml: target: 600 → 700\n" in text
    assert "  ~ search-shipped  2, 8 % of the way, off track\n" in text
    assert "      measured differently before: 19, 76 % of the way, on track\n" in text
    assert "      edited in mappings/support.yaml: measure.where.base: main → release/1.x\n" in text
    assert "  + self-served     68 %, 40 % of the way, at risk\n      new key result\n" in text
    assert "- deflection: removed: no longer in any file; mappings/support.yaml had it." in text
    assert "3 of 20 key results would change, 1 removed; 17 streams\n" in text


@pytest.mark.nightly
def test_a_plan_shows_a_number_that_would_be_held_and_explain_shows_the_last_sync(
    project: Project, box: Sandbox
) -> None:
    stale = "stale_after: 10d\n"
    project.edit("mappings/support.yaml", stale, stale + "        plausible: {at_most: 1500}\n")
    project.run("sync", check=0)
    box.world.sheets.set_cell(OKR_BOOK, "Support", "C11", 1950)
    calls = changes(planned(project))["calls"]
    assert (calls["new"]["value"], calls["new"]["quality"], calls["new"]["candidate"]) == (1092, "held", 1950)
    assert calls["approve"] == "syncd approve calls"
    assert "what would count in 1,950 if you approve it:" in project.run("plan", check=0).stdout
    assert "calls is not held" in project.run("approve", "calls", check=2).stderr
    project.run("sync", check=0)
    box.world.sheets.set_cell(OKR_BOOK, "Support", "C11", 2100)
    assert changes(planned(project))["calls"]["new"]["candidate"] == 2100
    explained = json.loads(project.run("explain", "calls", "--json", check=0).stdout)
    assert [item["brings"] for item in explained["candidate_counted"]] == ["1950"]
    box.world.sheets.set_cell(OKR_BOOK, "Support", "C11", 1950)
    text = project.run("plan", "--exit-code", check=0).stdout
    assert text.startswith("calls waits already, with 1,950: `syncd approve calls`\nNothing would change: ")


@pytest.mark.nightly
@pytest.mark.synced
def test_a_plan_reports_a_failed_source_like_sync_and_exits_with_1(project: Project, box: Sandbox) -> None:
    change_world(box)
    box.fault(Fault("sheets", "unauthorized"))
    done = project.run("plan", "--exit-code", check=1)
    assert "failed: numbers: 1AbC-acme-okr-numbers-2026q4: the credentials were refused" in done.stderr
    assert "17 streams, 2 failed\n" in done.stdout
    document = planned(project, check=1)
    assert {failure["connection"] for failure in document["failures"]} == {"numbers"}
    assert changes(document)["calls"]["new"]["quality"] == "failed"
    assert len(changes(document)["articles"]["enters"]) == 1


@pytest.mark.synced
@pytest.mark.nightly
def test_a_plan_of_a_single_key_result_pulls_its_stream_alone(project: Project, box: Sandbox) -> None:
    change_world(box)
    document = planned(project, "--only", "calls")
    assert (set(changes(document)), document["measured"], document["streams"]) == ({"calls"}, 1, 1)
    assert "did you mean 'calls'?" in project.run("plan", "--only", "cals", check=2).stderr
    assert "--log-format is 'xml'" in project.run("plan", "--log-format", "xml", check=2).stderr


@pytest.mark.nightly
def test_a_plan_shows_what_would_be_written_and_writes_nothing(project: Project) -> None:
    with (project.folder / "syncd.yaml").open("a") as file:
        file.write("publish:\n  - {to: local, file: okrs.json}\n")
    output = project.run("plan", check=0).stdout
    assert "what would be written\n  local: okrs.json\n      + okrs.json  a text of" in output
    assert not list(project.folder.rglob("okrs.json"))


@pytest.mark.nightly
def test_a_held_guard_can_be_approved(project: Project) -> None:
    measure = "{from: local, file: bugs.csv, series: {dates: Day, values: Bugs}, take: sum}"
    guard = f"guard: {{keep: {{at_most: 5}}, measure: {measure}}}"
    project.edit("mappings/support.yaml", "        lag: 3w\n", f"        lag: 3w\n        {guard}\n")
    bugs = project.folder / "data" / "bugs.csv"
    bugs.write_text("Day,Bugs\n2026-10-05,1\n2026-10-06,1\n2026-10-07,1\n")
    project.run("sync", check=0)
    bugs.write_text("Day,Bugs\n")
    held = changes(planned(project))["articles"]["guard"]
    assert (held["new"]["value"], held["new"]["candidate"]) == (3, 0)
    project.run("sync", check=0)
    assert project.run("approve", "articles:guard", "--author", "Dana", check=0).stdout.startswith(
        "articles:guard: 3 → 0"
    )


@pytest.mark.nightly
@pytest.mark.synced
def test_a_plan_shows_a_health_that_changes_by_the_clock_alone(project: Project) -> None:
    project.edit("syncd.yaml", NOW.isoformat(), NOW.replace(month=12, day=30).isoformat())
    change = changes(planned(project))["articles"]
    assert (change["old"]["value"], change["new"]["value"]) == (33, 33)
    assert (change["old"]["health"], change["new"]["health"]) == ("on_track", "at_risk")
    assert change["enters"] == change["leaves"] == []
