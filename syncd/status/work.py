"""Reads from the ledger where the work of a period went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from syncd.ledger import Ledger
from syncd.okr.goals import KeyResult, PeriodOkrs
from syncd.okr.measures import RecordMeasure, leaves, so_far
from syncd.okr.work import Work, work_of
from syncd.sdk.language import gettext as _
from syncd.status.snapshot import Snapshot

_Kind = tuple[str, str | None]


def where_the_work_went(snapshot: Snapshot, okrs: PeriodOkrs, ledger: Ledger | None) -> Work | None:
    """Where the work of a snapshot's period went until the snapshot's moment; None if no measure counts work.

    `okrs` are the OKRs of the present files, which say which records are work. For a past moment, only lists that held
    a record by then count, because `work:` may have been edited since.
    """
    kinds = {(measure.connection, measure.kind) for measure in (*_measures(okrs.measured), *okrs.work)
             if measure.is_work}  # fmt: skip
    key_results = snapshot.okrs.measured
    cycle = snapshot.cycle if snapshot.past else None
    lists = _lists((*_measures(key_results), *okrs.work), kinds)
    if not lists or ledger is None:
        return None
    reason = _reason(_lists(_measures(key_results), kinds) if snapshot.past else lists, ledger, cycle)
    if cycle is not None:
        lists = [replace(each, streams=tuple(ledger.answers.holding(each, cycle))) for each in lists]
    span = so_far(snapshot.okrs.period.span, snapshot.last_instant)
    done: dict[str, str] = {}
    driving: set[str] = set()
    measured: set[str] = set()
    for of_kind in lists:
        labels = ledger.answers.labels(of_kind, span, cycle)
        done |= {_id(of_kind, id_): label for id_, label in labels.items()}
    connections = {connection for connection, _kind in kinds}
    for key_result in key_results:
        for measure in _measures([key_result]):
            # Records of any kind count: a merge that was deployed has the id of the merge.
            if measure.connection in connections:
                counted = {_id(measure, id_) for id_ in ledger.answers.labels(measure, span, cycle)}
                measured |= counted
                driving |= counted if key_result.drives else set()
    covers = dict.fromkeys(stream for of_kind in lists for stream in of_kind.streams)
    return work_of(done, driving, measured, list(covers), reason)


def _measures(key_results: Iterable[KeyResult]) -> Iterator[RecordMeasure]:
    for key_result in key_results:
        yield from (leaf for leaf in leaves(key_result.measure) if isinstance(leaf, RecordMeasure))


def _lists(measures: Iterable[RecordMeasure], kinds: set[_Kind]) -> list[RecordMeasure]:
    """For each kind of work, a measure of all its records in the streams of these measures."""
    streams: dict[_Kind, dict[str, None]] = {}
    for measure in measures:
        if (kind := (measure.connection, measure.kind)) in kinds:
            streams.setdefault(kind, {}).update(dict.fromkeys(measure.streams))
    return [RecordMeasure(name, tuple(keys), kind=kind) for (name, kind), keys in streams.items()]


def _id(measure: RecordMeasure, record: str) -> str:
    return f"{measure.connection} {record}"


def _reason(lists: Iterable[RecordMeasure], ledger: Ledger, cycle: int | None) -> str | None:
    """The reason why there may be more work: a list that is not complete now, or that held no record by the end of a
    past cycle.
    """
    doubt: tuple[str, str | None] | None
    for of_kind in lists:
        if cycle is not None:
            missing = [key for key in of_kind.streams if key not in ledger.answers.holding(of_kind, cycle)]
            doubt = (missing[0], None) if missing else None
        else:
            doubt = ledger.answers.not_whole(of_kind)
        if doubt is not None:
            stream, reason = doubt
            return _("%(list)s is not pulled whole yet", list=stream) if reason is None else f"{stream}: {reason}"
    return None
