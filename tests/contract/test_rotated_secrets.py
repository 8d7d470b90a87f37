"""A secret that is rotated takes effect without a restart: it is read again when it is used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sandbox_project import SandboxProject
from service_thread import cycle, serving
from sqlalchemy import make_url

from syncd.cli.opening import writing_ledger
from syncd.config import load_config
from syncd.ledger import LedgerError
from syncd.sandbox import Sandbox
from syncd.service.backups import Backups


def test_a_rotated_token_is_used_by_the_next_cycle(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = SandboxProject(box, tmp_path, monkeypatch)
    monkeypatch.delenv("JIRA_TOKEN")
    token = tmp_path / "jira_token"
    token.write_text("the former token\n")
    monkeypatch.setenv("JIRA_TOKEN_FILE", str(token))
    project.define("from: tickets, jql: project = KB, take: count")
    with serving(project) as service:
        assert project.value().quality == "failed"
        new = tmp_path / "new"
        new.write_text(box.credentials["jira_token"] + "\n")
        new.replace(token)
        cycle(service)
        assert project.value().quality == "complete"


@pytest.fixture
def rotating(postgres_server: Any, new_postgres: Callable[[], str]) -> tuple[str, Callable[[str], None]]:
    """The URL of a database without its password, and what changes the password of its user."""
    url = make_url(new_postgres())
    access = Path(postgres_server.pgdata) / "pg_hba.conf"
    rule = "local all rotating scram-sha-256\n"
    if rule not in access.read_text():
        access.write_text(rule + access.read_text())
    postgres_server.psql(
        f"DROP ROLE IF EXISTS rotating; CREATE ROLE rotating LOGIN; "
        f"ALTER DATABASE {url.database} OWNER TO rotating; SELECT pg_reload_conf()"
    )

    def rotate(password: str) -> None:
        postgres_server.psql(f"ALTER ROLE rotating PASSWORD '{password}'")

    return url.set(username="rotating", password="PASSWORD").render_as_string(hide_password=False), rotate


def test_a_rotated_password_of_the_ledger_is_used_by_new_connections(
    rotating: tuple[str, Callable[[str], None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, rotate = rotating
    secret = tmp_path / "ledger_password"
    monkeypatch.setenv("LEDGER_PASSWORD_FILE", str(secret))
    key_result = "{id: a, title: It, kind: output, target: 9}"
    objective = f"{{id: all, title: It, key_results: [{key_result}]}}"
    (tmp_path / "okrs.yaml").write_text(f"period: 2026-Q4\nobjectives: [{objective}]\n")
    settings = tmp_path / "syncd.yaml"
    settings.write_text(f"mappings: okrs.yaml\nledger: {url.replace('PASSWORD', '${LEDGER_PASSWORD}')}\n")
    rotate("first: @ and /")
    secret.write_text("first: @ and /\n")
    config = load_config(settings)
    ledger = writing_ledger(config)
    rotate("second")
    ledger.engine.dispose()
    with pytest.raises(LedgerError, match="password"):
        ledger.cycles.last()
    secret.write_text("second\n")
    assert ledger.cycles.last() is None
    assert Backups(tmp_path, ledger, config.ledger_url).write(datetime.now(UTC), keep=1).exists()
    secret.unlink()  # while it is replaced, the password stays as it was
    ledger.engine.dispose()
    with pytest.raises(LedgerError, match="password"):
        ledger.cycles.last()
    ledger.close()
