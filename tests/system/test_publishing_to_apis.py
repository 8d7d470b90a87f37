"""Check-ins to APIs, by commands as processes: once each, whatever the API answers. Counted where they arrive."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from check_in_api import CheckInApi, Taken, check_in_api
from projects import Project
from waiting import HANG

from syncd.sandbox import Fault, Sandbox

TOKEN = "check-ins-token-41c7"
PUT = 'method: PUT, path: "/kr/{{ key_result }}"'
POST = 'path: "/kr/{{ key_result }}/check-ins"'
BODY = 'body: {value: "{{ value }}", health: "{{ health }}"}'


@pytest.fixture
def api() -> Iterator[CheckInApi]:
    with check_in_api() as service:
        yield service


def write_project(folder: Path, connections: str, publish: str) -> Project:
    """Two key results, read from files, and a third that nobody ever measured."""
    (folder / "mappings").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "mappings/okrs.yaml").write_text("""\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: calls
        title: Calls fall
        kind: outcome
        unit: calls/week
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, cell: A1}
      - id: nps
        title: Recommended more often
        kind: outcome
        baseline: 20
        target: 40
        measure: {from: local, file: nps.csv, cell: A1}
      - {id: churn, title: Fewer leave, kind: outcome, baseline: 5, target: 3}
""")
    (folder / "syncd.yaml").write_text(f"""\
timezone: Europe/Berlin
clock: 2026-11-21T10:15+01:00
connections:
  local: {{type: files, root: data/}}
{connections}
publish:
  - {{to: local, file: okrs.json}}
{publish}
""")
    project = Project(folder, {"OKRS_KEY": TOKEN})
    measured(project, calls=1092, nps=30)
    return project


def measured(project: Project, **values: float) -> None:
    for name, value in values.items():
        (project.folder / f"data/{name}.csv").write_text(f"{value}\n")


def http_project(tmp_path: Path, api: CheckInApi, how: str) -> Project:
    connections = f'  okrs: {{type: http, url: "{api.url}/v1", headers: {{X-Api-Key: "${{OKRS_KEY}}"}}}}'
    return write_project(tmp_path / "project", connections, f"  - {{to: okrs, {how}, {BODY}}}")


def values(taken: list[Taken]) -> list[tuple[str, Any]]:
    return [(check_in.target.split("/")[3], check_in.json()["value"]) for check_in in taken]


def states(project: Project) -> dict[str, list[str]]:
    return {entry["state"]: entry["key_results"] for entry in project.status()["unwritten"]}


def test_a_check_in_is_sent_once_and_again_when_it_changes(tmp_path: Path, api: CheckInApi) -> None:
    project = http_project(tmp_path, api, POST)
    project.run("sync", check=0)
    assert values(api.added) == [("calls", 1092), ("nps", 30)]
    assert {taken.headers["x-api-key"] for taken in api.added} == {TOKEN}
    project.run("sync", check=0)
    assert api.requests == 2
    measured(project, calls=1080)
    project.run("sync", check=0)
    assert values(api.added)[2:] == [("calls", 1080)]
    (project.folder / "data/calls.csv").unlink()
    project.run("sync", check=1)
    assert api.requests == 3, "a pull that failed sends nothing"


def test_override_that_is_switched_on_and_off_sends_nothing_again(tmp_path: Path, api: CheckInApi) -> None:
    project = http_project(tmp_path, api, POST)
    project.run("sync", check=0)
    project.edit("syncd.yaml", "to: okrs,", "to: okrs, override: true,")
    project.run("sync", check=0)
    project.edit("syncd.yaml", "override: true, ", "")
    project.run("sync", check=0)
    assert api.requests == 2


def test_a_put_stands_where_it_was_put(tmp_path: Path, api: CheckInApi) -> None:
    project = http_project(tmp_path, api, PUT)
    project.run("sync", check=0)
    measured(project, nps=31)
    project.run("sync", check=0)
    assert {path: put.json() for path, put in api.put.items()} == {
        "/v1/kr/calls": {"value": 1092, "health": "off_track"},
        "/v1/kr/nps": {"value": 31, "health": "on_track"},
    }
    assert api.requests == 3


def test_doubt_is_shown_and_only_a_person_sends_again(tmp_path: Path, api: CheckInApi) -> None:
    """The answer says 500 although the check-in arrived: another one by itself would be a duplicate."""
    project = http_project(tmp_path, api, POST)

    def takes_it_and_fails(taken: Taken) -> tuple[int, str] | None:
        if "calls" in taken.target:
            api.added.append(taken)
            return 500, "oops"
        return None

    api.answers = takes_it_and_fails
    failed = project.run("sync", check=1)
    errors = " ".join(failed.stderr.split())
    assert "okrs: calls: perhaps written: it was sent, and answered by HTTP 500: oops" in errors
    assert values(api.added) == [("calls", 1092), ("nps", 30)]
    assert states(project) == {"unsure": ["calls"]}
    api.answers = lambda taken: None
    project.run("sync", check=0)
    project.run("publish", check=0)
    assert api.requests == 2
    project.run("publish", "--retry", check=0)
    assert values(api.added)[2:] == [("calls", 1092)]
    assert states(project) == {}


def test_a_put_that_lost_its_answer_is_sent_again(tmp_path: Path, api: CheckInApi) -> None:
    project = http_project(tmp_path, api, PUT)
    seen: list[Taken] = []

    def loses_the_first(taken: Taken) -> tuple[int, str] | None:
        seen.append(taken)
        return (502, "oops") if len(seen) == 1 else None

    api.answers = loses_the_first
    project.run("sync", check=0)
    assert {path: put.json()["value"] for path, put in api.put.items()} == {"/v1/kr/calls": 1092, "/v1/kr/nps": 30}
    assert api.requests == 3


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("fault", "arrived"),
    [("reset_after", True), ("reset", False), ("hang", False)],
)
@pytest.mark.parametrize("how", [POST, PUT])
def test_an_answer_that_never_comes(tmp_path: Path, box: Sandbox, how: str, fault: Any, arrived: bool) -> None:
    """Somebody's own service: a POST is not repeated, whether it took effect or not; a PUT is, until it is answered."""
    keys = f'headers: {{X-Api-Key: "${{OKRS_KEY}}"}}, timeout: {1 if fault == "hang" else 30}'
    connection = f'  okrs: {{type: http, url: "{box.okr_url}/v1", {keys}}}'
    project = write_project(tmp_path / "project", connection, f"  - {{to: okrs, {how}, {BODY}}}")
    project.env["OKRS_KEY"] = box.credentials["okr_key"]
    box.fault(Fault("okr", fault, seconds=3, times=1))
    project.run("sync", check=0 if how == PUT else 1)
    project.run("sync", check=0)
    taken = Counter((request.method, request.path, request.json["value"]) for request in box.received)
    if how == PUT:
        assert set(taken) == {("PUT", "/v1/kr/calls", 1092), ("PUT", "/v1/kr/nps", 30)}
        assert len(box.requests) == 3
        assert states(project) == {}
    else:
        calls = {("POST", "/v1/kr/calls/check-ins", 1092): 1} if arrived else {}
        assert taken == {**calls, ("POST", "/v1/kr/nps/check-ins", 30): 1}
        assert len(box.requests) == 2
        assert states(project) == {"unsure": ["calls"]}


def test_what_has_nothing_to_say_is_not_counted_as_written(tmp_path: Path, api: CheckInApi) -> None:
    project = write_project(
        tmp_path / "project",
        f'  okrs: {{type: http, url: "{api.url}"}}',
        '  - {to: okrs, path: "/{{ key_result }}", body: {share: "{{ progress }}"}}',
    )
    project.edit("mappings/okrs.yaml", "        baseline: 20\n", "")
    done = project.run("sync", check=0)
    assert [taken.target for taken in api.added] == ["/calls"]
    assert "wrote 1 check-in to okrs" in done.stdout
    assert states(project) == {}


def test_a_limit_is_waited_for(tmp_path: Path, api: CheckInApi) -> None:
    project = http_project(tmp_path, api, POST)
    seen: list[Taken] = []

    def busy(taken: Taken) -> tuple[int, str] | None:
        seen.append(taken)
        return (503, "busy") if len(seen) == 1 else None

    api.answers = busy
    project.run("sync", check=0)
    assert values(api.added) == [("calls", 1092), ("nps", 30)]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "the credentials were refused"),
        pytest.param(404, "not found", marks=pytest.mark.nightly),
        pytest.param(409, "HTTP 409", marks=pytest.mark.nightly),
    ],
)
def test_a_refused_check_in_is_reported_once_and_the_others_go_on(
    tmp_path: Path, api: CheckInApi, status: int, message: str
) -> None:
    project = http_project(tmp_path, api, POST)
    api.answers = lambda taken: (status, "no") if "calls" in taken.target else None
    failed = project.run("sync", check=1)
    assert message in failed.stderr
    assert TOKEN not in failed.stderr + failed.stdout
    assert values(api.added) == [("nps", 30)]
    assert (project.folder / "data/okrs.json").exists()
    project.run("sync", check=0)
    assert api.requests == 2
    api.answers = lambda taken: None
    project.run("publish", "--retry", check=0)
    assert values(api.added) == [("nps", 30), ("calls", 1092)]


def test_another_id_sends_its_check_in_alone(tmp_path: Path, api: CheckInApi) -> None:
    project = http_project(tmp_path, api, 'ids: {calls: k1}, path: "/kr/{{ id }}"')
    project.run("sync", check=0)
    project.edit("syncd.yaml", "{calls: k1}", "{calls: k1, nps: k2}")
    project.run("sync", check=0)
    assert [taken.target for taken in api.added] == ["/v1/kr/k1", "/v1/kr/k2"]


@pytest.mark.unmeasured
@pytest.mark.parametrize(("how", "again"), [(POST, False), (PUT, True)])
def test_killed_while_it_is_sent(tmp_path: Path, api: CheckInApi, how: str, again: bool) -> None:
    """A PUT is sent again; whether a POST arrived is for a person to find out."""
    project = http_project(tmp_path, api, how)
    came, go_on = threading.Event(), threading.Event()

    def hangs(taken: Taken) -> tuple[int, str] | None:
        came.set()
        go_on.wait(HANG)
        return 500, "too late"

    api.answers = hangs
    process = project.start("sync")
    assert came.wait(HANG)
    process.kill()
    process.wait(HANG)
    go_on.set()
    api.answers = lambda taken: None
    project.run("sync", check=0 if again else 1)
    there = values([*api.added, *api.put.values()])
    assert sorted(there) == ([("calls", 1092), ("nps", 30)] if again else [("nps", 30)])
    assert states(project) == ({} if again else {"unsure": ["calls"]})


def test_a_template_with_an_unknown_name_touches_nothing(tmp_path: Path, api: CheckInApi) -> None:
    project = http_project(tmp_path, api, POST)
    project.edit("syncd.yaml", "{{ health }}", "{{ helth }}")
    done = project.run("sync", check=2)
    assert "syncd.yaml:8: body has {{ helth }}, which no check-in says; did you mean 'health'?" in done.stderr
    assert not (project.folder / "syncd.db").exists()
    assert api.requests == 0


# -- Tability and Quantive, by their entry points


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """An environment in which both are installed, whatever the one of the tests was made from."""
    info = tmp_path / "site/platforms-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: platforms\nVersion: 0\n")
    (info / "entry_points.txt").write_text(
        "[syncd.connectors]\ntability = connectors.tability:Tability\nquantive = connectors.quantive:Quantive\n"
    )
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(info.parent), os.environ.get("PYTHONPATH")]))}


def tability_project(tmp_path: Path, api: CheckInApi, installed: dict[str, str]) -> Project:
    project = write_project(
        tmp_path / "project",
        f"""\
  tability:
    type: tability
    url: {api.url}
    personal_api_token: "${{TABILITY_TOKEN}}"
    outcomes: {{calls: "${{TABILITY_CALLS}}"}}""",
        "  - {to: tability}",
    )
    project.env.update(installed, TABILITY_TOKEN=f"person-{TOKEN}", TABILITY_CALLS=f"outcome-{TOKEN}")
    return project


def test_tability(tmp_path: Path, api: CheckInApi, installed: dict[str, str]) -> None:
    project = tability_project(tmp_path, api, installed)
    runs = [project.run("sync", check=0), project.run("sync", check=0)]
    (taken,) = api.added
    assert taken.target == f"/webhooks/checkins?remote_checkins_token=outcome-{TOKEN}"
    assert (taken.json()["score"], taken.json()["confidence"]) == ("1092", "red")
    api.answers = lambda taken: (401, f"no such token: person-{TOKEN}")
    measured(project, calls=1080)
    runs += [project.run("sync", check=1), project.run("status", check=0), project.run("plan", check=0)]
    assert states(project) == {"dead": ["calls"]}
    kept = (project.folder / "syncd.db").read_bytes()
    assert TOKEN.encode() not in kept
    assert TOKEN not in "".join(run.stdout + run.stderr for run in runs)


def test_doctor_says_that_a_platform_is_configured_or_what_is_missing(
    tmp_path: Path, api: CheckInApi, installed: dict[str, str]
) -> None:
    project = tability_project(tmp_path, api, installed)

    def checks(exit_code: int) -> list[dict[str, Any]]:
        connections = json.loads(project.run("doctor", "--json", check=exit_code).stdout)["connections"]
        return next(entry["checks"] for entry in connections if entry["name"] == "tability")

    configured, reachable = checks(0)
    assert (configured["name"], configured["ok"]) == ("configured", True)
    assert (reachable["name"], reachable["ok"]) == ("reachable", True)
    assert api.added == []
    del project.env["TABILITY_CALLS"]
    (check,) = checks(1)
    assert (check["ok"], "TABILITY_CALLS is not set" in check["detail"]) == (False, True)


def test_publisher_without_its_secret_fails_alone(tmp_path: Path, api: CheckInApi, installed: dict[str, str]) -> None:
    """What is due waits with the reason; what is not due yet fails too, or nobody would notice before it is."""
    project = tability_project(tmp_path, api, installed)
    secret = project.env.pop("TABILITY_CALLS")
    done = project.run("sync", check=1)
    assert "TABILITY_CALLS is not set" in " ".join(done.stderr.split())
    assert project.key_results()["calls"]["value"] == 1092
    assert "TABILITY_CALLS is not set" in " ".join(project.run("status", check=0).stdout.split())
    project.env["TABILITY_CALLS"] = secret
    project.run("sync", check=0)
    assert api.requests > 0
    del project.env["TABILITY_CALLS"]
    done = project.run("sync", check=1)
    assert "✗ tability: syncd.yaml:" in done.stderr
    assert project.key_results()["calls"]["quality"] == "complete"


def test_an_outcome_of_no_key_result(tmp_path: Path, api: CheckInApi, installed: dict[str, str]) -> None:
    project = tability_project(tmp_path, api, installed)
    project.edit("syncd.yaml", "{calls:", "{cals:")
    done = project.run("validate", check=2)
    assert "there is no key result 'cals'; did you mean 'calls'?" in done.stderr


def test_nothing_can_be_measured_through_a_platform(tmp_path: Path, api: CheckInApi, installed: dict[str, str]) -> None:
    project = tability_project(tmp_path, api, installed)
    project.edit("mappings/okrs.yaml", "{from: local, file: nps.csv", "{from: tability, file: nps.csv")
    assert "tability" in project.run("validate", check=2).stderr


def test_quantive(tmp_path: Path, api: CheckInApi, installed: dict[str, str]) -> None:
    project = write_project(
        tmp_path / "project",
        f'  quantive: {{type: quantive, url: "{api.url}/results", account: 5be2, token: "${{OKRS_KEY}}"}}',
        "  - {to: quantive, metrics: {calls: 5e8c, nps: 5e8d}}",
    )
    project.env.update(installed)
    project.run("sync", check=0)
    project.run("sync", check=0)
    targets = [f"/results/api/v1/metrics/{metric}/checkin" for metric in ("5e8c", "5e8d")]
    assert [taken.target for taken in api.added] == targets
    assert [taken.json()["actual"] for taken in api.added] == [1092, 30]
    assert TOKEN.encode() not in (project.folder / "syncd.db").read_bytes()


def test_after_a_restore_no_check_in_is_appended_twice(tmp_path: Path, api: CheckInApi) -> None:
    project = http_project(tmp_path, api, POST)
    project.run("sync", check=0)
    project.run("backup", "yesterday.db", check=0)
    measured(project, calls=1000)
    project.run("sync", check=0)
    arrived = len(api.added)
    project.run("restore", "yesterday.db", check=0)
    unsure = project.run("sync", check=1)
    assert len(api.added) == arrived
    assert "put back to an earlier state since" in unsure.stderr
    measured(project, calls=900)  # nobody can have been told of what comes after
    project.run("sync", check=0)
    assert [taken for taken in api.added if "900" in str(taken)]
    assert len(api.added) == arrived + 1


@pytest.mark.parametrize(("entry", "arrives"), [(PUT, True), (POST, False)])
def test_after_a_restore_a_check_in_that_is_the_same_is_sent_again_only_where_it_replaces(
    tmp_path: Path, api: CheckInApi, entry: str, arrives: bool
) -> None:
    project = http_project(tmp_path, api, entry)
    project.run("sync", check=0)
    project.run("backup", "yesterday.db", check=0)
    measured(project, calls=1000)
    project.run("sync", check=0)
    project.run("restore", "yesterday.db", check=0)
    measured(project, calls=1092)
    before = api.requests
    project.run("sync", check=0)
    assert (api.requests > before) == arrives
    again = api.requests
    project.run("sync", check=0)
    assert api.requests == again


@pytest.mark.nightly
def test_after_a_restore_what_can_be_read_is_not_written_twice(tmp_path: Path, api: CheckInApi) -> None:
    project = http_project(tmp_path, api, PUT)
    project.run("sync", check=0)
    project.run("backup", "yesterday.db", check=0)
    measured(project, calls=1000)
    project.run("sync", check=0)
    project.run("restore", "yesterday.db", check=0)
    project.run("sync", check=0)
    assert "unsure" not in project.run("status", check=0).stdout


@pytest.mark.nightly
@pytest.mark.parametrize("way", ["--new-ledger", "import"])
def test_a_lost_ledger_appends_nothing_twice_though_its_first_cycle_fails(
    tmp_path: Path, api: CheckInApi, way: str
) -> None:
    project = http_project(tmp_path, api, POST)
    project.run("export", "everything", check=2)
    project.run("sync", check=0)
    project.run("export", "everything", check=0)
    measured(project, calls=1000)
    project.run("sync", check=0)
    arrived = len(api.added)
    for ending in ("", "-wal", "-shm"):
        (project.folder / f"syncd.db{ending}").unlink(missing_ok=True)
    source, content = project.folder / "data/calls.csv", (project.folder / "data/calls.csv").read_text()
    source.unlink()
    if way == "import":
        project.run("import", "everything", check=0)
        project.run("sync", check=1)
    else:
        project.run("sync", way, check=1)
    source.write_text(content)
    assert "perhaps written" in project.run("sync", check=1).stderr
    assert len(api.added) == arrived
