"""The `sql` connector on real databases: the same figures from SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from csv_project import CsvProject
from mariadb_server import PASSWORD
from sql_databases import BERLIN, Database, on_mariadb, on_postgresql, on_sqlite

from syncd.ledger import KeptValue

MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
"""
KEY_RESULT = "      - {{id: kr{}, title: It, kind: outcome, baseline: 0, target: 9, ignore: [no-guard], measure: {}}}\n"
AFTER = datetime(2027, 1, 2, 12, tzinfo=BERLIN)
LAST_INSTANT = datetime(2026, 12, 31, 23, 59, 59)
ENDLESS = (
    "WITH RECURSIVE c AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM c WHERE x < 2000000000) SELECT count(*) AS n FROM c"
)


def ask(query: str, **keys: Any) -> Mapping[str, Any]:
    """A measure."""
    return {"from": "warehouse", "query": query, **keys}


class Warehouse(CsvProject):
    """`warehouse` is a database with the table `orders`. Days are Berlin's."""

    def __init__(self, folder: Path, database: Database, **connection: Any) -> None:
        self.database = database
        super().__init__(
            folder, MAPPING, AFTER, settings="timezone: Europe/Berlin\n", connections=database.connection(**connection)
        )

    def define(self, *measures: Mapping[str, Any]) -> None:
        """Key results with these measures: `kr0`, `kr1` and so on."""
        written = (KEY_RESULT.format(number, json.dumps(measure)) for number, measure in enumerate(measures))
        (self.folder / "okrs.yaml").write_text(MAPPING + "".join(written))

    def measure(self, *measures: Mapping[str, Any]) -> list[float | None]:
        """The numbers of these measures, after a cycle in which all are complete."""
        self.define(*measures)
        self.sync()
        values = [self.value(number) for number in range(len(measures))]
        assert [value.quality for value in values] == ["complete"] * len(measures), values
        return [value.number for value in values]

    def sync(self) -> None:
        self.now += timedelta(minutes=1)
        self.cycle()

    def value(self, number: int = 0) -> KeptValue:
        return self.ledger.values.last("2026-Q4")[f"kr{number}"]

    def failure(self, query: str, **keys: Any) -> str:
        """Why a measure has no number; its value is not 0."""
        self.define(ask(query, **keys))
        self.sync()
        value = self.value()
        assert value.number is None
        assert value.quality == "failed"
        return value.reason or ""


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("DB_PASSWORD", PASSWORD)
    if request.param == "postgresql":
        return on_postgresql(request.getfixturevalue("new_postgres"))
    if request.param == "mariadb":
        return on_mariadb(request.getfixturevalue("mariadb"))
    return on_sqlite(tmp_path)


@pytest.fixture
def warehouse(database: Database, tmp_path: Path) -> Iterator[Warehouse]:
    database.make_orders()
    project = Warehouse(tmp_path, database)
    yield project
    project.ledger.close()


@pytest.fixture
def shop(warehouse: Warehouse) -> Warehouse:
    """With orders on both sides of the period's ends, and of the night in which the clocks change."""
    add = warehouse.database.add_order
    add(1, datetime(2026, 9, 30, 23, 59, 59), "1000")
    add(2, datetime(2026, 10, 1), "0.1")
    add(3, datetime(2026, 10, 25, 1, 30), "0.2", "us", "first")
    add(4, datetime(2026, 10, 25, 4), "-5.25")
    add(5, LAST_INSTANT, "12345678.1234", note="100% 'of' it".replace("'", ""))
    add(6, datetime(2027, 1, 1), "1000")
    add(7, None, None)
    return warehouse


# -- figures


@pytest.mark.sampled(2)
def test_figures_of_each_shape_are_the_same_on_every_database(shop: Warehouse) -> None:
    within = "FROM orders WHERE paid >= :start AND paid < :end"
    zoned = {"sqlite": "datetime(seen) >= datetime(:start, '-2 hours') AND datetime(seen) < datetime(:end, '-1 hours')"}
    seen = f"FROM orders WHERE {zoned.get(shop.database.kind, 'seen >= :start AND seen < :end')}"
    rows = "SELECT id, paid, seen, amount, region, note AS title FROM orders"
    assert shop.measure(
        ask(f"SELECT count(*) AS n {within}", value="n"),
        ask(f"SELECT sum(amount) AS n {within}", value="n"),
        ask(f"SELECT sum(amount) AS n {within} AND region = 'us'", value="n"),
        ask(f"SELECT count(*) AS n {seen}", value="n"),
        ask("SELECT paid, amount FROM orders", date="paid", value="amount", take="sum"),
        ask("SELECT seen, amount FROM orders", date="seen", value="amount", take="sum"),
        ask("SELECT paid, amount FROM orders", date="paid", value="amount"),
        ask(rows, id="id", at="paid"),
        ask(rows, id="id", at="seen"),
        ask(rows, id="id", at="paid", where={"region": "us"}),
        ask(rows, id="id", at="paid", take="sum", of="amount"),
        ask(rows, id="id", at="seen", take="max", of="AMOUNT"),
        ask(rows, id="id", at="paid", where={"amount_at_least": 0}),
    ) == [
        4,
        12345673.1734,
        0.2,
        4,
        12345673.1734,
        12345673.1734,
        12345678.1234,
        4,
        4,
        1,
        12345673.1734,
        12345678.1234,
        3,
    ]


@pytest.mark.nightly_with("postgresql", "mariadb")
def test_windows_of_a_query_are_those_of_its_measure(shop: Warehouse) -> None:
    counted = "SELECT count(*) AS n FROM orders WHERE paid >= :start AND paid < :end"
    assert shop.measure(
        ask(counted, value="n", window="7d"),
        ask(counted, value="n", window={"since": "2026-10-25", "until": "2026-10-25"}),
        ask(counted, value="n", window={"until": "2026-10-24"}),
        ask("SELECT count(*) AS n FROM orders WHERE paid < :today", value="n"),
        ask(counted.replace("count(*)", "count(*) * 10"), value="n", window="7d"),
    ) == [1, 2, 1, 4, 10]


@pytest.mark.nightly_with("postgresql", "mariadb")
def test_window_without_a_day_has_no_number(shop: Warehouse) -> None:
    counted = "SELECT count(*) AS n FROM orders WHERE paid >= :start AND paid < :end"
    shop.now = datetime(2026, 10, 1, 12, tzinfo=BERLIN)
    shop.define(ask(counted, value="n", window={"settled": "14d"}), ask(counted, value="n"))
    shop.sync()
    assert [shop.value(number).number for number in range(2)] == [None, 4]


def test_parameter_in_a_text_or_a_comment_is_none(shop: Warehouse) -> None:
    query = "SELECT count(*) AS n /* :start */ FROM orders WHERE note = ':start' OR note LIKE '100% of%' -- :end"
    assert shop.measure(ask(query, value="n")) == [1]


@pytest.mark.nightly_with("postgresql", "mariadb")
def test_order_of_the_rows_does_not_matter(warehouse: Warehouse) -> None:
    for id_, day in ((3, 20), (1, 10), (2, 30)):
        warehouse.database.add_order(id_, datetime(2026, 11, day, 8), str(day))
    first = ask("SELECT paid, amount FROM orders", date="paid", value="amount", take="first")
    latest = ask("SELECT paid, amount FROM orders", date="paid", value="amount")
    assert warehouse.measure(first, latest) == [10, 30]


@pytest.mark.nightly_with("postgresql", "mariadb")
def test_row_that_changes_restates_and_one_that_goes_leaves(shop: Warehouse) -> None:
    rows = "SELECT id, paid, amount, region FROM orders"
    measures = (
        ask(rows, id="id", at="paid", take="sum", of="amount"),
        ask(rows, id="id", at="paid"),
        ask("SELECT paid, amount FROM orders", date="paid", value="amount", take="sum"),
    )
    assert shop.measure(*measures) == [12345673.1734, 4, 12345673.1734]
    shop.database.run("UPDATE orders SET amount = 1 WHERE id = 5", "DELETE FROM orders WHERE id = 4")
    assert shop.measure(*measures) == [1.3, 3, 1.3]
    shop.database.run("UPDATE orders SET paid = NULL WHERE id = 5")
    assert shop.measure(*measures) == [0.3, 2, 0.3]


def test_null_is_unknown_and_an_empty_count_is_zero(warehouse: Warehouse) -> None:
    query = "SELECT sum(amount) AS n, count(*) AS rows_counted FROM orders WHERE region = 'none'"
    warehouse.define(
        ask(query, value="n"), ask(query, value="rows_counted"), ask("SELECT amount FROM orders", value="amount")
    )
    warehouse.sync()
    assert [warehouse.value(number).number for number in range(3)] == [None, 0, None]


def test_number_beyond_2_to_the_53_is_unknown(warehouse: Warehouse) -> None:
    warehouse.database.add_order(1, LAST_INSTANT, "9007199254740993")
    warehouse.define(
        ask("SELECT amount FROM orders", value="amount"),
        ask("SELECT id, paid, amount FROM orders", id="id", at="paid", take="sum", of="amount"),
        ask("SELECT amount - 1 AS n FROM orders", value="n"),
    )
    warehouse.sync()
    assert [warehouse.value(number).number for number in range(3)] == [None, None, 2**53]
    assert "beyond 2^53" in (warehouse.value().reason or "")


@pytest.mark.sampled(2)
def test_rows_are_the_evidence(shop: Warehouse) -> None:
    url = "'https://shop.example/' AS url"
    shop.measure(
        ask(f"SELECT id, paid, note AS title, region AS label, {url} FROM orders", id="id", at="paid"),
        ask("SELECT paid, amount FROM orders ORDER BY paid", date="paid", value="amount"),
    )
    command = [sys.executable, "-m", "syncd", "explain", "--json", "--config", str(shop.folder / "syncd.yaml")]
    records, series = (
        json.loads(subprocess.run([*command, name], capture_output=True, check=True).stdout) for name in ("kr0", "kr1")
    )
    texts = json.dumps(records)
    assert '"first"' in texts
    assert "https://shop.example/" in texts
    assert "no paid" in texts
    assert "12345678.1234" in json.dumps(series)
    assert "amount, row " in json.dumps(series)


# -- what cannot be read


@pytest.mark.nightly_with("postgresql", "mariadb")
def test_missing_column_is_named_with_those_there_are(shop: Warehouse) -> None:
    query = "SELECT paid AS day, count(*) AS n FROM orders GROUP BY paid"
    assert "the query gives no column 'm'; it gives: day, n" in shop.failure(query, date="day", value="m")
    assert "no column 'when'; it gives: day, n" in shop.failure(query, date="when", value="n")
    assert "no column 'id'; it gives: day, n" in shop.failure(query, id="id", at="day")
    shop.define(ask("SELECT id, paid FROM orders", id="id", at="paid", where={"region": "us"}))
    shop.sync()
    assert "there is no field 'region'" in (shop.value().reason or "")


@pytest.mark.nightly_with("postgresql", "mariadb")
def test_rows_that_share_an_id_and_differ_are_no_count(shop: Warehouse) -> None:
    assert "have the same region 'eu' and differ" in shop.failure(
        "SELECT region, paid FROM orders", id="region", at="paid"
    )
    twice = "SELECT id, paid FROM orders UNION ALL SELECT id, paid FROM orders"
    assert shop.measure(ask(twice, id="id", at="paid")) == [4]


@pytest.mark.nightly_with("postgresql", "mariadb")
def test_row_without_an_id_or_with_a_text_for_its_time_is_no_count(shop: Warehouse) -> None:
    assert "has no note; an id is never NULL" in shop.failure("SELECT note, paid FROM orders", id="note", at="paid")
    assert "'eu' as its region, which is no date" in shop.failure("SELECT id, region FROM orders", id="id", at="region")


@pytest.mark.nightly_with("postgresql", "mariadb")
def test_several_rows_are_no_single_number(shop: Warehouse) -> None:
    assert "the query gives 7 rows" in shop.failure("SELECT amount FROM orders", value="amount")


@pytest.mark.nightly_with("postgresql", "mariadb")
def test_too_many_rows_are_no_count(database: Database, tmp_path: Path) -> None:
    database.make_orders()
    for id_ in range(1, 5):
        database.add_order(id_, LAST_INSTANT, "1")
    project = Warehouse(tmp_path, database, max_rows=3)
    query = "SELECT id, paid FROM orders"
    assert "gives more than 3 rows" in project.failure(query, id="id", at="paid")
    assert project.measure(ask(f"{query} WHERE id < 4", id="id", at="paid")) == [3]


def test_cell_that_is_too_large_is_never_made(tmp_path: Path) -> None:
    database = on_sqlite(tmp_path)
    database.make_orders()
    query = "SELECT replace(printf('%.*c', 9000, 'x'), 'x', printf('%.*c', 9000, 'y')) AS n"
    assert "too big" in Warehouse(tmp_path, database).failure(query, value="n")


def test_parameters_without_spaces_get_the_window(tmp_path: Path) -> None:
    """They are not taken for a query of today alone."""
    database = on_sqlite(tmp_path)
    database.make_orders()
    database.add_order(1, datetime(2026, 10, 3), "1")
    query = "SELECT count(*) AS n FROM orders WHERE paid BETWEEN:start AND:end"
    assert Warehouse(tmp_path, database).measure(ask(query, value="n")) == [1]


def test_parameters_without_days_are_no_question(tmp_path: Path) -> None:
    from connectors.sql import Sql
    from syncd.sdk import Context, RetryPolicy, SourceBroken, Stream

    database = on_sqlite(tmp_path)
    database.make_orders()
    settings = Sql.Settings.model_validate(database.settings, context={"resolved": True})
    keys = Sql.Measure.model_validate({"query": "SELECT count(*) AS n FROM orders WHERE paid > :start", "value": "n"})
    stream = Stream(keys.streams()[0], "readings", frozenset({keys.part()}))
    with pytest.raises(SourceBroken, match="names parameters"):
        list(Sql.open(settings, Context(RetryPolicy(attempts=1), BERLIN)).pull(stream, None))


def test_query_that_takes_too_long_has_failed(database: Database, tmp_path: Path) -> None:
    database.make_orders()
    project = Warehouse(tmp_path, database, timeout=0.2)
    query = "SELECT count(*) AS n FROM many a, many b, many c" if database.kind == "mariadb" else ENDLESS
    if database.kind == "mariadb":
        database.run("CREATE TABLE many AS SELECT seq AS x FROM seq_1_to_5000")
    assert "takes longer than 0.2 s" in project.failure(query, value="n")


def test_result_that_mariadb_cuts_is_no_number(mariadb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends a recursive query after 1,000 rounds, and cuts long texts, with a warning alone."""
    monkeypatch.setenv("DB_PASSWORD", PASSWORD)
    database = on_mariadb(mariadb)
    database.run("CREATE TABLE many AS SELECT REPEAT('x', 1000) AS x FROM seq_1_to_2000")
    project = Warehouse(tmp_path, database)
    assert "not whole" in project.failure(ENDLESS, value="n")
    assert "not whole" in project.failure("SELECT GROUP_CONCAT(x) AS n FROM many", value="n")


def test_error_of_a_query_is_the_databases_sentence_without_the_query(shop: Warehouse) -> None:
    reason = shop.failure("SELECT amount AS private_name FROM orderz", value="private_name")
    assert "orderz" in reason
    assert "private_name" not in reason


# -- what may not be done


@pytest.mark.sampled(6)
@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM orders", "INSERT INTO orders (id) VALUES (99)", "CREATE TABLE t (x int)", "DROP TABLE orders"],
)
def test_database_itself_refuses_to_write(shop: Warehouse, statement: str) -> None:
    """Even if a query that writes slipped through the check."""
    from connectors.sql.session import Session
    from connectors.sql.settings import SqlSettings
    from syncd.sdk import Context, RetryPolicy, SourceError

    settings = SqlSettings.model_validate(shop.database.settings, context={"resolved": True})
    session = Session(settings, Context(RetryPolicy(attempts=1), BERLIN))
    with pytest.raises(SourceError):
        session.ask(statement)
    session.close()
    assert shop.database.tables() == ["orders"]
    assert shop.measure(ask("SELECT count(*) AS n FROM orders", value="n")) == [7]


def test_function_that_writes_is_held_back_by_the_transaction(new_postgres: Callable[[], str], tmp_path: Path) -> None:
    database = on_postgresql(new_postgres)
    database.make_orders()
    database.run(
        "CREATE FUNCTION add_it() RETURNS int LANGUAGE sql AS 'INSERT INTO orders (id) VALUES (99) RETURNING id'"
    )
    database.run(
        "CREATE FUNCTION add_beside(orders) RETURNS int LANGUAGE sql AS "
        "'INSERT INTO orders (id) VALUES (98) RETURNING id'"
    )
    database.add_order(1, None, None)
    project = Warehouse(tmp_path, database, functions=["add_it"])
    assert "read-only transaction" in project.failure("SELECT add_it() AS n", value="n")
    looks_like_a_column = "SELECT o.add_beside AS n FROM orders o"
    assert "read-only transaction" in project.failure(looks_like_a_column, value="n")
    assert project.measure(ask("SELECT count(*) AS n FROM orders", value="n")) == [1]


def test_query_and_password_are_in_no_log_and_no_reason(shop: Warehouse, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    secret_query = "SELECT id, paid, 'a_literal' AS private_name FROM orders"
    shop.measure(
        ask(secret_query, id="id", at="paid"),
        ask("SELECT max('another_literal') AS private_name FROM orders", value="private_name"),
    )
    shop.database.run("DROP TABLE orders")
    shop.sync()
    assert shop.value().quality == "failed"
    logged = " ".join(str(vars(record)) for record in caplog.records)
    assert "query " in logged
    for text in ("private_name", "a_literal", "another_literal", PASSWORD):
        assert text not in logged
