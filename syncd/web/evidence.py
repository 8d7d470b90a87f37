"""A number's evidence as a table, whose rows add up to the number, and the same table as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response

from syncd.config import Config
from syncd.explain.evidence import Evidence
from syncd.explain.evidence import evidence as evidence_of
from syncd.explain.items import Item, named_parts
from syncd.okr.measures import Measure, ReadingMeasure, RecordMeasure
from syncd.sdk.figures import spreadsheet_cell
from syncd.sdk.language import gettext
from syncd.web.view import View

_SUMMED = ("count", "sum")
_COLUMNS = ("part", "at", "label", "title", "address", "brings", "total", "left_out", "remark")


@dataclass(frozen=True, slots=True)
class Row:
    """A record or reading that counts, and the running total after it. The total is None if the measure is not a sum of
    rows.
    """

    item: Item
    total: str | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The records or readings that a rule excludes."""

    rule: str
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows that contain the text `find`: the rows that count, sorted by time, and the rows that each rule excludes.

    `counted` is the number of rows that count, with or without the text `find`.
    """

    rows: Sequence[Row]
    left_out: Sequence[LeftOut]
    counted: int
    find: str = ""


def table_of(evidence: Evidence, find: str = "") -> Table:
    """The table of a number's evidence. The filter `find` hides rows, but does not change totals."""
    rows = list(_rows(evidence))
    return Table(
        [row for row in rows if _has(row.item, find)],
        list(_left_out(item for item in evidence.items if _has(item, find))),
        len(rows),
        find,
    )


def pages_of(config: Config, measure: Measure | None) -> Mapping[str | None, str]:
    """The address of the page that each part of a measure reads, such as a spreadsheet, by the part's name."""
    pages = dict[str | None, str]()
    for name, part in named_parts(measure) if measure is not None else ():
        connection = config.connections.get(part.connection)
        if connection is not None and isinstance(part, ReadingMeasure) and (page := connection.page(part.part)):
            pages[name] = page
    return pages


def csv_of(view: View, name: str) -> Response:
    """The complete table as a CSV file. HTTPException 404 if the period has no such key result."""
    key_result = next((kr for kr in view.snapshot.okrs.key_results if kr.id == name), None)
    if key_result is None:
        raise HTTPException(404, gettext("%(period)s has no such key result", period=view.okrs.period.id))
    evidence, zone = evidence_of(view.snapshot, view.daemon.ledger, key_result), view.okrs.period.zone
    pages, text = pages_of(view.daemon.config, key_result.measure), io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(_COLUMNS)
    left_out = (Row(item, None) for item in evidence.items if item.left_out is not None)
    for row in (*_rows(evidence), *left_out):
        item = row.item
        at = item.at.astimezone(zone).isoformat(timespec="seconds") if item.at else None
        source = (item.part, at, item.label, item.title, item.url or pages.get(item.part))
        result = (item.brings, row.total, item.left_out, item.remark)
        lines.writerow([_cell(text) for text in (*source, *result)])
    day: date = view.day or view.now.astimezone(zone).date()
    file = quote(f"{view.okrs.period.id} {name} {day}.csv")
    disposition = {"Content-Disposition": f"attachment; filename*=UTF-8''{file}"}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=disposition)


def _cell(text: str | None) -> object:
    """The text in a form that no spreadsheet program reads as a formula. A number stays as it is, even if negative."""
    try:
        Decimal(text or "")
    except InvalidOperation:
        return spreadsheet_cell(text)
    return text


def _rows(evidence: Evidence) -> Iterator[Row]:
    """The rows that count, by time, each with the running total if the measure is a sum of rows."""
    measure = evidence.key_result.measure
    adds = isinstance(measure, RecordMeasure) and measure.take in _SUMMED and measure.per is None
    total = Decimal(0)
    for item in sorted(evidence.counted, key=lambda item: (item.at is None, item.at.timestamp() if item.at else 0.0)):
        if adds and item.brings is not None:
            total += Decimal(item.brings)
        yield Row(item, f"{total.normalize():f}" if adds else None)


def _left_out(items: Iterator[Item]) -> Iterator[LeftOut]:
    by_rule: dict[str, list[Item]] = {}
    for item in items:
        if item.left_out is not None:
            by_rule.setdefault(item.left_out, []).append(item)
    for rule, alike in sorted(by_rule.items(), key=lambda pair: -len(pair[1])):
        yield LeftOut(rule, alike)


def _has(item: Item, find: str) -> bool:
    texts = (item.label, item.title, item.url, item.part, item.brings, item.remark, item.left_out)
    return any(find.casefold() in text.casefold() for text in texts if text is not None)
