"""Makes readings and records from the rows of a query."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from connectors.sql.cells import cell_of, elements_of
from connectors.sql.keys import SqlReadings, SqlRecords
from connectors.sql.session import Result
from syncd.sdk import Reading, Record, Snapshot, SourceBroken, UnknownField
from syncd.sdk.cells import Reader, shown
from syncd.sdk.names import nearest_hint
from syncd.sdk.series import SeriesReader
from syncd.sdk.tables import Unreadable

_UNTOLD = datetime(1970, 1, 1, tzinfo=UTC)
"""The time that stands for the last change of every row, because databases do not report this time. A changed row
replaces the stored row.
"""

_LONGEST_TITLE = 300


def position(columns: Sequence[str], name: str) -> int:
    """The position of a column. Upper and lower case may differ, because databases may fold names. Raises Unreadable if
    the column is missing.
    """
    exact = [index for index, column in enumerate(columns) if column == name]
    alike = exact or [index for index, column in enumerate(columns) if column.lower() == name.lower()]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise Unreadable(f"the query gives the column {name!r} {len(alike)} times; name each by AS")
    raise Unreadable(
        f"the query gives no column {name!r}{nearest_hint(name, columns)}; it gives: {', '.join(columns) or 'none'}"
    )


def snapshot_of(result: Result, keys: SqlReadings, reader: Reader, *, is_ordered: bool) -> Snapshot:
    """The readings of a measure, or the reason why they are unknown."""
    try:
        value = position(result.columns, keys.value)
        if keys.date is None:
            return _single(result, keys.value, value, reader)
        return _series(result, keys.value, value, position(result.columns, keys.date), reader, is_ordered=is_ordered)
    except Unreadable as error:
        return Snapshot(problem=str(error))


def _single(result: Result, name: str, value: int, reader: Reader) -> Snapshot:
    if not result.rows:
        return Snapshot(notes=["the query gives no row"])
    if len(result.rows) > 1:
        raise Unreadable(
            f"the query gives {len(result.rows):,} rows, and a single number needs one; let it sum them up, or name "
            "the column of their dates as 'date'"
        )
    cell = cell_of(result.rows[0][value])
    if reader.blank(cell):
        return Snapshot(notes=[f"{name} is NULL" if cell is None else f"{name} is blank"])
    number, problem = reader.number(cell)
    return Snapshot([Reading(number, name, shown(cell), problem=problem)])


def _series(result: Result, name: str, value: int, dates: int, reader: Reader, *, is_ordered: bool) -> Snapshot:
    rows = [(cell_of(row[dates]), cell_of(row[value])) for row in result.rows]
    if not is_ordered:  # the order decides between equal dates, and may differ at each query
        rows.sort(key=lambda pair: (reader.moment(pair[0]) or _UNTOLD, shown(pair[0]), shown(pair[1])))
    series = SeriesReader(name, reader)
    for number, (day, cell) in enumerate(rows, 1):
        series.pair(number, f"{name}, row {number}", day, cell)
    return series.snapshot()


def check_fields(result: Result, keys: SqlRecords, needs: Collection[str]) -> None:
    """Raises UnknownField if the query lacks a column that a measure names."""
    for name in sorted(needs):
        try:
            position(result.columns, name)
        except Unreadable:
            raise UnknownField(name, result.columns) from None


def records_of(result: Result, keys: SqlRecords, needs: Collection[str], reader: Reader) -> Sequence[Record]:
    """A record for each row, with the fields that measures need. Raises SourceBroken if a row has no id or a time that
    cannot be read, or if two different rows have the same id.
    """
    try:
        id_at, done_at = position(result.columns, keys.id), position(result.columns, keys.at)
        fields = {name: position(result.columns, name) for name in needs}
    except Unreadable as error:
        raise SourceBroken(str(error)) from None
    descriptions = {name: _place(result.columns, name) for name in ("label", "title", "url")}
    rows: dict[str, tuple[int, Sequence[Any]]] = {}
    records: list[Record] = []
    for number, row in enumerate(result.rows, 1):
        id_ = _id(row[id_at], keys.id, number)
        if id_ in rows:
            first, same = rows[id_]
            if list(same) != list(row):
                raise SourceBroken(
                    f"rows {first:,} and {number:,} have the same {keys.id} {id_!r} and differ; name a column as 'id' "
                    "that no two rows share, or let the query join so that each row comes once"
                )
            continue
        rows[id_] = number, row
        records.append(_record(id_, row, keys, number, row[done_at], fields, descriptions, reader))
    return records


def _record(
    id_: str,
    row: Sequence[Any],
    keys: SqlRecords,
    number: int,
    done: Any,
    fields: Mapping[str, int],
    descriptions: Mapping[str, int | None],
    reader: Reader,
) -> Record:
    cell = cell_of(done)
    moment = None if reader.blank(cell) else reader.moment(cell)
    if moment is None and not reader.blank(cell):
        raise SourceBroken(
            f"row {number:,} ({keys.id} {id_}) has {shown(cell)[:60]!r} as its {keys.at}, which is no date; let the "
            "query give a date, a time, or text such as 2026-11-02"
        )
    texts = {
        name: "" if place is None else shown(cell_of(row[place]))[:_LONGEST_TITLE]
        for name, place in descriptions.items()
    }
    return Record(
        id=id_,
        label=texts["label"] or id_[:_LONGEST_TITLE],
        title=texts["title"],
        url=texts["url"] if texts["url"].lower().startswith(("https://", "http://")) else "",
        updated_at=_UNTOLD,
        done_at=moment,
        not_done=None if moment is not None else f"no {keys.at}",
        fields={name: elements_of(row[place], reader.zone) for name, place in fields.items()},
    )


def _id(value: Any, name: str, number: int) -> str:
    cell = cell_of(value)
    if cell is None or (isinstance(cell, str) and not cell):
        raise SourceBroken(f"row {number:,} has no {name}; an id is never NULL: leave such rows out by WHERE")
    return cell.isoformat() if isinstance(cell, date) else shown(cell)


def _place(columns: Sequence[str], name: str) -> int | None:
    try:
        return position(columns, name)
    except Unreadable:
        return None
