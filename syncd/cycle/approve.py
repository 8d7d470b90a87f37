"""Approves a held number: the number becomes the key result's value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from syncd.config import Config
from syncd.cycle.foresee import deliveries_after
from syncd.cycle.refusals import Refused
from syncd.cycle.value import case_of, complete_value
from syncd.ledger import KeptValue, Ledger
from syncd.ledger.definitions import measure_digest
from syncd.okr.answer import Answer
from syncd.okr.facts import answered
from syncd.okr.goals import KeyResult, PeriodOkrs
from syncd.okr.measures import Measure, leaves, stream_keys
from syncd.okr.words import value_figure


class NotHeld(Refused):
    """Raised if a key result has no number that waits for approval. `value` is its present value; None if the key
    result was never measured.
    """

    def __init__(self, key_result: KeyResult, value: KeptValue | None, *, edited: bool) -> None:
        self.value = value
        self.edited = edited
        super().__init__(f"{key_result.id} is not held: {_instead(key_result, value, edited=edited)}")


class AnotherCandidate(Refused):
    """Raised if the number that waits for approval differs from the number that a person wanted to approve."""

    def __init__(self, key_result: KeyResult, candidate: float | None, wanted: float | None) -> None:
        self.candidate = candidate
        waits, other = (value_figure(key_result, number, "an unknown number") for number in (candidate, wanted))
        super().__init__(f"{key_result.id} waits with {waits}, not with {other}")


def _instead(key_result: KeyResult, value: KeptValue | None, *, edited: bool) -> str:
    if edited:
        return "its measure was edited since; the next `syncd sync` measures it again"
    if value is None:
        return "it was not pulled yet; run `syncd sync`"
    reason = f" ({value.reason})" if value.reason else ""
    return f"its value {value_figure(key_result, value.number)} is {value.quality}{reason}"


@dataclass(frozen=True, slots=True)
class Approved:
    """The value before an approval (`old`), and the candidate that became the value (`new`)."""

    old: KeptValue
    new: KeptValue


def held_value(okrs: PeriodOkrs, key_result: KeyResult, ledger: Ledger) -> KeptValue:
    """The held value of a key result, whose candidate may be approved. Raises NotHeld if the value is not held."""
    value = ledger.values.last(okrs.period.id).get(key_result.id)
    edited = value is not None and value.measure != measure_digest(key_result.measure)
    if value is None or value.quality != "held" or edited or key_result.measure is None:
        raise NotHeld(key_result, value, edited=edited)
    return value


def check_candidate(okrs: PeriodOkrs, key_result: KeyResult, ledger: Ledger, candidate: float | None) -> KeptValue:
    """The held value of a key result, if its candidate is this number. Raises NotHeld or AnotherCandidate."""
    value = held_value(okrs, key_result, ledger)
    if value.candidate != candidate:
        raise AnotherCandidate(key_result, value.candidate, candidate)
    return value


def approve(
    config: Config,
    okrs: PeriodOkrs,
    key_result: KeyResult,
    ledger: Ledger,
    *,
    author: str,
    entered_by: str,
    now: datetime,
    candidate: float | None,
) -> Approved:
    """Approves the candidate of a held key result, if the candidate is this number. None stands for an unknown number.

    Raises NotHeld or AnotherCandidate, and then changes nothing. The caller must hold the ledger's lock. The `author`
    is the name that the person gave, unchecked. `entered_by` is who ran the command or is logged in.
    """
    old, measure = check_candidate(okrs, key_result, ledger, candidate), key_result.measure
    assert measure is not None  # a held value has a measure
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


def _measured(ledger: Ledger, okrs: PeriodOkrs, measure: Measure, held: KeptValue) -> tuple[int, Answer]:
    """The last cycle that measured the candidate, and the answer of the measure in this cycle.

    If the rows have changed since without a new value (by a dry run or a killed cycle), returns the cycle that held the
    value.
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
