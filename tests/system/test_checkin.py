"""Check-ins through the command line: made, shown beside a measured value, expired, explained."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from projects import ME, Project

from syncd.ledger import cycle_lock, open_ledger

NOW = "2026-11-03T10:00:00+01:00"
ENTERED = f" (entered by {ME})"
"""What stands behind an author who is not the user that runs the tests."""
PROJECT = f"""\
mappings: okrs.yaml
timezone: Europe/Berlin
clock: {NOW}
connections:
  local: {{type: files, root: .}}
"""
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    owner: support
    key_results:
      - id: trust
        title: Agents trust the knowledge base
        kind: outcome
        baseline: 30
        target: 60
        confidence: 0.5
        plausible: {at_most: 100}
      - id: calls
        title: Calls fall
        kind: outcome
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, cell: A1}
        guard: {measure: {from: local, file: calls.csv, cell: A1}, keep: {at_least: 1}}
"""
NOTE = "The phone system says so; the sheet lags a week behind it, and " + "there is more to say. " * 5


@pytest.fixture
def okrs(tmp_path: Path) -> Project:
    """A measured key result, and a key result that waits for check-ins."""
    (tmp_path / "syncd.yaml").write_text(PROJECT)
    (tmp_path / "okrs.yaml").write_text(MAPPING)
    (tmp_path / "calls.csv").write_text("1092\n")
    return Project(tmp_path)


def at(project: Project, moment: str) -> None:
    """Sets the project's clock."""
    (project.folder / "syncd.yaml").write_text(PROJECT.replace(NOW, moment))


def explained(project: Project, *arguments: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(project.run("explain", *arguments, "--json", check=0).stdout)
    return read


@pytest.mark.nightly
def test_a_check_in_is_the_value_of_a_key_result_without_a_measure_until_it_expires(okrs: Project) -> None:
    before = okrs.key_results()["trust"]
    assert (before["value"], before["confidence"], before["checkin"]) == (None, 0.5, None)
    done = okrs.run("checkin", "trust", "--value", "45", "--author", "ada", "--confidence", "0.7", check=0)
    assert done.stdout == f"trust: – → 45, on track; checked in by ada{ENTERED}, until 17 Nov 10:00\n"

    trust = okrs.key_results()["trust"]
    assert (trust["value"], trust["quality"], trust["health"], trust["as_of"]) == (45, "complete", "on_track", NOW)
    assert trust["confidence"] == 0.7
    assert trust["checkin"] == {
        "value": 45,
        "note": None,
        "confidence": 0.7,
        "author": "ada",
        "entered_by": ME,
        "at": NOW,
        "expires_at": "2026-11-17T10:00:00+01:00",
    }
    okrs.run("sync", check=0)
    assert okrs.key_results()["trust"] == trust

    at(okrs, "2026-11-17T10:00:00+01:00")
    okrs.run("sync", check=0)
    trust = okrs.key_results()["trust"]
    assert (trust["value"], trust["quality"], trust["health"]) == (45, "stale", "unknown")
    assert trust["reason"] == "the check-in of 3 Nov has expired"
    assert (trust["checkin"], trust["confidence"]) == (None, 0.5)
    done = okrs.run("checkin", "trust", "--value", "50", "--author", "bo", "--expires", "3d", check=0)
    assert done.stdout == f"trust: 45 → 50, on track; checked in by bo{ENTERED}, until 20 Nov 10:00\n"


@pytest.mark.nightly
def test_a_check_in_beside_a_measured_value_replaces_nothing(okrs: Project) -> None:
    okrs.run("sync", check=0)
    measured = okrs.key_results()["calls"]
    done = okrs.run("checkin", "calls", "--value", "1050", "--note", NOTE, "--author", "ada", check=0)
    assert done.stdout == f"calls: 1,050 (-42) beside 1,092; checked in by ada{ENTERED}, until 17 Nov 10:00\n"
    okrs.run("sync", check=0)
    calls = okrs.key_results()["calls"]
    assert calls["checkin"]["value"] == 1050
    assert calls["checkin"]["note"] == NOTE.strip()
    assert {**calls, "checkin": None} == measured

    at(okrs, "2026-11-05T10:00:00+01:00")
    page = okrs.run("status", check=0).stdout
    assert f"check-in: 1,050 (-42) by ada{ENTERED}, 2 d ago: The phone system says so;" in " ".join(page.split())
    assert max(map(len, page.splitlines())) <= 80
    assert "confidence 50 %" in page
    at(okrs, "2026-11-17T10:00:00+01:00")
    assert "check-in: 1,050" not in okrs.run("status", check=0).stdout


def test_explain_lists_every_check_in_by_its_moment(okrs: Project) -> None:
    okrs.run("sync", check=0)
    for name in ("calls", "trust"):
        at(okrs, NOW)
        okrs.run("checkin", name, "--value", "45", "--author", "ada", "--note", NOTE, "--expires", "1d", check=0)
        at(okrs, "2026-11-06T10:00:00+01:00")
        okrs.run("checkin", name, "--value", "50", "--author", "bo", "--confidence", "0.6", check=0)
        first, second = explained(okrs, name)["checkins"]
        assert (first["author"], first["value"], first["note"], first["expired"]) == ("ada", 45, NOTE.strip(), True)
        assert (second["author"], second["confidence"], second["expired"]) == ("bo", 0.6, False)
        text = " ".join(okrs.run("explain", name, check=0).stdout.split())
        assert f"check-in 3 Nov 10:00 by ada{ENTERED}: 45; expired 4 Nov 10:00 " in text
        assert f"check-in 6 Nov 10:00 by bo{ENTERED}: 50, confidence 60 %; until 20 Nov 10:00" in text
        assert text.count(NOTE.strip()) == 1
    then = explained(okrs, "trust", "--at", "2026-11-03")
    assert (then["value"], [checkin["expired"] for checkin in then["checkins"]]) == (45, [False])
    assert okrs.key_results()["trust"]["value"] == 50


def test_a_note_alone_is_kept_before_the_first_value(okrs: Project) -> None:
    done = okrs.run("checkin", "trust", "--note", "the survey is out", "--author", "ada", check=0)
    assert done.stdout == f"trust: checked in by ada{ENTERED}, until 17 Nov 10:00\n"
    page = okrs.run("status", check=0).stdout
    assert "no measure: it waits for a check-in" in page
    assert f"check-in by ada{ENTERED}, just now: the survey is out" in page
    assert "the survey is out" in okrs.run("explain", "trust", check=0).stdout


def test_the_json_of_checkin_is_the_key_result_of_status(okrs: Project) -> None:
    done = okrs.run("checkin", "trust", "--value", "45", "--json", check=0)
    assert json.loads(done.stdout) == okrs.key_results()["trust"]
    assert okrs.key_results()["trust"]["checkin"]["author"]


def test_an_implausible_value_needs_force(okrs: Project) -> None:
    refused = okrs.run("checkin", "trust", "--value", "120", check=2).stderr
    assert refused == (
        "syncd: 120 is outside plausible (at most 100); correct --value, or write --force if it is meant\n"
    )
    assert okrs.key_results()["trust"]["value"] is None
    okrs.run("checkin", "trust", "--value", "120", "--force", check=0)
    assert okrs.key_results()["trust"]["value"] == 120


@pytest.mark.nightly
def test_a_check_in_during_a_cycle_is_stored_and_counts_from_the_next(okrs: Project) -> None:
    okrs.run("sync", check=0)
    ledger = open_ledger(f"sqlite:///{okrs.folder / 'syncd.db'}")
    assert ledger is not None
    with cycle_lock(ledger.engine):
        done = okrs.run("checkin", "trust", "--value", "45", "--author", "ada", check=0)
        assert "trust: the check-in is stored and counts from the next cycle" in " ".join(done.stdout.split())
        as_json = okrs.run("checkin", "trust", "--value", "50", "--json", check=0)
        assert json.loads(as_json.stdout)["value"] is None
        okrs.run("checkin", "trust", "--withdraw", check=0)
    assert explained(okrs, "trust")["checkins"] == []
    ledger.close()
    okrs.run("checkin", "calls", "--note", "fine", check=0)
    assert okrs.key_results()["trust"]["value"] == 45
    kept = explained(okrs, "trust")["checkins"]
    assert [(checkin["value"], "withdrawn" in checkin) for checkin in kept] == [(45, False), (50, True)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trst", "--value", "1"], "there is no key result 'trst' in 2026-Q4; did you mean 'trust'?"),
        (["calls:guard", "--value", "1"], "calls:guard is a guard, which takes no check-in"),
        (
            ["trust"],
            "a check-in needs a value, a note or a confidence; write --value N, --note TEXT or --confidence 0.6",
        ),
        (["trust", "--note", "  "], "a check-in needs a value"),
        (["trust", "--value", "1,050"], "--value is '1,050'; write a plain number, such as 1050 or -0.5"),
        (["trust", "--value", "inf"], "--value is 'inf'; write a plain number"),
        (["trust", "--confidence", "1.5"], "--confidence is '1.5'; write a number from 0 to 1, such as 0.6"),
        (["trust", "--confidence", "60%"], "--confidence is '60%'; write a number from 0 to 1"),
        (["trust", "--value", "1", "--expires", "14"], "--expires is '14', which is no duration"),
        (["trust", "--value", "1", "--expires", "0d"], "--expires is '0d'; write a duration above 0"),
        (["trust", "--value", "1", "--expires", "9999999d"], "longer than a hundred years; write at most 36500d"),
        (["trust", "--value", "1", "--date", "3.11.2026"], "--date is '3.11.2026'; write a day as 2026-11-02"),
        (["trust", "--value", "1", "--date", "2026-11-04"], "--date is 2026-11-04, which is in the future"),
        (
            ["trust", "--value", "1", "--date", "2026-09-30"],
            "--date is 2026-09-30, which is not in 2026-Q4; name a day from 2026-10-01 to 2026-12-31",
        ),
        (["trust", "--withdraw", "--value", "1"], "--withdraw takes no --value; withdraw first, then check in again"),
        (["trust", "--value", "1", "--author", " "], "a check-in needs a name; write --author NAME"),
    ],
)
def test_wrong_arguments_are_refused_with_a_sentence_and_exit_code_2(
    okrs: Project, arguments: list[str], message: str
) -> None:
    done = okrs.run("checkin", *arguments, check=2)
    assert message in done.stderr
    assert not (okrs.folder / "syncd.db").exists()


def test_a_check_in_of_a_past_day_describes_the_end_of_that_day(okrs: Project) -> None:
    done = okrs.run("checkin", "trust", "--date", "2026-10-20", "--value", "45", "--author", "ada", check=0)
    assert done.stdout == f"trust: – → 45, on track; checked in for 20 Oct by ada{ENTERED}, until 3 Nov 22:59\n"
    trust = okrs.key_results()["trust"]
    assert (trust["value"], trust["as_of"]) == (45, "2026-10-20T23:59:59+02:00")
    assert (trust["checkin"]["at"], trust["checkin"]["as_of"]) == (NOW, "2026-10-20T23:59:59+02:00")
    okrs.run("sync", check=0)
    done = okrs.run("checkin", "trust", "--date", "2026-10-10", "--value", "40", "--author", "bo", check=0)
    assert done.stdout == (
        f"trust: 40 checked in for 10 Oct by bo{ENTERED}, until 24 Oct 23:59; "
        "45 of 20 Oct is newer and stays the value\n"
    )
    assert okrs.key_results()["trust"]["value"] == 45
    points = {
        point["day"]: point["value"]
        for point in json.loads(okrs.run("history", "trust", "--backfill", "--json", check=0).stdout)["points"]
    }
    assert [points[f"2026-10-{day:02}"] for day in (9, 10, 19, 20, 31)] == [None, 40, 40, 45, 45]
    text = " ".join(okrs.run("explain", "trust", check=0).stdout.split())
    assert f"check-in of 10 Oct, made 3 Nov 10:00 by bo{ENTERED}: 40; expired 24 Oct 23:59" in text
    history = " ".join(okrs.run("history", "trust", check=0).stdout.split())
    assert f"checked in 3 Nov 10:00 by bo{ENTERED} for 10 Oct: 40" in history
    assert f"3 Nov, bo{ENTERED} on trust: for 10 Oct, 40" in " ".join(okrs.run("review", check=0).stdout.split())
    okrs.run("checkin", "trust", "--date", "2026-11-03", "--value", "50", "--author", "ada", check=0)
    assert (okrs.key_results()["trust"]["value"], okrs.key_results()["trust"]["as_of"]) == (50, NOW)


def test_a_withdrawn_check_in_counts_no_more_and_past_days_stay(okrs: Project) -> None:
    okrs.run("checkin", "trust", "--value", "45", "--author", "ada", check=0)
    at(okrs, "2026-11-04T10:00:00+01:00")
    okrs.run("checkin", "trust", "--value", "54", "--author", "bo", check=0)
    shown = explained(okrs, "trust")
    at(okrs, "2026-11-06T10:00:00+01:00")
    done = okrs.run("checkin", "trust", "--withdraw", "--note", "digits swapped", "--author", "ada", check=0)
    assert done.stdout == f"trust: 54 → 45, on track; 54 of 4 Nov by bo{ENTERED} withdrawn by ada{ENTERED}\n"
    trust = okrs.key_results()["trust"]
    assert (trust["value"], trust["as_of"], trust["checkin"]["author"]) == (45, NOW, "ada")
    okrs.run("sync", check=0)
    assert okrs.key_results()["trust"]["value"] == 45
    then = explained(okrs, "trust", "--at", "2026-11-05")
    assert (then["value"], then["checkins"]) == (54, shown["checkins"])
    first, second = explained(okrs, "trust")["checkins"]
    assert "withdrawn" not in first
    assert second["withdrawn"] == {
        "author": "ada",
        "entered_by": ME,
        "at": "2026-11-06T10:00:00+01:00",
        "note": "digits swapped",
    }
    explanation = " ".join(okrs.run("explain", "trust", check=0).stdout.split())
    assert f"withdrawn 6 Nov 10:00 by ada{ENTERED}: digits swapped" in explanation
    history = json.loads(okrs.run("history", "trust", "--json", check=0).stdout)
    assert [point["value"] for point in history["points"][-4:]] == [45, 54, 54, 45]
    events = [
        (event["event"], event["day"], event["checkin"]["value"], event["before"], event["after"])
        for event in history["events"]
    ]
    assert events == [
        ("checked_in", "2026-11-03", 45, None, 45),
        ("checked_in", "2026-11-04", 54, 45, 54),
        ("withdrawn", "2026-11-06", 54, 54, 45),
    ]
    text = " ".join(okrs.run("history", "trust", check=0).stdout.split())
    assert f"checked in 4 Nov 10:00 by bo{ENTERED}: 45 → 54" in text
    assert f"withdrawn 6 Nov 10:00 by ada{ENTERED}: 54 of 4 Nov by bo{ENTERED}: digits swapped" in text
    review = " ".join(okrs.run("review", check=0).stdout.split())
    assert f"54, withdrawn on 6 Nov by ada{ENTERED}: digits swapped" in review

    done = okrs.run("checkin", "trust", "--withdraw", "--author", "ada", check=0)
    assert done.stdout == f"trust: 45 → unknown, unknown; 45 of 3 Nov by ada{ENTERED} withdrawn by ada{ENTERED}\n"
    trust = okrs.key_results()["trust"]
    assert (trust["value"], trust["health"], trust["as_of"], trust["checkin"]) == (None, "unknown", None, None)
    assert trust["reason"] == "its check-in was withdrawn"
    okrs.run("sync", check=0)
    assert okrs.key_results()["trust"] == trust
    refused = okrs.run("checkin", "trust", "--withdraw", check=2).stderr
    assert "trust has no check-in to withdraw; `syncd explain trust` lists its check-ins" in refused


def test_an_older_check_in_is_withdrawn_by_its_day(okrs: Project) -> None:
    okrs.run("checkin", "calls", "--value", "900", "--author", "ada", check=0)
    at(okrs, "2026-11-04T10:00:00+01:00")
    okrs.run("checkin", "calls", "--note", "all is well", "--author", "bo", check=0)
    done = okrs.run("checkin", "calls", "--withdraw", "--date", "2026-11-03", "--author", "bo", check=0)
    assert done.stdout == f"calls: 900 of 3 Nov by ada{ENTERED} withdrawn by bo{ENTERED}\n"
    assert okrs.key_results()["calls"]["checkin"]["note"] == "all is well"


def test_the_history_of_a_period_that_is_named_by_its_days_fits_80_columns(okrs: Project) -> None:
    okrs.edit("okrs.yaml", "period: 2026-Q4", "period: {start: 2026-10-01, end: 2026-12-31}")
    okrs.edit("okrs.yaml", "        baseline: 30\n", "        baseline: 30\n        unit: agents who say so\n")
    okrs.run("checkin", "trust", "--value", "45", check=0)
    shown = okrs.run("history", "trust", check=0).stdout.splitlines()
    assert max(map(len, shown)) <= 80
    assert shown[1].startswith("2026-10-01..2026-12-31   30 → 60 agents who say so   as of")


def test_a_settled_period_takes_no_check_in(okrs: Project) -> None:
    at(okrs, "2027-01-15T00:00:00+01:00")
    refused = okrs.run("checkin", "trust", "--value", "45", check=2).stderr
    assert "2026-Q4 is frozen since 15 Jan: it has ended and settled; name another period with --period" in refused


def test_who_ran_a_check_in_stands_beside_the_author_that_it_claims(okrs: Project) -> None:
    me, okrs = ME, replace(okrs, env={**okrs.env, "USER": "the-boss", "LOGNAME": "the-boss"})
    okrs.run("checkin", "trust", "--value", "45", check=0)
    okrs.run("checkin", "trust", "--withdraw", "--author", "ada", check=0)
    okrs.run("checkin", "trust", "--value", "46", "--author", me, check=0)
    claimed, own = json.loads(okrs.run("explain", "trust", "--json", check=0).stdout)["checkins"]
    assert (claimed["author"], claimed["entered_by"]) == ("the-boss", me)
    assert (claimed["withdrawn"]["author"], claimed["withdrawn"]["entered_by"]) == ("ada", me)
    assert (own["author"], own["entered_by"]) == (me, me)
    for command in ("explain", "history"):
        text = " ".join(okrs.run(command, "trust", check=0).stdout.split())
        assert f"by ada (entered by {me})" in text
    text = " ".join(okrs.run("review", check=0).stdout.split())
    assert f"the-boss (entered by {me}) on trust: 45, withdrawn on 3 Nov by ada (entered by {me})" in text
    assert f"by {me}, just now" in okrs.run("status", check=0).stdout


DECEMBER = """\
period: {start: 2026-12-01, end: 2026-12-31, id: december}
objectives:
  - id: month
    title: December goes well
    key_results:
      - {id: mood, title: The mood rises, kind: outcome, baseline: 0, target: 10}
"""


@pytest.mark.parametrize("value", ["--value", "--note", "--confidence"])
def test_a_check_in_describes_a_day_of_the_period_also_once_the_period_is_over(okrs: Project, value: str) -> None:
    okrs.run("checkin", "trust", "--value", "52", "--date", "2026-11-01", check=0)
    at(okrs, "2027-01-05T10:00:00+01:00")
    for dated in ([], ["--date", "2027-01-05"]):
        refused = okrs.run("checkin", "trust", value, "1", *dated, check=2).stderr
        assert " ".join(refused.split()) == (
            "syncd: 2026-Q4 is over, and a check-in describes one of its days; write --date 2026-12-31 for the last"
        )
    refused = okrs.run("checkin", "trust", value, "1", "--date", "2027-01-01", check=2).stderr
    assert "--date is 2027-01-01, which is not in 2026-Q4; name a day from 2026-10-01 to 2026-12-31" in refused
    assert okrs.key_results()["trust"]["as_of"] == "2026-11-01T23:59:59+01:00"
    done = okrs.run("checkin", "trust", value, "1", "--date", "2026-12-31", "--author", "ada", check=0).stdout
    assert done.endswith(f"checked in for 31 Dec by ada{ENTERED}\n")
    assert [made["expired"] for made in explained(okrs, "trust")["checkins"]] == [True, False]
    text = " ".join(okrs.run("explain", "trust", check=0).stdout.split())
    assert ("expired 15 Nov 23:59" in text, "until" in text) == (True, False)
    okrs.run("checkin", "trust", "--withdraw", check=0)


def test_a_check_in_that_outlives_the_period_names_no_time_until_which_it_holds(okrs: Project) -> None:
    at(okrs, "2026-12-20T10:00:00+01:00")
    done = okrs.run("checkin", "trust", "--value", "50", "--author", "ada", check=0).stdout
    assert done == f"trust: – → 50, at risk; checked in by ada{ENTERED}\n"
    done = okrs.run("checkin", "trust", "--value", "50", "--author", "ada", "--expires", "10d", check=0).stdout
    assert done == f"trust: 50 → 50, at risk; checked in by ada{ENTERED}, until 30 Dec 10:00\n"


def test_a_day_outside_every_period_of_a_key_result_is_refused_by_its_day(okrs: Project) -> None:
    (okrs.folder / "mappings").mkdir()
    (okrs.folder / "okrs.yaml").rename(okrs.folder / "mappings/quarter.yaml")
    (okrs.folder / "mappings/december.yaml").write_text(DECEMBER)
    okrs.edit("syncd.yaml", "mappings: okrs.yaml\n", "")
    okrs.edit("syncd.yaml", NOW, "2026-12-10T10:00:00+01:00")
    for outside in ("2026-09-30", "2026-11-15"):
        refused = okrs.run("checkin", "mood", "--value", "5", "--date", outside, check=2).stderr
        assert f"--date is {outside}, which is not in december; name a day from 2026-12-01 to 2026-12-31" in refused
    refused = okrs.run("checkin", "trust", "--value", "5", "--date", "2026-12-05", check=2).stderr
    assert "there is no key result 'trust' in december; it is in 2026-Q4: add --period 2026-Q4" in refused
