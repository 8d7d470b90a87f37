"""Whole cycles, as real processes through the real client libraries: the figures are the sandbox's own truth."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from projects import NOW, Project, differences, write_project

from syncd.sandbox import DEMO_NOW, Fault, Sandbox, serve


def test_two_syncs_give_the_same_true_figures(project: Project, box: Sandbox) -> None:
    project.run("sync", check=0)
    first = project.status()
    project.run("sync", check=0)
    second = project.status()
    assert differences(second, box) == []
    assert first == second


@pytest.mark.parametrize(
    ("seed", "now"),
    [
        pytest.param(8, DEMO_NOW, marks=pytest.mark.nightly),
        (2026, DEMO_NOW + timedelta(days=3)),
        (7, datetime.fromisoformat("2026-12-31T23:59:59+01:00")),
        (7, datetime.fromisoformat("2027-01-01T00:00:00+01:00")),
        pytest.param(7, datetime.fromisoformat("2027-01-10T12:00:00+01:00"), marks=pytest.mark.nightly),
    ],
)
def test_status_is_the_truth_of_other_stories_and_days(tmp_path: Path, seed: int, now: datetime) -> None:
    with serve(seed=seed, now=now) as box:
        project = write_project(tmp_path / "project", box, now.isoformat())
        project.run("sync", check=0)
        document = project.status()
        assert differences(document, box) == []


@pytest.mark.nightly
@pytest.mark.synced
def test_a_change_at_the_source_changes_the_number(project: Project, box: Sandbox) -> None:
    before = project.key_results()
    board = box.world.jira
    done = next(issue.key for issue in board.issues.values() if issue.key.startswith("KB-") and issue.status == "Done")
    board.reopen(done)
    box.world.sheets.set_cell(_okr_book(), "Support", "C11", 900.0)
    box.world.gitlab.add_release("acme/apps/mobile", "v0.10")
    project.run("sync", check=0)
    after = project.key_results()
    assert after["calls"]["value"] == 900
    assert after["articles"]["value"] == before["articles"]["value"] - 1
    assert after["mobile-releases"]["value"] == before["mobile-releases"]["value"] + 1
    assert differences(project.status(), box) == []


def _okr_book() -> str:
    from syncd.sandbox.story.numbers import OKR_BOOK

    return OKR_BOOK


# The matrix in test_faults.py has many more; these go through the command.
OUTAGES = {"html": Fault("github", "html"), "revoked": Fault("github", "unauthorized")}


@pytest.mark.nightly
@pytest.mark.synced
@pytest.mark.parametrize("outage", ["html", pytest.param("revoked", marks=pytest.mark.nightly)])
def test_a_failed_source_keeps_its_last_values_and_stops_no_other(project: Project, box: Sandbox, outage: str) -> None:
    before = project.key_results()
    box.world.github.touch("acme/search", 2)  # so that its list has something to say, and not just 304
    box.fault(OUTAGES[outage])
    box.world.sheets.set_cell(_okr_book(), "Support", "C11", 700.0)
    done = project.run("sync", check=1)
    assert "failed: code:" in done.stderr
    during = project.key_results()
    assert during["calls"]["value"] == 700  # the others are updated
    kept = during["search-shipped"]
    for key in ("value", "health", "as_of"):
        assert kept[key] == before["search-shipped"][key]
    assert kept["quality"] in ("failed", "partial")
    assert kept["reason"].startswith("code: ")
    box.heal()
    project.run("sync", check=0)
    assert differences(project.status(), box) == []


@pytest.mark.nightly
def test_a_source_that_never_answered_is_unknown_with_the_reason(project: Project, box: Sandbox) -> None:
    box.fault(Fault("jira", "unauthorized"))
    project.run("sync", check=1)
    articles = project.key_results()["articles"]
    assert articles["value"] is None
    assert (articles["health"], articles["quality"]) == ("unknown", "failed")
    assert "credentials" in articles["reason"]


@pytest.mark.nightly
def test_a_bad_cell_is_unknown_and_no_failure(project: Project, box: Sandbox) -> None:
    box.world.sheets.set_cell(_okr_book(), "Support", "C11", "soon")
    project.run("sync", check=0)
    calls = project.key_results()["calls"]
    assert calls["value"] is None
    assert (calls["health"], calls["quality"]) == ("unknown", "complete")
    assert "C11" in calls["reason"]
    assert "'soon'" in calls["reason"]


@pytest.mark.synced
def test_a_renamed_sheet_fails_its_own_key_result_alone(project: Project, box: Sandbox) -> None:
    box.world.sheets.rename_sheet(_okr_book(), "Support", "Hotline")
    done = project.run("sync", check=1)
    assert "Support" in done.stderr
    key_results = project.key_results()
    assert (key_results["calls"]["value"], key_results["calls"]["quality"]) == (1092, "failed")
    assert key_results["renewals"]["quality"] == "complete"


def test_status_lists_everything_from_the_start_without_secrets_or_network(project: Project) -> None:
    project.env.clear()
    key_results = project.key_results()
    assert len(key_results) == 20
    assert {kr["reason"] for kr in key_results.values()} == {"not pulled yet"}
    assert {kr["value"] for kr in key_results.values()} == {None}
    assert {kr["health"] for kr in key_results.values()} == {"unknown"}
    assert not (project.folder / "syncd.db").exists()  # reading makes nothing


def test_missing_secret_and_wrong_field_fail_their_own_key_results_alone(project: Project, box: Sandbox) -> None:
    """The others are measured, status says why, and `--only` of another key result does not ask for them."""
    del project.env["GITHUB_TOKEN"]
    project.edit("mappings/engineering.yaml", "of: Story Points", "of: Story Pionts")
    project.run("sync", "--only", "calls", check=0)
    done = project.run("sync", check=1)
    reason = "syncd.yaml:6: GITHUB_TOKEN is not set; set it in the environment"
    assert f"failed: code: issues of acme/web: {reason}" in done.stderr
    hint = "there is no field 'Story Pionts'; did you mean 'Story Points'? (mappings/engineering.yaml:"
    assert hint in done.stderr
    key_results = project.key_results()
    assert {request.service for request in box.requests} == {"sheets", "jira", "jira-dc", "metrics", "gitlab"}
    failed = {name: kr["reason"] for name, kr in key_results.items() if kr["quality"] != "complete"}
    assert all(why.startswith((f"code: {reason}", f"tickets: {hint}")) for why in failed.values())
    assert (key_results["articles"]["value"], key_results["calls"]["value"]) == (33, 1092)
    assert 0 < len(failed) < len(key_results)
    assert done.stderr.count("Story Pionts") == 1
    project.run("sync", "--only", "calls", check=0)
    assert reason in project.run("sync", "--only", "search-shipped", check=1).stderr


def test_only_pulls_and_measures_a_single_key_result(project: Project, box: Sandbox) -> None:
    project.run("sync", "--only", "calls", check=0)
    key_results = project.key_results()
    assert key_results["calls"]["value"] == 1092
    assert key_results["articles"]["reason"] == "not pulled yet"
    assert {request.service for request in box.requests} == {"sheets"}
    assert "did you mean 'calls'?" in project.run("sync", "--only", "cals", check=2).stderr


def test_dry_run_shows_and_keeps_no_value(project: Project) -> None:
    done = project.run("sync", "--dry-run", check=0)
    assert "calls" in done.stdout
    assert "1,092" in done.stdout
    assert project.key_results()["calls"]["value"] is None


@pytest.mark.synced
def test_an_edited_measure_is_not_shown_with_the_old_number(project: Project) -> None:
    project.edit("mappings/support.yaml", "Support!C2:C", "Support!B2:B")
    calls = project.key_results()["calls"]
    assert (calls["value"], calls["reason"]) == (None, "its measure was edited, and is not pulled yet")


@pytest.mark.nightly
def test_no_secret_reaches_output_or_ledger(project: Project, box: Sandbox) -> None:
    outputs = [project.run("sync", check=0)]
    for service in ("github", "jira", "jira-dc", "sheets", "metrics"):
        box.fault(Fault(service, "unauthorized"))
    outputs += [project.run("sync", check=1), project.run("doctor", check=1), project.run("explain", "calls", check=0)]
    text = "".join(done.stdout + done.stderr for done in outputs)
    stored = b"".join(path.read_bytes() for path in project.folder.glob("syncd.db*"))
    for secret in project.env.values():
        assert secret not in text
        assert secret.encode() not in stored


@pytest.mark.synced
@pytest.mark.nightly
def test_explain_sums_up_to_the_value_of_every_key_result(project: Project) -> None:
    for name, kr in project.key_results().items():
        evidence = json.loads(project.run("explain", name, "--json", check=0).stdout)
        assert evidence["value"] == kr["value"]
        takes = evidence["arithmetic"].partition(" ")[0]
        brought = [item["brings"] for item in evidence["counted"]]
        if takes == "count":
            assert len(brought) == kr["value"]
        elif kr["value"] is not None:
            assert evidence["arithmetic"].endswith(f"= {kr['value']:g}") or "over" in evidence["arithmetic"]
            assert brought
        for item in evidence["left_out"]:
            assert item["rule"]


@pytest.mark.nightly
@pytest.mark.synced
def test_explain_of_a_past_day_comes_from_the_ledger(project: Project, box: Sandbox) -> None:
    project.edit("syncd.yaml", NOW.isoformat(), (NOW + timedelta(days=2)).isoformat())
    box.world.sheets.set_cell(_okr_book(), "Support", "C11", 640.0)
    box.world.sheets.set_cell(_okr_book(), "Support", "C12", "")
    project.run("sync", check=0)
    now = json.loads(project.run("explain", "calls", "--json", check=0).stdout)
    then = json.loads(project.run("explain", "calls", "--json", "--at", "2026-11-21", check=0).stdout)
    assert (now["value"], then["value"]) == (640, 1092)
    assert [item["brings"] for item in then["counted"]] == ["1092"]
    before = json.loads(project.run("explain", "calls", "--json", "--at", "2026-11-20", check=0).stdout)
    assert before["value"] is None


def test_a_period_that_has_settled_is_frozen_but_for_what_was_never_measured(project: Project, box: Sandbox) -> None:
    project.run("sync", "--only", "calls", check=0)
    project.edit("syncd.yaml", NOW.isoformat(), "2027-01-15T12:00:00+01:00")  # 14 days after the end, and a half
    project.run("sync", check=0)
    first = project.key_results()
    assert first["calls"]["value"] == 1092  # as it was while the period was open
    assert first["articles"]["value"] == 33  # never measured before: late is better than never
    box.world.jira.transition("KB-3", "In Progress")
    box.world.sheets.set_cell(_okr_book(), "Support", "C11", 1.0)
    asked = len(box.requests)
    done = project.run("sync", check=0)
    assert "0 key results measured" in done.stdout
    assert len(box.requests) == asked
    after = project.key_results()
    assert {name: kr["value"] for name, kr in after.items()} == {name: kr["value"] for name, kr in first.items()}


@pytest.mark.synced
@pytest.mark.nightly
def test_an_edit_taken_back_during_an_outage_keeps_the_last_value(project: Project, box: Sandbox) -> None:
    box.fault(Fault("sheets", "unauthorized"))
    project.edit("mappings/support.yaml", "Support!C2:C", "Support!B2:B")
    project.run("sync", check=1)
    assert project.key_results()["calls"]["value"] is None
    project.edit("mappings/support.yaml", "Support!B2:B", "Support!C2:C")
    project.run("sync", check=1)
    calls = project.key_results()["calls"]
    assert (calls["value"], calls["quality"], calls["health"]) == (1092, "failed", "off_track")


@pytest.mark.synced
def test_explain_shows_the_cycle_that_measured_rather_than_now(project: Project) -> None:
    project.edit("syncd.yaml", NOW.isoformat(), (NOW + timedelta(days=5)).isoformat())  # a future row has come due
    evidence = json.loads(project.run("explain", "calls", "--json", check=0).stdout)
    assert evidence["value"] == 1092
    assert [item["brings"] for item in evidence["counted"]] == ["1092"]
    assert "C12" in next(item["label"] for item in evidence["left_out"] if item["rule"] == "dated after now")


@pytest.mark.nightly
@pytest.mark.synced
def test_an_edited_target_is_a_dated_change_that_explain_shows(project: Project) -> None:
    project.edit("mappings/support.yaml", "target: 600", "target: 800")
    project.run("sync", check=0)
    evidence = json.loads(project.run("explain", "calls", "--json", check=0).stdout)
    (change,) = evidence["definition_changes"]
    assert (change["file"], change["key"]) == ("mappings/support.yaml", "target")
    assert (change["old"], change["new"]) == (600.0, 800.0)
    assert " in mappings/support.yaml: target: 600 → 800" in project.run("explain", "calls", check=0).stdout


def test_a_token_that_a_server_repeats_is_not_printed(project: Project, box: Sandbox) -> None:
    token = project.env["GITHUB_TOKEN"]
    box.fault(Fault("github", "status", status=401, body=f"bad credentials: token {token}"))
    done = project.run("sync", check=1)
    assert "bad credentials: ***" in done.stderr
    shown = done.stdout + done.stderr + project.run("status", check=0).stdout
    assert token not in shown
    assert all(token.encode() not in path.read_bytes() for path in project.folder.glob("syncd.db*"))


def test_a_narrower_window_for_a_while_loses_no_record(project: Project) -> None:
    window = 'base: main, not_author: "dependabot[bot]"}\n          take: count'
    project.edit("mappings/support.yaml", window, window + "\n          window: 200d")
    project.run("sync", "--only", "search-shipped", check=0)
    wide = project.key_results()["search-shipped"]["value"]
    project.edit("mappings/support.yaml", "window: 200d", "window: 14d")
    project.run("sync", "--reconcile", "--only", "search-shipped", check=0)
    assert project.key_results()["search-shipped"]["value"] < wide
    project.edit("mappings/support.yaml", "window: 14d", "window: 200d")
    project.run("sync", "--reconcile", "--only", "search-shipped", check=0)
    assert project.key_results()["search-shipped"]["value"] == wide


@pytest.mark.synced
@pytest.mark.nightly
def test_explain_of_a_past_day_lists_what_counted_then_though_the_number_is_the_same(
    project: Project, box: Sandbox
) -> None:
    then = json.loads(project.run("explain", "articles", "--json", check=0).stdout)
    leaves = then["counted"][0]["label"]
    enters = next(item["label"] for item in then["left_out"] if item["rule"].startswith("status is"))
    box.world.jira.transition(leaves, "In Progress")
    box.world.jira.transition(enters, "Done")
    project.edit("syncd.yaml", NOW.isoformat(), (NOW + timedelta(days=2)).isoformat())
    project.run("sync", check=0)
    now = json.loads(project.run("explain", "articles", "--json", check=0).stdout)
    past = json.loads(project.run("explain", "articles", "--json", "--at", "2026-11-21", check=0).stdout)
    assert now["value"] == past["value"] == then["value"]
    assert enters in [item["label"] for item in now["counted"]]
    assert past["counted"] == then["counted"]
