"""A project of cells that all change in every cycle, and its ledger after any number of such cycles.

Cycles take too long to make a year of them. So three cycles make the rows, and copies of these rows, under other cycles
and times, make the rest. `tests/contract/test_growth.py` shows that the ledger is the one that cycles would have made.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    cast,
    func,
    insert,
    literal,
    select,
    type_coerce,
    update,
)

from syncd.config import Config, load_config
from syncd.cycle.model import CycleRequest, Result
from syncd.cycle.run import run_cycle
from syncd.ledger import open_ledger
from syncd.ledger.column_types import Document, Moment
from syncd.ledger.engine import unhurried
from syncd.ledger.schema import cycles, deliveries, events, readings, streams, values
from syncd.sdk import RetryPolicy

START = datetime(2025, 11, 1, 10, tzinfo=UTC)
QUARTER_HOUR = timedelta(minutes=15)
_TEMPLATES = 3
"""Cycles that are run: the first, and one of each of the two states between which the numbers go back and forth."""

_SETTINGS = """\
mappings: okrs.yaml
connections:
  local: {{type: files, root: .}}
  okrs: {{type: http, url: "{url}", headers: {{X-Api-Key: "${{OKR_KEY}}"}}}}
publish:
  - {{to: okrs, method: PUT, ids: {{{ids}}}, path: "/key-results/{{{{ id }}}}", body: {{current: "{{{{ value }}}}"}}}}
notify: {{to: "${{OKR_CHANNEL}}", about: [failing]}}
"""
_MAPPING = """\
period: {{start: 2025-11-01, end: 2027-10-31, id: years}}
objectives:
  - id: service
    title: Customers find answers
    key_results:
{key_results}
"""


class GrowingProject:
    """Cells in a CSV file, each the number of a key result that is put to a server of check-ins at `url`.

    The environment has OKR_KEY and OKR_CHANNEL. Every change moves each number across its bound, so health changes too.
    """

    def __init__(self, folder: Path, ledger: str, url: str, size: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._size = size
        self.now = START
        ids = ", ".join(f"kr-{number}: id-{number}" for number in range(size))
        (folder / "syncd.yaml").write_text(_SETTINGS.format(url=url, ids=ids))
        key_results = "\n".join(
            f"      - {{id: kr-{number}, title: Few errors, kind: outcome, keep: {{at_most: 100}}, "
            f"measure: {{from: local, file: cells.csv, cell: B{number + 1}}}}}"
            for number in range(size)
        )
        (folder / "okrs.yaml").write_text(_MAPPING.format(key_results=key_results))
        opened = open_ledger(ledger)
        assert opened is not None
        self.ledger = opened
        self.config: Config = load_config(folder / "syncd.yaml")

    def cycle(self, cycle: int | None = None) -> Result:
        """A cycle a quarter of an hour after the last one: over the numbers of that cycle, or over those of before."""
        if cycle is not None:
            numbers = (90 + 20 * (cycle % 2) + number % 5 for number in range(self._size))
            (self._folder / "cells.csv").write_text("".join(f"cell,{number}\n" for number in numbers))
        result = run_cycle(CycleRequest(self.config, self.ledger, lambda: self.now, RetryPolicy(sleep=lambda _: None)))
        assert not result.failures
        assert all(outcome.state == "delivered" for outcome in result.delivered)
        self.now += QUARTER_HOUR
        return result

    def run_cycles(self, changes: int) -> None:
        """The first cycle, and so many that change every number."""
        for cycle in range(1, changes + 2):
            self.cycle(cycle)

    def grow(self, changes: int) -> None:
        """The same ledger as `run_cycles` makes, for an even number of changes."""
        assert changes % 2 == 0
        self.run_cycles(min(changes, _TEMPLATES - 1))
        last = changes + 1
        if last > _TEMPLATES:
            with self.ledger.engine.begin() as connection, unhurried(connection):
                _copy_cycles(connection, self._size, last)
            self.now = START + last * QUARTER_HOUR

    def close(self) -> None:
        """Closes the ledger."""
        self.ledger.close()


def _copy_cycles(connection: Connection, size: int, last: int) -> None:
    """Copies the rows of cycles 2 and 3 by turns, up to cycle `last`."""
    times = [
        {"cycle": cycle, "at": at, "text": at.isoformat(), "template": 2 + cycle % 2}
        for cycle in range(2, last + 1)
        for at in (START + (cycle - 1) * QUARTER_HOUR,)
    ]
    at = Table(
        "moments_of_copies",
        MetaData(),
        Column("cycle", Integer, primary_key=True),
        Column("template", Integer),
        Column("at", Moment),
        Column("text", Text),
    )
    at.create(connection)
    connection.execute(insert(at), times)
    until = func.nullif(at.c.cycle + 1, last + 1)
    for table, own in {
        cycles: {"id": at.c.cycle, "started_at": at.c.at, "ended_at": at.c.at},
        readings: {"cycle": at.c.cycle, "until": until, "seen_at": at.c.at},
        values: {"cycle": at.c.cycle, "until": until, "confirmed": at.c.cycle},
        deliveries: {"cycle": at.c.cycle, "until": until, "made_at": at.c.at, "tried_at": at.c.at},
        events: {"cycle": at.c.cycle, "until": until, "made_at": at.c.at},
    }.items():
        _copy_rows(connection, table, own, at, size)
    newest = select(at.c.at).where(at.c.cycle == last).scalar_subquery()
    state = {"completed_cycle": last, "completed_at": newest, "tried_at": newest}
    connection.execute(update(streams).values(state))
    at.drop(connection)


def _copy_rows(
    connection: Connection, table: Table, own: Mapping[str, ColumnElement[Any]], at: Table, size: int
) -> None:
    cycle = table.c.id if table is cycles else table.c.cycle
    template = at.alias()
    columns: dict[str, Any] = {column.name: column for column in table.columns} | dict(own)
    if table in (deliveries, events):
        columns["id"] = table.c.id + (at.c.cycle - at.c.template) * size
    if table is deliveries:
        is_binary = connection.dialect.name == "postgresql"
        text = cast(table.c.statement, Text) if is_binary else type_coerce(table.c.statement, Text)
        moved = func.replace(text, template.c.text, at.c.text)
        columns["statement"] = cast(moved, Document) if is_binary else moved
    query = (
        select(*columns.values())
        .join(at, at.c.template == cycle)
        .join(template, template.c.cycle == cycle)
        .where(at.c.cycle > _TEMPLATES)
        .order_by(at.c.cycle)
    )
    connection.execute(insert(table).from_select(list(columns), query, include_defaults=False))
    if "until" in table.c:
        connection.execute(update(table).where(cycle == _TEMPLATES).values(until=literal(_TEMPLATES + 1)))
    if "id" in table.c and connection.dialect.name == "postgresql":
        newest = select(func.max(table.c.id)).scalar_subquery()
        connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), newest)))
