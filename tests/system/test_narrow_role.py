"""PostgreSQL as the role of deploy/postgresql/ledger.sql, which owns its database and may do nothing else.

Every test on PostgreSQL uses a ledger as this role: tests/postgres_server.py makes it by that very file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from postgres_server import run_ledger_sql
from projects import write_project
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from syncd.sandbox import Sandbox


@pytest.fixture
def engine(new_postgres: Callable[[], str]) -> Iterator[Engine]:
    engine = create_engine(new_postgres(), isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


def test_the_role_owns_its_database_and_has_no_other_right(engine: Engine) -> None:
    with engine.connect() as connection:
        rights = "rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
        role = connection.execute(text(f"SELECT {rights} FROM pg_roles WHERE rolname = current_user")).one()
        assert tuple(role) == ("syncd", False, False, False, False, False)
        assert connection.execute(text("SELECT session_user")).scalar_one() == "syncd"
        granted = text("SELECT count(*) FROM pg_auth_members JOIN pg_roles r ON r.oid = member WHERE rolname = 'syncd'")
        assert connection.execute(granted).scalar_one() == 0
        connection.execute(text("CREATE SCHEMA teams"))


def test_the_role_has_the_password_that_the_file_names(postgres_server: Any) -> None:
    stored = postgres_server.psql("SELECT rolpassword FROM pg_authid WHERE rolname = 'syncd'")
    assert "SCRAM-SHA-256$" in stored


@pytest.mark.parametrize("password", ["", "\n", " \n"])
def test_an_empty_password_ends_in_a_sentence(postgres_server: Any, tmp_path: Path, password: str) -> None:
    """PostgreSQL would make a role without a password."""
    (tmp_path / "password").write_text(password)
    done = run_ledger_sql(postgres_server, tmp_path / "password")
    assert done.returncode == 3
    assert "the file that LEDGER_PASSWORD_FILE names is empty; write a password into it" in done.stderr


@pytest.mark.parametrize(
    "beyond",
    [
        "CREATE DATABASE other",
        "CREATE ROLE other",
        "ALTER ROLE syncd SUPERUSER",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('pg_hba.conf')",
        "SELECT * FROM pg_authid",
    ],
)
def test_what_goes_beyond_the_database_is_refused_to_the_role(engine: Engine, beyond: str) -> None:
    with engine.connect() as connection, pytest.raises(DBAPIError, match=r"(?i)permission denied|must be superuser"):
        connection.execute(text(beyond))


def test_every_command_that_writes_a_ledger_needs_no_other_right(
    tmp_path: Path, box: Sandbox, new_postgres: Callable[[], str]
) -> None:
    first, second, third = new_postgres(), new_postgres(), new_postgres()
    project = write_project(tmp_path / "project", box, ledger=first)
    project.run("sync", check=0)
    project.run("checkin", "calls", "--value", "1100", check=0)
    project.run("sync", "--reconcile", check=0)
    before = project.run("status", "--json", check=0).stdout
    project.run("prune", check=0)
    project.run("backup", "today.tar.gz", check=0)
    project.run("export", "everything", check=0)
    project.run("copy-ledger", second, check=0)
    project.run("restore", "today.tar.gz", check=0)
    assert project.run("status", "--json", check=0).stdout == before
    project.edit("syncd.yaml", first, second)
    assert project.run("status", "--json", check=0).stdout == before
    project.edit("syncd.yaml", second, third)
    project.run("import", "everything", check=0)
    assert project.run("status", "--json", check=0).stdout == before
