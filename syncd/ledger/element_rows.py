"""Reads the elements of a field of the records that count. Each record has its elements once, even if it is in two
streams of a measure (`acme/*` and `acme/web`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from syncd.ledger import selection
from syncd.okr.measures import RecordMeasure, record_total


def element_rows(
    connection: Connection, form: RecordMeasure, parameters: Mapping[str, Any], *, past: bool, dated: bool = False
) -> Sequence[Any]:
    """The rows of `selection.elements_of`. Of each record, only the first field that has a value gives rows, and only
    a single copy, the same as in `okr.measures.single_copies`.
    """
    distinct, several, dialect = form.take == "distinct", bool(form.else_of), connection.dialect.name
    rows: list[Any] = []
    for field in form.of_fields:
        query = selection.elements_of(form, field, dialect, past=past, texts=distinct or several, dated=dated)
        having = {row[:2] for row in rows if (row.number, row.text) != (None, None)}
        of_field = connection.execute(query, parameters).all()
        rows = [row for row in rows if row[:2] in having] + [row for row in of_field if row[:2] not in having]
    if len(parameters["streams"]) > 1:
        rows = _of_single_copies(rows, of_texts=distinct)
    return rows if distinct or not several else [(*row[:3], *row[4:]) for row in rows]


def by_record(rows: Sequence[Any]) -> Mapping[str, float]:
    """Maps the id of each record to its number: the sum of the numbers in its field."""
    single: dict[str, float | None] = {id_: number for id_, _, number in rows}
    if len(single) == len(rows):
        return {id_: number for id_, number in single.items() if number is not None}
    numbers: dict[str, list[float]] = {}
    for id_, _, number in rows:
        if number is not None:
            numbers.setdefault(id_, []).append(number)
    return {id_: record_total(of_record) for id_, of_record in numbers.items()}


def _of_single_copies(rows: Sequence[Any], *, of_texts: bool) -> list[Any]:
    """The rows of the last copy of each record that has a value; of the last copy, if no copy has a value."""

    def rank(row: Any) -> tuple[bool, int]:
        return row.number is not None or (of_texts and row.text is not None), row.stream

    ranks: dict[str, tuple[bool, int]] = {}
    for row in rows:
        ranks[row.id] = max(rank(row), ranks.get(row.id, (False, 0)))
    return [row for row in rows if row.stream == ranks[row.id][1]]
