"""Workers whose ledgers lie in several databases: what holds with one database holds there too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from company import NAMES, company
from postgres_server import new_database
from sqlalchemy import make_url
from test_workers import KILLS, kill_at_random
from test_workers import test_worker_that_was_paused_and_replaced_sends_and_writes_nothing as _pause
from waiting import wait_for

from syncd.config.ledger_address import OF_CONTROL, shard_of
from syncd.sandbox import Sandbox

pytestmark = pytest.mark.unmeasured


@pytest.fixture
def ledger(postgres_server: Any, tmp_path: Path) -> str:
    """The address of the databases that these workspaces need; none of them is the one with the queue."""
    shards = {shard_of(name) for name in NAMES}
    assert len(shards) > 1
    assert OF_CONTROL not in shards
    name = f"sharded_{tmp_path.name.lower()}_"
    urls = [new_database(postgres_server, f"{name}{shard}") for shard in (OF_CONTROL, *shards)]
    return (
        make_url(urls[0]).set(database=f"{name}SHARD").render_as_string(hide_password=False).replace("SHARD", "{shard}")
    )


@pytest.mark.nightly
def test_killed_anywhere_other_workers_go_on(tmp_path: Path, box: Sandbox, ledger: str) -> None:
    with company(tmp_path / "company", box, ledger) as workers:
        kill_at_random(workers, max(3, KILLS // 8))
        assert workers.ask("SELECT count(*) FROM syncd.epochs") == [(0,)]  # they are where the ledgers are
        before = workers.ask("SELECT count(*) FROM ws_bravo.cycles")
        workers.ask("INSERT INTO syncd.wakes (schema) VALUES ('ws_bravo')", shard=shard_of("bravo"))
        wait_for(lambda: workers.ask("SELECT count(*) FROM ws_bravo.cycles") > before)
        wait_for(workers.settled)


@pytest.mark.nightly
def test_worker_that_was_paused_and_replaced_sends_and_writes_nothing(
    tmp_path: Path, box: Sandbox, ledger: str
) -> None:
    _pause(tmp_path, box, lambda: ledger)


@pytest.mark.nightly
def test_database_that_is_missing_keeps_no_other_workspace_from_its_jobs(
    tmp_path: Path, box: Sandbox, ledger: str, postgres_server: Any
) -> None:
    """That of bravo, until it is there."""
    database = str(make_url(ledger.replace("{shard}", shard_of("bravo"))).database)
    postgres_server.psql(f'ALTER DATABASE "{database}" RENAME TO "{database}_away"')
    with company(tmp_path / "company", box, ledger) as workers:
        worker = workers.start()
        others = [name for name in NAMES if shard_of(name) != shard_of("bravo")]
        wait_for(lambda: all(workers.rows().get(name) == ["complete", None, False] for name in others))
        wait_for(lambda: "job not begun" in workers.log_of(worker))
        postgres_server.psql(f'ALTER DATABASE "{database}_away" RENAME TO "{database}"')
        wait_for(workers.settled)
        workers.check()
