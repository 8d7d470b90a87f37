"""`syncd doctor` asks what a sync asks: what would fail a sync is never green, for any type of connection."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from rights import as_nobody, open_folder

from syncd.config import Config, load_config
from syncd.cycle.check_connections import MOST_STREAMS, check_connection
from syncd.cycle.model import CycleRequest
from syncd.cycle.run import run_cycle
from syncd.ledger import LedgerError, open_ledger
from syncd.ledger.check import check_ledger
from syncd.sandbox import DEMO_NOW, Fault, Sandbox, serve, write_files
from syncd.sdk import Check, RetryPolicy
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import report_of

Vendor = Literal["github", "gitlab", "jira", "jira-dc", "sheets", "metrics", "files"]
SERVERS: tuple[Vendor, ...] = ("github", "gitlab", "jira", "jira-dc", "sheets", "metrics")
MEASURES: dict[Vendor, str] = {
    "github": "repo: acme/search, what: closed_issues",
    "gitlab": "project: acme/apps/*, what: closed_issues",
    "jira": "jql: 'project = KB'",
    "jira-dc": "jql: 'project = HELP'",
    "sheets": "spreadsheet: 1AbC-acme-okr-numbers-2026q4, cell: 'Support!C2'",
    "metrics": "path: /v1/error-rate, json: error_rate.percent",
    "files": "file: costs.csv, series: {dates: Woche, values: Betrag}, as: {decimal: ',', date: '%d.%m.%Y'}",
}


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with serve(seed=7, now=DEMO_NOW) as box:
        yield box


@pytest.fixture
def box(shared: Sandbox) -> Iterator[Sandbox]:
    yield shared
    shared.heal()


def connection(box: Sandbox, vendor: Vendor, url: str | None = None) -> str:
    secrets = box.credentials
    urls = {
        "github": box.github_url,
        "gitlab": box.gitlab_url,
        "jira": box.jira_url,
        "jira-dc": box.jira_dc_url,
        "sheets": box.sheets_url,
    }
    address = url or urls.get(vendor, box.metrics_url)
    keys = {
        "github": 'type: github, token: "${TOKEN}"',
        "gitlab": 'type: gitlab, token: "${TOKEN}"',
        "jira": f'type: jira, email: {secrets["jira_email"]}, token: "${{TOKEN}}"',
        "jira-dc": 'type: jira, token: "${TOKEN}"',
        "sheets": 'type: sheets, token: "${TOKEN}"',
        "metrics": 'type: http, headers: {X-Api-Key: "${TOKEN}"}',
        "files": "type: files, root: data",
    }[vendor]
    return keys if vendor == "files" else f'{keys}, url: "{address}"'


class Desk:
    """A project with one connection, `it`, and one key result for each measure."""

    def __init__(self, folder: Path, keys: str, *measures: str, more: str = "") -> None:
        self.folder = folder
        (folder / "data").mkdir()
        write_files(folder / "data")
        clock = f"timezone: Europe/Berlin\nclock: {DEMO_NOW.isoformat()}\n"
        (folder / "syncd.yaml").write_text(f"mappings: okrs.yaml\n{clock}connections:\n  it: {{{keys}}}\n{more}")
        key_results = "".join(
            f"      - {{id: kr{number}, title: T, kind: output, target: 9, measure: {{from: it, {measure}}}}}\n"
            for number, measure in enumerate(measures)
        )
        objective = "objectives:\n  - id: o\n    title: O\n    owner: web\n    key_results:\n"
        (folder / "okrs.yaml").write_text(f"period: 2026-Q4\n{objective}{key_results}")

    @property
    def config(self) -> Config:
        return load_config(self.folder / "syncd.yaml")

    def checks(self) -> list[Check]:
        config, reports = self.config, []
        if config.publications:
            ledger = open_ledger("sqlite:///:memory:")
            assert ledger is not None
            reports = [report_of(Snapshots(config, config.periods[0], ledger).now(DEMO_NOW))]
            ledger.close()
        few = RetryPolicy(attempts=2, sleep=lambda _: None)
        return list(check_connection(config, config.connections["it"], reports, DEMO_NOW, few))

    def failures(self, model: Path) -> list[str]:
        """Why a sync fails; it begins with a copy of the ledger `model`."""
        shutil.copy(model, self.folder / "syncd.db")
        ledger = open_ledger(f"sqlite:///{self.folder}/syncd.db")
        assert ledger is not None
        policy = RetryPolicy(attempts=2, sleep=lambda _: None)
        result = run_cycle(CycleRequest(self.config, ledger, lambda: DEMO_NOW, policy))
        ledger.close()
        return [reason for _, reason in result.failures]


def bad(checks: list[Check]) -> dict[str, str]:
    return {check.name: check.detail for check in checks if not check.ok and check.name != "least scopes"}


@pytest.fixture
def token(box: Sandbox, monkeypatch: pytest.MonkeyPatch, vendor: Vendor) -> None:
    names = {
        "github": "github",
        "gitlab": "gitlab",
        "jira": "jira_token",
        "jira-dc": "jira_pat",
        "sheets": "google_token",
    }
    monkeypatch.setenv("TOKEN", box.credentials[names.get(vendor, "metrics_key")])


@pytest.mark.sampled(4)
@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("vendor", MEASURES)
def test_connection_that_works_is_green(box: Sandbox, tmp_path: Path, vendor: Vendor, sqlite_model: Path) -> None:
    desk = Desk(tmp_path, connection(box, vendor), MEASURES[vendor])
    checks = desk.checks()
    assert bad(checks) == {}
    assert "1 of 1 streams answered" in {check.name: check.detail for check in checks}["reads"]
    assert sorted(os.listdir(tmp_path)) == ["data", "okrs.yaml", "syncd.yaml"]
    assert desk.failures(sqlite_model) == []


FAULTS: dict[str, dict[str, Any]] = {
    "login page": {"kind": "login", "status": 200},
    "404 to everything": {"status": 404, "body": "<html><title>404</title></html>"},
    "forbidden": {"status": 403, "body": '{"message": "Not for you"}'},
}
RARE: dict[str, dict[str, Any]] = {
    "redirect to a login page": {"kind": "login", "status": 302},
    "moved": {"kind": "moved", "to": "http://new.acme.example"},
    "404 as JSON": {"status": 404, "body": '{"message": "no such address"}'},
    "a proxy's page": {"kind": "html", "status": 200},
    "outage": {"status": 503},
    "limit": {"status": 429, "headers": {"Retry-After": "3600"}},
    "no JSON": {"kind": "malformed"},
    "reset": {"kind": "reset"},
}


@pytest.mark.sampled(6)
@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("fault", [*FAULTS, *(pytest.param(name, marks=pytest.mark.nightly) for name in RARE)])
@pytest.mark.parametrize("vendor", SERVERS)
def test_what_fails_a_sync_is_never_green(
    box: Sandbox, tmp_path: Path, vendor: Vendor, fault: str, sqlite_model: Path
) -> None:
    box.fault(Fault(vendor, **(FAULTS | RARE)[fault]))
    desk = Desk(tmp_path, connection(box, vendor), MEASURES[vendor])
    assert desk.failures(sqlite_model) != []
    assert bad(desk.checks()) != {}


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("vendor", SERVERS)
def test_wrong_token_is_reachable_and_not_authenticated(
    box: Sandbox, tmp_path: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "wrong-token-of-somebody")
    checks = Desk(tmp_path, connection(box, vendor), MEASURES[vendor]).checks()
    assert {check.name: check.ok for check in checks if check.name in ("reachable", "authenticated")} == {
        "reachable": True,
        "authenticated": False,
    }
    assert "credentials were refused (HTTP 401" in bad(checks)["authenticated"]
    assert "wrong-token" not in str(checks)


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("vendor", SERVERS)
def test_wrong_path_and_closed_port_are_not_reachable(box: Sandbox, tmp_path: Path, vendor: Vendor) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    wrong = Desk(tmp_path / "a", connection(box, vendor, f"{box.url}/nope"), MEASURES[vendor])
    assert bad(wrong.checks()) != {}
    closed = Desk(tmp_path / "b", connection(box, vendor, "http://127.0.0.1:9"), MEASURES[vendor])
    assert "127.0.0.1:9 refuses the connection" in bad(closed.checks())["reachable"]


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("vendor", "measure", "problem"),
    [
        ("github", "repo: acme/none, what: closed_issues", "issues of acme/none: not found"),
        ("jira", "jql: 'project = NONE'", "project = NONE: HTTP 400: The value 'NONE' does not exist"),
        ("jira", "jql: 'project = KB', take: sum, of: Story Pionts", "did you mean 'Story Points'? (okrs.yaml:8)"),
        ("sheets", "spreadsheet: 1Gone, cell: A1", "1Gone: not found"),
        ("sheets", "spreadsheet: 1AbC-acme-okr-numbers-2026q4, cell: 'None!A1'", "Unable to parse range: None!A1"),
        ("metrics", "path: /v1/none, json: v", "GET /v1/none: not found"),
        ("files", "file: none.csv, cell: A1", "none.csv cannot be read: no such file"),
        ("files", "file: costs.csv, cell: 'Sheet!A1'", "costs.csv is CSV and has no sheet 'Sheet'"),
    ],
)
@pytest.mark.usefixtures("token")
def test_stream_that_fails_is_named_beside_those_that_answer(
    box: Sandbox, tmp_path: Path, vendor: Vendor, measure: str, problem: str, sqlite_model: Path
) -> None:
    desk = Desk(tmp_path, connection(box, vendor), MEASURES[vendor], measure)
    checks = desk.checks()
    failed = [check.detail for check in checks if check.name == "reads" and not check.ok]
    assert len(failed) == 1
    assert problem in failed[0].replace(str(tmp_path) + "/", "")
    assert len(desk.failures(sqlite_model)) == 1


@pytest.mark.parametrize("vendor", ["github"])
@pytest.mark.usefixtures("token")
def test_token_that_single_sign_on_refuses_is_not_green(box: Sandbox, tmp_path: Path, vendor: Vendor) -> None:
    box.fault(Fault("github", "sso", path="/repos/"))
    checks = Desk(tmp_path, connection(box, vendor), MEASURES[vendor]).checks()
    assert "let single sign-on accept the token: https://github.com/orgs/acme/sso" in bad(checks)["reads"]


@pytest.mark.parametrize("vendor", ["github"])
@pytest.mark.usefixtures("token")
def test_number_of_questions_is_limited_and_the_rest_is_named(box: Sandbox, tmp_path: Path, vendor: Vendor) -> None:
    measures = [f"repo: acme/r{number}, what: closed_issues" for number in range(MOST_STREAMS + 2)]
    box.fault(Fault("github", path="/repos/", status=200, body="[]"))
    box.requests.clear()
    checks = Desk(tmp_path, connection(box, vendor), *measures).checks()
    asked = {request.path for request in box.requests if "/repos/" in request.path}
    assert len(asked) == MOST_STREAMS
    (reads,) = [check.detail for check in checks if check.name == "reads"]
    assert reads == "20 of 22 streams answered; 2 more were not asked, the first of them issues of acme/r20"


@pytest.mark.parametrize("vendor", ["github"])
def test_missing_secret_is_not_green(box: Sandbox, tmp_path: Path, vendor: Vendor) -> None:
    (check,) = Desk(tmp_path, connection(box, vendor), MEASURES[vendor]).checks()
    assert (check.name, check.ok) == ("configured", False)
    assert "TOKEN is not set" in check.detail


def test_folder_that_is_missing_or_a_file_is_not_green(box: Sandbox, tmp_path: Path) -> None:
    desk = Desk(tmp_path, "type: files, root: nowhere", MEASURES["files"])
    assert "is not a folder; correct root" in bad(desk.checks())["reachable"]
    (tmp_path / "nowhere").write_text("a file")
    assert "is not a folder; correct root" in bad(desk.checks())["reachable"]


# -- targets of check-ins


@pytest.mark.parametrize(
    ("vendor", "entry", "problem"),
    [
        ("github", "{to: it, issues: {kr0: 'acme/search#1'}, comment: true}", None),
        ("github", "{to: it, issues: {kr0: 'acme/none#1'}, comment: true}", "acme/none#1 is not found"),
        ("jira", "{to: it, issues: {kr0: SUP-999}, comment: true}", "SUP-999 is not found"),
        ("sheets", "{to: it, spreadsheet: 1Gone, sheet: OKRs, key_column: A, columns: {value: D}}",
         "there is no spreadsheet 1Gone"),
        ("files", "{to: it, file: okrs.json}", None),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("token")
def test_targets_of_check_ins_are_read(
    box: Sandbox, tmp_path: Path, vendor: Vendor, entry: str, problem: str | None
) -> None:
    desk = Desk(tmp_path, connection(box, vendor), MEASURES[vendor], more=f"publish:\n  - {entry}\n")
    before = len([request for request in box.requests if request.method not in ("GET", "HEAD")])
    failed_checks = bad(desk.checks())
    assert ("writes" in failed_checks) == (problem is not None)
    assert (problem or "") in failed_checks.get("writes", "")
    assert len([request for request in box.requests if request.method not in ("GET", "HEAD")]) == before
    assert not (tmp_path / "data/okrs.json").exists()


def test_right_to_write_that_is_lacking_is_named_without_a_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jira = "publish:\n  - {to: it, issues: {kr0: SUP-12}, comment: true}\n"
    with serve(seed=7, now=DEMO_NOW) as box:
        monkeypatch.setenv("TOKEN", box.credentials["jira_token"])
        desk = Desk(tmp_path, connection(box, "jira"), MEASURES["jira"], more=jira)
        assert [check.detail for check in desk.checks() if check.name == "writes"] == [
            "1 of 1 targets of check-ins can be read and written"
        ]
        box.world.jira.forbid_edits("SUP")
        lacking = "SUP-12 (kr0): the account lacks Add Comments and Edit Own Comments on SUP-12; grant it"
        assert bad(desk.checks())["writes"] == lacking
        box.fault(Fault("jira", "status", path="mypermissions", status=403))
        assert "writes" not in bad(desk.checks())  # a scoped token that may not ask: nobody knows
        assert {request.method for request in box.requests} <= {"GET", "POST"}
        assert not box.world.jira.get("SUP-12").comments


def test_token_without_a_scope_to_write_is_named(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", box.credentials["github"])
    entry = "publish:\n  - {to: it, issues: {kr0: 'acme/search#1'}, comment: true}\n"
    desk = Desk(tmp_path, connection(box, "github"), MEASURES["github"], more=entry)
    assert "writes" not in bad(desk.checks())
    box.fault(Fault("github", "headers", path="rate_limit", headers={"X-OAuth-Scopes": "read:org, gist"}))
    assert "neither repo nor public_repo" in bad(desk.checks())["writes"]


def test_service_that_only_takes_check_ins_is_asked_whether_it_is_there(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "t-41c7-of-quantive")
    keys = f'type: quantive, url: "{box.okr_url}", account: 5be2, token: "${{TOKEN}}"'
    entry = "publish:\n  - {to: it, metrics: {kr0: m1}}\n"
    desk = Desk(tmp_path, keys, more=entry)
    objective = (
        "objectives:\n  - {id: o, title: O, owner: w, key_results: [{id: kr0, title: T, kind: output, target: 9}]}\n"
    )
    (tmp_path / "okrs.yaml").write_text(f"period: 2026-Q4\n{objective}")
    assert bad(desk.checks()) == {}
    assert {request.method for request in box.requests if request.service == "okr"} <= {"HEAD"}
    project = (tmp_path / "syncd.yaml").read_text()
    (tmp_path / "syncd.yaml").write_text(project.replace(box.okr_url, "http://127.0.0.1:9"))
    assert "127.0.0.1:9 refuses the connection" in bad(desk.checks())["reachable"]


# -- the ledger


def test_ledger_that_is_not_there_yet_can_be_created(tmp_path: Path) -> None:
    assert not check_ledger(f"sqlite:///{tmp_path}/new/syncd.db").exists
    assert os.listdir(tmp_path) == []


def test_ledger_in_use_is_checked_and_not_changed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/syncd.db"
    created = open_ledger(url)
    assert created is not None
    created.close()
    before = (tmp_path / "syncd.db").read_bytes()
    state = check_ledger(url)
    assert (state.exists, state.outdated) == (True, False)
    assert (tmp_path / "syncd.db").read_bytes() == before


@pytest.mark.parametrize(("version", "outdated"), [("0001", True), ("9999", None)])
def test_ledger_of_another_version_is_called_so(tmp_path: Path, version: str, outdated: bool | None) -> None:
    url = f"sqlite:///{tmp_path}/syncd.db"
    created = open_ledger(url)
    assert created is not None
    created.close()
    with sqlite3.connect(tmp_path / "syncd.db") as file:
        file.execute("UPDATE alembic_version SET version_num = ?", (version,))
        file.execute("UPDATE control SET writes_from = ?", (version,))
    if outdated:
        assert check_ledger(url).outdated
    else:
        with pytest.raises(LedgerError, match="newer syncd"):
            check_ledger(url)


@pytest.mark.parametrize("path", ["file/syncd.db", "folder"])
def test_ledger_that_cannot_be_created_is_called_so(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    with pytest.raises(LedgerError, match="cannot be used"):
        check_ledger(f"sqlite:///{tmp_path}/{path}")


# -- what this user may not read or write


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


@pytest.mark.parametrize("made", [True, False])
def test_ledger_without_the_right_to_write_is_called_so(folder: Path, made: bool) -> None:
    url = f"sqlite:///{folder}/syncd.db"
    if made:
        created = open_ledger(url)
        assert created is not None
        created.close()
        (folder / "syncd.db").chmod(0o444)
    folder.chmod(0o555)

    def is_refused() -> bool:
        try:
            check_ledger(url)
        except LedgerError as error:
            return "let this user write" in str(error)
        return False

    assert as_nobody(is_refused)


def test_folder_without_the_right_to_read_is_not_green(folder: Path) -> None:
    desk = Desk(folder, "type: files, root: data", MEASURES["files"])
    assert bad(desk.checks()) == {}  # which loads all that the other process needs
    (folder / "data").chmod(0o000)
    assert as_nobody(lambda: "cannot be read: permission denied" in bad(desk.checks())["reachable"])
    (folder / "data").chmod(0o755)
    (folder / "data/costs.csv").chmod(0o000)
    assert as_nobody(lambda: "costs.csv cannot be read: permission denied" in bad(desk.checks())["reads"])


def test_folder_of_check_ins_without_the_right_to_write_is_not_green(folder: Path) -> None:
    entry = "publish:\n  - {to: it, file: okrs.json}\n"
    desk = Desk(folder, "type: files, root: data", MEASURES["files"], more=entry)
    assert bad(desk.checks()) == {}
    (folder / "data").chmod(0o555)
    assert as_nobody(lambda: "okrs.json cannot be written: this user may not write" in bad(desk.checks())["writes"])
