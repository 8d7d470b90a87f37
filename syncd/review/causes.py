"""Finds the causes of a movement: the records and readings that were added, removed, or given another number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from syncd.explain.differences import differences
from syncd.explain.items import Item, RowsAfter, items_of, named_parts
from syncd.explain.restatements import restatements
from syncd.ledger import KeptValue, Ledger
from syncd.ledger.definitions import measure_digest
from syncd.okr.measures import Leaf, Measure, ReadingMeasure
from syncd.review.model import Cause, Causes, Sign, Start
from syncd.status.report import KeyResultLine
from syncd.status.snapshot import Snapshot

_SINGLE_READING = ("latest", "first", "change")

Parts = Mapping[str | None, Leaf]


def causes(
    ledger: Ledger, line: KeyResultLine, start: Start, end_of_start: datetime, before: Snapshot, now: Snapshot
) -> Causes:
    """The causes of a key result's movement since the day that ended at `end_of_start`. Empty if the value at the start
    was not measured by the present measure.

    The causes are the differences between the rows that count now and the rows that counted at the start. If no cycle
    stored a number at the start, the rows of the start are the present rows whose date is not after the start.
    """
    kr, kept = line.key_result, now.values.get(line.key_result.id)
    if kr.measure is None or kept is None or kept.confirmed is None or kept.measure != measure_digest(kr.measure):
        return Causes()
    parts = dict(named_parts(kr.measure))
    rows = RowsAfter(ledger, now.okrs.period, kept.confirmed, now.times[kept.confirmed])
    old = _items_before(rows, kr.measure, start, end_of_start, before, before.values.get(kr.id))
    compared = differences(old, items_of(rows, kr.measure))
    restated = {
        restatement.label: restatement.why
        for restatement in restatements(ledger, now.okrs, kr, after=before.cycle, until=kept.confirmed)
    }
    came = [
        _cause("o" if _is_open(item, parts) else "+", item, restated.get(item.label), parts) for item in compared.enters
    ]
    went = [
        _cause("-", item, restated[item.label], parts)
        for item in compared.leaves
        if item.label in restated and not _superseded(item, parts)
    ]
    changed = [_changed(old, new, restated.get(new.label), parts) for old, new in compared.brings]
    aged = sum(
        item.label not in restated and not isinstance(parts[item.part], ReadingMeasure) for item in compared.leaves
    )
    return Causes([*sorted(came, key=_weight, reverse=True), *went, *changed], aged)


def _items_before(
    rows: RowsAfter, measure: Measure, start: Start, end: datetime, before: Snapshot, kept: KeptValue | None
) -> Iterator[Item]:
    """The items that counted at the end of the start day (`end`). `rows` are the present rows. `kept` is the stored
    value at the start.
    """
    if start.source == "baseline":
        return
    if start.source == "kept" and kept is not None and kept.confirmed is not None and end == before.moment:
        then = replace(rows, cycle=kept.confirmed, at=before.times[kept.confirmed])
        yield from items_of(then, measure)
        return
    for item in items_of(replace(rows, at=end), measure):
        if item.at is None or item.at < end:
            yield item


def _is_open(item: Item, parts: Parts) -> bool:
    return parts[item.part].take == "share" and item.brings == "0"


def _superseded(item: Item, parts: Parts) -> bool:
    """Whether a newer reading is the only reason why the item no longer counts."""
    leaf = parts[item.part]
    return isinstance(leaf, ReadingMeasure) and leaf.take in _SINGLE_READING


def _changed(old: Item, new: Item, why: str | None, parts: Parts) -> Cause:
    if parts[new.part].take == "share":
        return _cause("+" if new.brings == "1" else "-", new, why, parts)
    return replace(_cause("~", new, why, parts), was=old.brings)


def _cause(sign: Sign, item: Item, why: str | None, parts: Parts) -> Cause:
    reading = isinstance(parts[item.part], ReadingMeasure)
    return Cause(sign, item.label, item.title, item.url, item.at, item.brings, reading, why=why, part=item.part)


def _weight(cause: Cause) -> tuple[bool, float, float]:
    """The sort key of a cause. Causes that changed past data come first, then records with large numbers, then the
    newest records. Readings are sorted only by their time.
    """
    try:
        brings = 0.0 if cause.reading else abs(float(cause.brings or 0))
    except ValueError:
        brings = 0.0
    return cause.why is not None, brings, cause.at.timestamp() if cause.at else 0.0
