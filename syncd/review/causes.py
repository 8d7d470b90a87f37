"""Why a number moved: the records and readings that came, went, or bring another number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from syncd.explain.differences import differences
from syncd.explain.evidence import Item, items_of
from syncd.explain.restatements import restatements
from syncd.ledger import Ledger
from syncd.ledger.definitions import measure_digest
from syncd.okr.goals import Plan
from syncd.okr.measures import FormulaMeasure, Leaf, Measure, ReadingMeasure
from syncd.okr.spans import midnight
from syncd.review.model import Cause, Causes, Sign, Start
from syncd.status.report import KeyResultLine
from syncd.status.snapshot import Snapshot

_ONE_READING = ("latest", "first", "change")


def causes(ledger: Ledger, plan: Plan, line: KeyResultLine, start: Start, before: Snapshot, now: Snapshot) -> Causes:
    """What is behind the movement of a key result; nothing where its measure is none, or is not the one of its value.

    Against what counted then, or, where nothing was kept then, what counts now and is dated before.
    """
    kr, kept = line.key_result, now.values.get(line.key_result.id)
    if kr.measure is None or kept is None or kept.confirmed is None or kept.measure != measure_digest(kr.measure):
        return Causes()
    parts: dict[str | None, Leaf] = (
        dict(kr.measure.parts) if isinstance(kr.measure, FormulaMeasure) else {None: kr.measure}
    )
    old = _before(ledger, plan, kr.id, kr.measure, start, before, kept.confirmed)
    new = items_of(ledger, plan, kr.measure, now.times[kept.confirmed], kept.confirmed)
    found = differences(old, new)
    restated = {
        one.label: one.why for one in restatements(ledger, plan, kr, kept.measure, before.cycle, kept.confirmed)
    }
    came = [
        _cause("o" if _is_open(item, parts) else "+", item, restated.get(item.label), parts) for item in found.enters
    ]
    went = [
        _cause("-", item, restated[item.label], parts)
        for item in found.leaves
        if item.label in restated and not _superseded(item, parts)
    ]
    changed = [_changed(was, item, restated.get(item.label), parts) for was, item in found.brings]
    aged = sum(item.label not in restated and not isinstance(parts[item.part], ReadingMeasure) for item in found.leaves)
    return Causes([*sorted(came, key=_weight, reverse=True), *went, *changed], aged)


def _before(
    ledger: Ledger, plan: Plan, name: str, measure: Measure, start: Start, before: Snapshot, confirmed: int
) -> Iterator[Item]:
    if start.source == "baseline":
        return
    kept = before.values.get(name)
    end = midnight(start.day + timedelta(days=1), plan.period.zone)
    if start.source == "kept" and kept is not None and kept.confirmed is not None and end == before.moment:
        yield from items_of(ledger, plan, measure, before.times[kept.confirmed], kept.confirmed)
        return
    for item in items_of(ledger, plan, measure, end, confirmed):
        if item.at is None or item.at < end:
            yield item


def _is_open(item: Item, parts: Mapping[str | None, Leaf]) -> bool:
    return parts[item.part].take == "share" and item.brings == "0"


def _superseded(item: Item, parts: Mapping[str | None, Leaf]) -> bool:
    """Whether a newer reading merely took its place."""
    leaf = parts[item.part]
    return isinstance(leaf, ReadingMeasure) and leaf.take in _ONE_READING


def _changed(was: Item, item: Item, why: str | None, parts: Mapping[str | None, Leaf]) -> Cause:
    if parts[item.part].take == "share":
        return _cause("+" if item.brings == "1" else "-", item, why, parts)
    return replace(_cause("~", item, why, parts), was=was.brings)


def _cause(sign: Sign, item: Item, why: str | None, parts: Mapping[str | None, Leaf]) -> Cause:
    reading = isinstance(parts[item.part], ReadingMeasure)
    return Cause(sign, item.label, item.title, item.url, item.at, item.brings, reading, why=why, part=item.part)


def _weight(cause: Cause) -> tuple[bool, float, float]:
    """What restates the past, then a record by what it brings, then the newest; a reading by its time alone."""
    try:
        brings = 0.0 if cause.reading else abs(float(cause.brings or 0))
    except ValueError:
        brings = 0.0
    return cause.why is not None, brings, cause.at.timestamp() if cause.at else 0.0
