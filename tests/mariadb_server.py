"""A MariaDB server of its own, out of Debian's packages, for tests. Its system tables are made once a machine."""

from __future__ import annotations

import fcntl
import getpass
import os
import shutil
import socket
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pymysql
from debian import program
from waiting import HANG, wait_for

PASSWORD = "of-the-tests"
ZONE = "Europe/Berlin"
_LIGHT = ("--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=0",
          "--skip-innodb-doublewrite", "--skip-log-bin")  # fmt: skip
_LIBRARIES = {"libaio1": "libaio.so.1", "liburing2": "liburing.so.2"}


@contextmanager
def running_mariadb() -> Iterator[str]:
    """The SQLAlchemy URL of the administrator of a new server, until the block ends. It knows the time zone ZONE."""
    server, environment = _program()
    folder = Path(tempfile.mkdtemp(prefix="syncd-mariadb-"))
    try:
        shutil.copytree(_system_tables(server, environment), folder / "data")
        (folder / "begin.sql").write_text(_beginning())
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = _command(
            server, folder / "data", f"--socket={folder}/socket", f"--port={port}", "--bind-address=127.0.0.1",
            "--skip-name-resolve", f"--init-file={folder}/begin.sql",
        )  # fmt: skip
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait_for(lambda: _answers(port) or process.poll() is not None)
            assert process.poll() is None, (folder / "log").read_text()
            yield f"mariadb+pymysql://admin:{PASSWORD}@127.0.0.1:{port}/"
        finally:
            process.kill()
            process.wait(HANG)
    finally:
        shutil.rmtree(folder)


def _program() -> tuple[Path, Mapping[str, str]]:
    """The server and its environment. Without Debian's packages the test is skipped; with CI=true it fails."""
    server = program("mariadb-server-core", "usr/sbin/mariadbd")
    libraries = f"usr/lib/{sysconfig.get_config_var('MULTIARCH')}"
    folders = [str(program(package, f"{libraries}/{file}").parent) for package, file in _LIBRARIES.items()]
    return server, {**os.environ, "LD_LIBRARY_PATH": ":".join(folders)}


def _command(server: Path, data: Path, *more: str) -> list[str]:
    share = server.parents[1] / "share" / "mysql"
    return [str(server), "--no-defaults", f"--user={getpass.getuser()}", f"--datadir={data}",
            f"--lc-messages-dir={share}", f"--character-sets-dir={share}/charsets", *_LIGHT, *more]  # fmt: skip


def _system_tables(server: Path, environment: Mapping[str, str]) -> Path:
    """A folder with the system tables of an empty server; to make it takes most of a server's start."""
    made, share = server.parents[2] / "empty", server.parents[1] / "share" / "mysql"
    with (server.parents[2] / "empty.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            files = [(share / f"mysql_system_tables{part}.sql").read_bytes() for part in ("", "_data")]
            statements = b"\n".join([b"CREATE DATABASE mysql;\nUSE mysql;", *files])
            making = made.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            subprocess.run(
                _command(server, making, "--bootstrap"),
                env=environment,
                input=statements,
                capture_output=True,
                check=True,
            )
            making.rename(made)
    return made


def _beginning() -> str:
    """An administrator, and a time zone: Debian loads none."""
    zone = ZoneInfo(ZONE)
    hours = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=number) for number in range(24 * 366 * 12)]
    changes = [(hour, hour.astimezone(zone)) for before, hour in pairwise(hours)
               if before.astimezone(zone).utcoffset() != hour.astimezone(zone).utcoffset()]  # fmt: skip
    transitions = ",".join(f"(1, {int(hour.timestamp())}, {int(bool(local.dst()))})" for hour, local in changes)
    return "\n".join([
        f"CREATE USER 'admin'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';",
        "GRANT ALL ON *.* TO 'admin'@'127.0.0.1' WITH GRANT OPTION;",
        "INSERT INTO mysql.time_zone (Time_zone_id, Use_leap_seconds) VALUES (1, 'N');",
        f"INSERT INTO mysql.time_zone_name (Name, Time_zone_id) VALUES ('{ZONE}', 1);",
        "INSERT INTO mysql.time_zone_transition_type VALUES (1, 0, 3600, 0, 'CET'), (1, 1, 7200, 1, 'CEST');",
        f"INSERT INTO mysql.time_zone_transition VALUES {transitions};",
    ])  # fmt: skip


def _answers(port: int) -> bool:
    try:
        pymysql.connect(host="127.0.0.1", port=port, user="admin", password=PASSWORD).close()
    except pymysql.MySQLError:
        return False
    return True
