"""What a cycle costs after no change, a thousand, and a year of changes: `growth.py FOLDER URL` prints JSON.

Fifty cells, all published and watched by notifications, in SQLite and in PostgreSQL. URL is a server of check-ins.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from grown import GrowingProject
from postgres_server import new_database, running_postgres
from sqlalchemy import Connection, Engine, create_engine, text
from statements import statements_of

CHANGES = (0, 1_000, 35_000)
"""A year has 35,000 quarters of an hour."""

CELLS = 50
_TIMES = 5


def measured(folder: Path, target: str) -> list[dict[str, float | str]]:
    """The CPU seconds and statements of an unchanged cycle and of one that changed everything, in each ledger."""
    with running_postgres() as server:
        return [
            {
                "database": database,
                "changes": changes,
                **_cycles(folder / f"{database}-{changes}", ledger, target, changes),
            }
            for database in ("SQLite", "PostgreSQL")
            for changes in CHANGES
            for ledger in (_new_ledger(folder, database, changes, server),)
        ]


def _new_ledger(folder: Path, database: str, changes: int, server: Any) -> str:
    if database == "SQLite":
        return f"sqlite:///{folder / f'{changes}.db'}"
    return new_database(server, f"growth_{changes}")


def _cycles(folder: Path, ledger: str, target: str, changes: int) -> dict[str, float]:
    project = GrowingProject(folder, ledger, target, CELLS)
    project.grow(changes)
    engine = project.ledger.engine
    if engine.dialect.name == "postgresql":
        unhurried = create_engine(engine.url, isolation_level="AUTOCOMMIT")
        with unhurried.connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))  # as its autovacuum does in time
        unhurried.dispose()
    later = count(changes + 2)
    for _ in range(2):  # the first cycles of a process compile statements
        project.cycle()
        project.cycle(next(later))
    project.cycle()
    result = {
        "unchanged": min(_seconds(engine, project.cycle) for _ in range(_TIMES)),
        "changed": min(_seconds(engine, lambda: project.cycle(next(later))) for _ in range(_TIMES)),
        "unchanged statements": _statements(engine, project.cycle),
        "changed statements": _statements(engine, lambda: project.cycle(next(later))),
        "MB": _size(engine) / 1e6,
    }
    project.close()
    return result


def _seconds(engine: Engine, cycle: Callable[[], object]) -> float:
    """The CPU seconds of syncd and, on PostgreSQL, of the server's processes that work for it."""
    with engine.connect() as connection:  # else a process that works for it might end within the cycle
        before = _server_seconds(connection), time.process_time()
        cycle()
        after = _server_seconds(connection), time.process_time()
    return sum(after) - sum(before)


def _server_seconds(connection: Connection) -> float:
    """The CPU seconds of the processes of PostgreSQL that serve this database; 0 for SQLite, which has none."""
    if connection.dialect.name == "sqlite":
        return 0.0
    query = text(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    )
    pids = connection.execute(query).scalars().all()
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1e9


def _statements(engine: Engine, cycle: Callable[[], object]) -> int:
    with statements_of(engine) as statements:
        cycle()
    return len(statements)


def _size(engine: Engine) -> int:
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        return Path(str(engine.url.database)).stat().st_size
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]), sys.argv[2])))
