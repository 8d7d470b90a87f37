"""The `sql` connector and its server: the contract over broken connections, silence, logins, what `doctor` finds."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pymysql
import pytest
from breaking_relay import BreakingRelay
from mariadb_server import PASSWORD
from relay import Relay, relay_to
from sql_databases import BERLIN, Database, on_mariadb, on_postgresql, on_sqlite
from sqlalchemy import URL, make_url
from waiting import HANG

from connectors.sql import Sql
from connectors.sql.databases import address_of, begin
from connectors.sql.settings import SqlSettings
from syncd.config import load_config
from syncd.sdk import Check, ConfigError, Context, RetryLater, RetryPolicy, SourceBroken, Stream
from syncd.sdk.testing import AILMENTS, SourceContract

ROWS = "SELECT x AS id, '2026-11-02' AS day, 'a rather long text in each row' AS region FROM numbers"


class _Sql(SourceContract):
    """A server breaks off while it answers, or does not answer at all. SQL has no statuses as HTTP has."""

    connector = Sql
    measure = {"query": ROWS, "date": "day", "value": "id"}
    libraries = ("sqlglot", "psycopg", "pymysql", "sqlalchemy")
    ailments = tuple(each for each in AILMENTS if each.connection in ("reset", "cut"))
    test_a_redirect_to_another_host_takes_no_secret_along = None  # type: ignore[assignment]

    def proxy(self, upstream: str) -> Any:
        return BreakingRelay(upstream)

    def settings(self, url: str) -> Mapping[str, Any]:
        return {"url": url}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def fill(database: Database) -> str:
    values = ", ".join(f"({number})" for number in range(500))
    database.run("CREATE TABLE numbers (x int)", f"INSERT INTO numbers VALUES {values}")
    return database.url


@pytest.mark.unmeasured
class TestPostgreSQL(_Sql):
    @pytest.fixture
    def upstream(self, new_postgres: Callable[[], str]) -> str:
        return fill(on_postgresql(new_postgres))


@pytest.mark.unmeasured
class TestMariaDB(_Sql):
    secrets = (PASSWORD,)

    @pytest.fixture
    def upstream(self, mariadb: str) -> str:
        return fill(on_mariadb(mariadb))


@dataclass
class _File:
    """A file, which is read without a server: there is nothing before it that could break off."""

    url: str
    requests: Sequence[str] = ()

    @contextmanager
    def running(self) -> Iterator[_File]:
        yield self


class TestSQLite(_Sql):
    test_what_is_tried_again_and_after_how_long = None  # type: ignore[assignment]
    test_what_breaks_on_any_page_never_passes_for_the_whole = None  # type: ignore[assignment]
    test_what_passes_is_sat_out = None  # type: ignore[assignment]
    test_opening_it_makes_no_request_and_closing_it_is_harmless = None  # type: ignore[assignment]
    test_importing_it_loads_no_client_library = None  # type: ignore[assignment]

    @pytest.fixture
    def upstream(self, tmp_path: Path) -> str:
        return fill(on_sqlite(tmp_path))

    def proxy(self, upstream: str) -> Any:
        return _File(upstream)


@pytest.fixture
def source_of(slept: list[float]) -> Callable[..., Any]:
    def source(url: str, attempts: int = 3, **keys: Any) -> Any:
        context = Context(RetryPolicy(attempts=attempts, sleep=slept.append), BERLIN)
        settings = Sql.Settings.model_validate({"type": "sql", "url": url, **keys}, context={"resolved": True})
        return Sql.open(settings, context)

    return source


def pulled(source: Any, query: str = "SELECT 1 AS n") -> Any:
    keys = Sql.Measure.model_validate({"query": query, "value": "n"})
    (page,) = source.pull(Stream(keys.streams()[0], "readings", frozenset({keys.part()})), None)
    return page.readings[keys.part()]


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_server_that_stays_silent_is_given_up(kind: str, source_of: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        source = source_of(f"{kind}://syncd@127.0.0.1:{listening.getsockname()[1]}/shop", attempts=1, timeout=0.1)
        with pytest.raises(RetryLater):
            pulled(source)


@contextmanager
def postgres_behind_a_relay(address: URL) -> Iterator[tuple[str, Relay]]:
    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(f"{address.query['host']}/.s.PGSQL.5432")
        return connection

    with relay_to(connect) as relay:
        yield address.set(host="127.0.0.1", port=relay.port, query={}).render_as_string(hide_password=False), relay


def test_server_that_falls_silent_after_the_login_is_given_up(
    new_postgres: Callable[[], str], source_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever connects asks for the server's version first, before any query of a mapping."""
    monkeypatch.setattr("connectors.sql.session._GRACE", 0.1)
    with postgres_behind_a_relay(make_url(new_postgres())) as (url, relay):
        relay.hold(b"Q")
        source = source_of(url, attempts=1, timeout=0.5)
        with pytest.raises(RetryLater, match=r"did not answer within 0\.5 s"):
            pulled(source)
        assert relay.held.is_set()
        source.close()


def test_server_that_falls_silent_after_a_question_is_given_up(
    new_postgres: Callable[[], str], source_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.sql.session._GRACE", 0.1)
    with postgres_behind_a_relay(make_url(new_postgres())) as (url, relay):
        source = source_of(url, attempts=1, timeout=HANG)
        assert pulled(source).readings[0].number == 1
        monkeypatch.setattr(source._session, "_settings", source._settings.model_copy(update={"timeout": 0.1}))
        relay.fall_silent()
        connected = relay.connected
        with pytest.raises(RetryLater, match=r"did not answer within 0\.1 s"):
            pulled(source)
        assert relay.connected == connected
        source.close()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_stop_is_obeyed_while_a_database_is_silent(kind: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"{kind}://syncd@127.0.0.1:{listening.getsockname()[1]}/shop"
        (tmp_path / "syncd.yaml").write_text(
            f"mappings: okrs.yaml\nconnections:\n  warehouse: {{type: sql, url: '{url}', timeout: {HANG}}}\n"
        )
        (tmp_path / "okrs.yaml").write_text(
            "period: {start: 2026-01-01, end: 2099-12-31}\nobjectives:\n  - id: all\n    title: All\n    key_results:\n"
            "      - {id: kr, title: It, kind: outcome, baseline: 0, target: 9,\n"
            "         measure: {from: warehouse, value: n, query: SELECT 1 AS n}}\n"
        )
        command = [sys.executable, "-m", "syncd", "run", "--config", str(tmp_path / "syncd.yaml")]
        command += ["--listen", f"127.0.0.1:{free_port()}"]
        process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
        listening.accept()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=HANG) == 0


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_refused_connection_and_login_are_told_apart(
    kind: str, source_of: Callable[..., Any], mariadb: str, slept: list[float]
) -> None:
    port = free_port()
    with pytest.raises(RetryLater, match=r"127\.0\.0\.1"):
        pulled(source_of(f"{kind}://syncd@127.0.0.1:{port}/shop"))
    if kind == "mariadb":
        slept.clear()
        with pytest.raises(SourceBroken, match="refuses the login") as refused:
            pulled(source_of(mariadb.replace(PASSWORD, "another-password")))
        assert "another-password" not in str(refused.value)
        assert slept == []


def test_file_that_is_not_there_or_is_none_is_said(tmp_path: Path, source_of: Callable[..., Any]) -> None:
    with pytest.raises(SourceBroken, match="no such file"):
        pulled(source_of(f"sqlite:///{tmp_path}/none.db"))
    (tmp_path / "text.db").write_text("this is no database at all, but a text" * 99)
    with pytest.raises(SourceBroken, match="not a database"):
        pulled(source_of(f"sqlite:///{tmp_path}/text.db"), "SELECT n FROM t")
    with pytest.raises(SourceBroken, match="not a database"):
        list(source_of(f"sqlite:///{tmp_path}/text.db").check())
    assert not (tmp_path / "none.db").exists()


def test_doctor_shows_the_rights(
    tmp_path: Path, new_postgres: Callable[[], str], mariadb: str, source_of: Callable[..., Any]
) -> None:
    sqlite, postgresql, maria = on_sqlite(tmp_path), on_postgresql(new_postgres), on_mariadb(mariadb)
    for database in (sqlite, postgresql, maria):
        database.run("CREATE TABLE orders (id int)")
    name = maria.url.rpartition("/")[2]
    Database("mariadb", mariadb).run(
        f"CREATE USER '{name}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'",
        f"GRANT SELECT ON {name}.* TO '{name}'@'127.0.0.1'",
    )
    reader = maria.url.replace("admin", name)

    def rights(url: str) -> Check:
        checks = {check.name: check for check in source_of(url).check()}
        assert checks["reachable"].ok
        return checks["rights"]

    assert rights(sqlite.url).detail == "the file is opened for reading alone"
    assert "yet the role may write (public.orders)" in rights(postgresql.url).detail
    assert "yet the role may write" in rights(maria.url).detail
    assert rights(reader).detail == "the role may only read"


def test_double_quotes_begin_a_text_whatever_the_modes_of_mariadb_are(mariadb: str) -> None:
    """As they do to the parser that checks a query."""
    address = make_url(mariadb)
    login = {"host": address.host, "port": address.port, "user": address.username, "password": PASSWORD}
    with pymysql.connect(**login) as connection, connection.cursor() as cursor:
        for mode in ("ANSI", "ANSI_QUOTES", "DB2", "MAXDB", "MSSQL", "ORACLE", "POSTGRESQL", "NO_BACKSLASH_ESCAPES"):
            cursor.execute(f"SET SESSION sql_mode = '{mode},STRICT_TRANS_TABLES'")
            begin("mariadb", connection, 30, ZoneInfo("UTC"))
            cursor.execute(r"""SELECT "a", 'b\'c', @@sql_mode LIKE '%STRICT_TRANS_TABLES%'""")
            assert cursor.fetchall() == (("a", "b'c", 1),), mode


def test_query_that_writes_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "syncd.yaml").write_text(
        'mappings: okrs.yaml\nconnections:\n  warehouse: {type: sql, url: "postgresql://syncd@db.example/shop"}\n'
    )
    measure = "{from: warehouse, value: n, query: %s}"
    (tmp_path / "okrs.yaml").write_text(
        "period: 2026-Q4\nobjectives:\n  - id: all\n    title: All\n    key_results:\n"
        + "".join(
            f"      - {{id: kr{number}, title: It, kind: outcome, baseline: 0, target: 9,\n"
            f"         measure: {measure % query}}}\n"
            for number, query in enumerate(
                ["SELECT pg_sleep(1) AS n", "DELETE FROM t", "WITH x AS (DELETE FROM t RETURNING 1) SELECT 1 AS n"]
            )
        )
    )
    command = [sys.executable, "-m", "syncd", "validate", "--config", str(tmp_path / "syncd.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    shown = done.stdout + done.stderr
    assert "okrs.yaml:7: query calls pg_sleep" in shown
    assert "okrs.yaml:9: query begins with DELETE" in shown
    assert "okrs.yaml:11: query writes" in shown


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("${WAREHOUSE}", "write the kind of database in front"),
        ("postgresql+psycopg2://db/x", r"has the driver 'psycopg2'; write postgresql:// or postgresql\+psycopg://"),
        ("postgresql+asyncpg://db/x", "has the driver 'asyncpg'"),
        ("bigquery+x://db/x", "has the driver 'x'; write bigquery://, which"),
        ("oracle://db/x", "is of 'oracle'"),
        ("postgres://db/x", "the nearest is 'postgresql'"),
    ],
)
def test_address_without_a_known_database_is_refused(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("$", r"\$")):
        Sql.Settings.model_validate({"type": "sql", "url": url})


def project_with(folder: Path, url: str, query: str = "SELECT 1 AS n") -> Path:
    (folder / "syncd.yaml").write_text(f"mappings: okrs.yaml\nconnections:\n  warehouse: {{type: sql, url: '{url}'}}\n")
    (folder / "okrs.yaml").write_text(
        "period: 2026-Q4\nobjectives:\n  - id: all\n    title: All\n    key_results:\n"
        "      - {id: kr, title: It, kind: outcome, baseline: 0, target: 9,\n"
        f"         measure: {{from: warehouse, value: n, query: {query}}}}}\n"
    )
    return folder / "syncd.yaml"


@pytest.mark.parametrize("password", ["S3cure!pw@h4rd-to-guess", "one/two:three?four#five", "100%25 sure"])
def test_password_of_an_address_may_hold_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("PGPW", password)
    connection = load_config(project_with(tmp_path, "postgresql://syncd:${PGPW}@db.example/shop")).connections
    settings = connection["warehouse"].resolved()
    assert isinstance(settings, SqlSettings)
    address = address_of(settings, str(tmp_path))
    assert (address.username, address.password, address.host, address.database) == (
        "syncd", password, "db.example", "shop",
    )  # fmt: skip
    for shown in (password, quote(password, safe="")):
        assert shown not in connection["warehouse"].without_secrets(f"it is {shown}")


def test_rest_of_a_password_is_no_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source_of: Callable[..., Any]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://syncd:S3cure!pw@h4rd-to-guess@db.example/shop")
    for url in (os.environ["DATABASE_URL"], "postgresql://syncd:S3cure@5/h4rd-to-guess@db.example/shop"):
        with pytest.raises(ConfigError, match=r"password: \$\{NAME\}") as refused:
            source_of(url)
        assert "h4rd" not in str(refused.value)


def test_address_in_one_reference_gives_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = project_with(tmp_path, "${DATABASE_URL}", "SELECT pg_sleep(1) AS n")
    with pytest.raises(ConfigError, match="which is not set"):
        load_config(file)
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://u:a-long-password@db.example/shop")
    with pytest.raises(ConfigError, match="has the driver 'asyncpg'"):
        load_config(file)
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:a-long-password@db.example/shop")
    with pytest.raises(ConfigError, match="query calls pg_sleep"):
        load_config(file)
    (connection,) = load_config(project_with(tmp_path, "${DATABASE_URL}")).connections.values()
    settings = connection.resolved()
    assert isinstance(settings, SqlSettings)
    assert settings.database == "postgresql"


def test_project_without_a_query_does_not_load_the_parser() -> None:
    code = (
        "import sys; from syncd.config.catalogue import connector; connector('sql'); "
        "print([name for name in ('sqlglot', 'pymysql', 'psycopg') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
