"""Makes the complete value of a key result from an answer: its standing, and the day since which it is on pace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from syncd.config import Config
from syncd.ledger import Definition, DefinitionVersion, KeptValue, Ledger
from syncd.ledger.definitions import definition
from syncd.okr.alignment import Terms, on_pace_since
from syncd.okr.answer import Answer
from syncd.okr.checkins import CheckIn
from syncd.okr.facts import Facts
from syncd.okr.goals import ON_PACE, KeyResult, PeriodOkrs, guard_id, guarded, standing
from syncd.status.past_days import KeptHistory, past_of


@dataclass(frozen=True, slots=True)
class Case:
    """A key result that gets a value: the terms by which it is judged, and its data in the ledger.

    `last` is its last value under the same measure, and `guard` the value of its guard. `checkins` is empty if the key
    result has a measure. `versions` are its definitions; empty if it drives no outcome or was never edited.
    `guard_history` reads the stored values of its guard.
    """

    terms: Terms
    definition: Definition
    last: KeptValue | None
    guard: KeptValue | None = None
    checkins: Sequence[CheckIn] = ()
    versions: Sequence[DefinitionVersion] = ()
    guard_history: Callable[[], KeptHistory] = tuple

    @property
    def key_result(self) -> KeyResult:
        """The key result."""
        return self.terms.key_result


def case_of(config: Config, okrs: PeriodOkrs, ledger: Ledger, key_result: KeyResult, now: datetime) -> Case:
    """Reads the case of a key result from the ledger."""
    period = okrs.period
    defined = definition(key_result, period, config.shares, config.file_of(period.id, key_result.id))
    kept = ledger.values.last(period.id)
    last = kept.get(key_result.id)
    digests = {key_result.id: defined.digest} if key_result.drives else {}
    return Case(
        Terms(key_result, period, config.shares),
        defined,
        last if last is not None and last.measure == defined.measure else None,
        kept.get(guard_id(key_result.id)),
        ledger.checkins.of(period.id, key_result.id, now) if key_result.measure is None else (),
        ledger.definitions.redefined(period.id, digests).get(key_result.id, ()) if digests else (),
        lambda: ledger.values.history(period.id, guard_id(key_result.id)),
    )


def complete_value(
    case: Case, answer: Answer, facts: Facts, now: datetime, cycle: int, *, goes_on: bool = False
) -> KeptValue:
    """The value that follows from a measure's answer, judged as of now.

    With `goes_on`, nothing has changed since the last value, and a key result that is still on pace keeps its first day
    on pace.
    """
    key_result, span, shares = case.key_result, case.terms.period.span, case.terms.shares
    stands = standing(key_result, answer.number, span, now, shares)
    if key_result.guard is not None and case.guard is not None:
        guard = standing(key_result.guard, case.guard.number, span, now, shares)
        stands = replace(stands, health=guarded(stands, guard, "").health)
    since: date | None = None
    if stands.health in ON_PACE:
        if goes_on and case.last is not None and case.last.health in ON_PACE:
            since = case.last.since
        else:
            since = _since(case, facts, now)
    return KeptValue(
        number=answer.number,
        progress=stands.progress,
        score=stands.score,
        health=stands.health,
        quality="complete",
        reason=answer.reason or stands.reason,
        at=answer.at,
        counted=answer.counted,
        lacking=answer.lacking,
        since=since,
        measure=case.definition.measure,
        cycle=cycle,
        confirmed=cycle,
    )


def _since(case: Case, facts: Facts, now: datetime) -> date | None:
    """The day since which the key result is on pace; None if it drives no outcome. The day comes from the dates of its
    sources or check-ins, or otherwise from the last value.
    """
    key_result, terms = case.key_result, case.terms
    if not key_result.drives:
        return None
    past = past_of(facts, terms, now, case.checkins, case.versions, case.guard_history)
    if past is None and case.last is not None and case.last.since is not None:
        return case.last.since
    days, guard, earlier = (past.values, past.guard, past.terms) if past else ((), {}, {})
    return on_pace_since(key_result, terms.period, now, terms.shares, days, guard, earlier)
