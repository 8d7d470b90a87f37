"""What people allow: a held number becomes the value, and text that a person wrote at a target may be overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from syncd.config import Config
from syncd.cycle.foresee import deliveries_after
from syncd.cycle.value import case_of, complete_value
from syncd.ledger import Delivery, KeptValue, Ledger
from syncd.ledger.definitions import measure_digest
from syncd.ledger.outbox import State
from syncd.okr.answer import Answer
from syncd.okr.facts import answered
from syncd.okr.goals import KeyResult, PeriodOkrs
from syncd.okr.measures import Measure, leaves, stream_keys
from syncd.okr.words import signature

_REFUSED: tuple[State, ...] = ("refused",)


class NotHeld(Exception):
    """A key result has no number that waits; `value` is its present value, None if it was never measured."""

    def __init__(self, value: KeptValue | None, edited: bool) -> None:
        super().__init__(value)
        self.value = value
        self.edited = edited


class AnotherCandidate(Exception):
    """The number that waits differs from the number that somebody wanted to approve."""

    def __init__(self, candidate: float | None) -> None:
        super().__init__(candidate)
        self.candidate = candidate


@dataclass(frozen=True, slots=True)
class Approved:
    """The value before an approval, and the candidate that became the value."""

    old: KeptValue
    new: KeptValue


def approve(
    config: Config,
    okrs: PeriodOkrs,
    key_result: KeyResult,
    ledger: Ledger,
    *,
    author: str,
    entered_by: str,
    now: datetime,
    number: float | None = None,
) -> Approved:
    """Accepts the candidate of a held key result; with a `number`, only if that is the candidate.

    If it cannot accept the candidate, it raises NotHeld or AnotherCandidate and changes nothing. The caller holds the
    ledger's lock. The `author` is a claim; `entered_by` is who ran the command or is logged in.
    """
    old = ledger.values.last(okrs.period.id).get(key_result.id)
    measure = key_result.measure
    edited = old is not None and old.measure != measure_digest(measure)
    if old is None or old.quality != "held" or edited or measure is None:
        raise NotHeld(old, edited)
    if number is not None and number != old.candidate:
        raise AnotherCandidate(old.candidate)
    cycle, answer = _measured(ledger, okrs, measure, old)
    case = case_of(config, okrs, ledger, key_result, now)
    new = complete_value(case, answer, ledger.answers, now, cycle)
    outgoing = deliveries_after(config, ledger, now, {(okrs.period.id, key_result.id): new})
    reason = old.reason or "held"
    ledger.approvals.approve(
        okrs.period.id,
        key_result.id,
        case.definition,
        new,
        reason=reason,
        author=author,
        entered_by=entered_by,
        now=now,
        due=outgoing,
    )
    return Approved(old, new)


def allow(
    ledger: Ledger, okrs: PeriodOkrs, key_result: KeyResult, *, author: str, entered_by: str, now: datetime
) -> Sequence[Delivery]:
    """Lets a key result's refused deliveries overwrite the text that they met, but not a text that was written since.

    The deliveries wait again, and are returned; the result is empty if nothing was refused. The caller holds the
    ledger's lock.
    """
    refused = [
        delivery
        for delivery in ledger.outbox.in_state(_REFUSED)
        if delivery.period == okrs.period.id and delivery.key_result == key_result.id
    ]
    marks_by_place = ledger.outbox.marks({delivery.place for delivery in refused})
    for delivery in refused:
        marks = dict(marks_by_place.get(delivery.place, {}))
        for place, content in (delivery.left_alone or {}).items():
            marks[place] = [*marks.get(place, ()), content]
        ledger.outbox.note({delivery.place: marks})
        ledger.outbox.again([delivery.id], now, f"{signature(author, entered_by)} lets it be written over")
    return refused


def _measured(ledger: Ledger, okrs: PeriodOkrs, measure: Measure, held: KeptValue) -> tuple[int, Answer]:
    """The last cycle that measured the candidate, and its answer.

    If a later cycle without values (a dry run, a killed cycle) changed the rows, it is the cycle that held the value.
    """
    states = [ledger.streams.state(leaf.connection, key) for leaf in leaves(measure) for key in stream_keys(leaf)]
    ended = ledger.cycles.last(pulled=True)
    pulled = [state.completed_cycle for state in states if state and state.completed_cycle is not None]
    latest = min(pulled + ([ended.id] if ended else []), default=held.cycle)
    times = ledger.cycles.times({latest, held.cycle})
    answer = Answer(held.candidate)
    for cycle in (latest, held.cycle):
        if cycle in times:
            answer = answered(ledger.answers, measure, okrs.period, times[cycle], cycle)
            if answer.number == held.candidate:
                return cycle, answer
    return held.cycle, replace(answer, number=held.candidate)
