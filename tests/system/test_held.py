"""Implausible numbers through the command line: held beside the last number, approved, released."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from projects import ME, NOW, Project

from syncd.sandbox import Sandbox
from syncd.sandbox.story.numbers import OKR_BOOK

CALLS = "stale_after: 10d\n"


def calls_are(box: Sandbox, number: float) -> None:
    box.world.sheets.set_cell(OKR_BOOK, "Support", "C11", number)


def later(project: Project, **after: int) -> None:
    """Moves the project's clock on."""
    text = (project.folder / "syncd.yaml").read_text(encoding="utf-8")
    now = text.partition("clock: ")[2].partition("\n")[0]
    project.edit("syncd.yaml", now, (NOW + timedelta(**after)).isoformat())


@pytest.mark.synced
def test_an_emptied_project_is_held_until_somebody_approves_it(project: Project, box: Sandbox) -> None:
    before = project.key_results()["articles"]
    assert "candidate" not in before
    board = box.world.jira
    articles = [issue.key for issue in board.issues.values() if issue.project == "KB"]
    for key in articles:
        board.delete(key)
    done = project.run("sync", "--reconcile", check=0)
    assert "0 waits: tickets:" in done.stdout
    assert "1 held" in done.stdout

    articles_now = project.key_results()["articles"]
    assert (articles_now["value"], articles_now["quality"], articles_now["candidate"]) == (33, "held", 0)
    assert {key: articles_now[key] for key in ("progress", "score", "health", "as_of")} == {
        key: before[key] for key in ("progress", "score", "health", "as_of")
    }
    assert "records to none; `syncd approve articles` accepts it" in articles_now["reason"]
    page = project.run("status", check=0).stdout
    assert "held: 0 waits" in page
    assert max(map(len, page.splitlines())) <= 80
    project.run("sync", check=0)
    assert project.key_results()["articles"] == articles_now

    explained = json.loads(project.run("explain", "articles", "--json", check=0).stdout)
    assert (explained["value"], explained["candidate"], explained["candidate_counted"]) == (33, 0, [])
    assert len(explained["counted"]) == 33

    asked = len(box.requests)
    done = project.run("approve", "articles", "--author", "Dana", check=0)
    assert done.stdout == f"articles: 33 → 0, off track; approved by Dana (entered by {ME})\n"
    assert len(box.requests) == asked
    taken = project.key_results()["articles"]
    assert (taken["value"], taken["quality"], taken["health"], taken["reason"]) == (0, "complete", "off_track", None)
    assert "candidate" not in taken
    project.run("sync", "--reconcile", check=0)
    assert project.key_results()["articles"] == taken
    explained = json.loads(project.run("explain", "articles", "--json", check=0).stdout)
    (approval,) = explained["approvals"]
    assert (approval["author"], approval["entered_by"], approval["old"], approval["new"]) == ("Dana", ME, 33, 0)
    for command in ("explain", "history"):
        assert f"by Dana (entered by {ME}): 33 → 0" in " ".join(
            project.run(command, "articles", check=0).stdout.split()
        )


@pytest.mark.nightly
def test_an_implausible_number_waits_until_a_plausible_number_comes(project: Project, box: Sandbox) -> None:
    project.edit("mappings/support.yaml", CALLS, CALLS + "        plausible: {at_most: 1500}\n")
    project.run("sync", check=0)
    calls_are(box, 1950)
    project.run("sync", check=0)
    calls = project.key_results()["calls"]
    assert (calls["value"], calls["quality"], calls["candidate"]) == (1092, "held", 1950)
    assert calls["reason"] == "1,950 is outside plausible (at most 1,500); `syncd approve calls` accepts it"
    calls_are(box, 2100)
    project.run("sync", check=0)
    assert project.key_results()["calls"]["candidate"] == 2100
    assert "waits with 2,100, not with 1,950" in project.run("approve", "calls", "--number", "1950", check=2).stderr
    calls_are(box, 1080)
    project.run("sync", check=0)
    calls = project.key_results()["calls"]
    assert (calls["value"], calls["quality"], calls["reason"]) == (1080, "complete", None)
    assert "candidate" not in calls


@pytest.mark.nightly
def test_an_approved_number_stays_and_another_implausible_number_is_held(project: Project, box: Sandbox) -> None:
    project.edit("mappings/support.yaml", CALLS, CALLS + "        plausible: {jump: 20%}\n")
    project.run("sync", check=0)
    calls_are(box, 700)
    project.run("sync", check=0)
    assert "a jump of 392 from 1,092, at most 20%" in project.key_results()["calls"]["reason"]
    later(project, hours=1)
    done = project.run("approve", "calls", "--number", "700", check=0)
    assert done.stdout.startswith("calls: 1,092 → 700, on track; approved by ")
    explained = json.loads(project.run("explain", "calls", "--json", check=0).stdout)
    assert [item["brings"] for item in explained["counted"]] == ["700"]
    project.run("sync", check=0)
    assert (project.key_results()["calls"]["value"], project.key_results()["calls"]["quality"]) == (700, "complete")
    calls_are(box, 300)
    project.run("sync", check=0)
    calls = project.key_results()["calls"]
    assert (calls["value"], calls["quality"], calls["candidate"]) == (700, "held", 300)


@pytest.mark.nightly
def test_held_until_repeated_takes_a_number_that_comes_twice(project: Project, box: Sandbox) -> None:
    project.edit("syncd.yaml", "schedule: 1s", "schedule: 1s\nheld_until: repeated")
    project.edit("mappings/support.yaml", CALLS, CALLS + "        plausible: {jump: 100}\n")
    project.run("sync", check=0)
    calls_are(box, 700)
    project.run("sync", check=0)
    calls_are(box, 650)
    project.run("sync", check=0)
    calls = project.key_results()["calls"]
    assert (calls["value"], calls["candidate"]) == (1092, 650)
    assert "and so does a second cycle with the same" in calls["reason"]
    project.run("sync", check=0)
    assert (project.key_results()["calls"]["value"], project.key_results()["calls"]["quality"]) == (650, "complete")


@pytest.mark.nightly
def test_a_new_quarter_at_zero_is_not_held(project: Project, box: Sandbox) -> None:
    text = (project.folder / "mappings" / "support.yaml").read_text(encoding="utf-8")
    text = text.replace(
        "kind: output\n        target: 40",
        "kind: output\n        plausible: {at_least: 5, jump: 10}\n        target: 40",
    )
    (project.folder / "mappings" / "support.yaml").write_text(text, encoding="utf-8")
    (project.folder / "mappings" / "next.yaml").write_text(text.replace("2026-Q4", "2027-Q1"), encoding="utf-8")
    project.run("sync", check=0)
    project.edit("syncd.yaml", NOW.isoformat(), "2027-01-01T08:00:00+01:00")
    project.run("sync", check=0)
    articles = project.key_results()["articles"]
    assert project.status()["period"]["id"] == "2027-Q1"
    assert (articles["value"], articles["quality"]) == (0, "complete")


@pytest.mark.nightly
def test_an_implausible_first_number_waits_beside_no_value(project: Project) -> None:
    project.edit("mappings/support.yaml", CALLS, CALLS + "        plausible: {at_most: 1000}\n")
    project.run("sync", check=0)
    calls = project.key_results()["calls"]
    assert (calls["value"], calls["quality"], calls["candidate"], calls["health"]) == (None, "held", 1092, "unknown")
    assert "[implausible-goal]" in project.run("validate", check=0).stderr
    project.run("approve", "calls", check=0)
    assert project.key_results()["calls"]["value"] == 1092


def test_only_held_numbers_can_be_approved(project: Project) -> None:
    assert "calls is not held: it was not pulled yet" in project.run("approve", "calls", check=2).stderr
    project.run("sync", check=0)
    assert "calls is not held: its value 1,092 is complete" in project.run("approve", "calls", check=2).stderr
    assert "did you mean 'calls'?" in project.run("approve", "cals", check=2).stderr
    assert "there is no period 'autumn'" in project.run("approve", "calls", "--period", "autumn", check=2).stderr


@pytest.mark.nightly
def test_a_number_waits_again_after_an_outage(project: Project, box: Sandbox) -> None:
    from syncd.sandbox import Fault

    project.edit("mappings/support.yaml", CALLS, CALLS + "        plausible: {at_most: 1500}\n")
    project.run("sync", check=0)
    calls_are(box, 1950)
    project.run("sync", check=0)
    held = project.key_results()["calls"]
    box.fault(Fault("sheets", "unauthorized"))
    project.run("sync", check=1)
    during = project.key_results()["calls"]
    assert (during["value"], during["quality"]) == (1092, "failed")
    assert "candidate" not in during
    box.heal()
    project.run("sync", check=0)
    assert project.key_results()["calls"] == held
