"""What was known of a plan at a moment: its report, judged by the definitions in force, and the values behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.config import Config
from syncd.explain.history import judged_as
from syncd.ledger import KeptValue, Ledger
from syncd.ledger.definitions import as_defined
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import KeyResult, Plan, guard_id
from syncd.status.report import KeyResultLine, Report, line_of, report, report_of
from syncd.status.snapshot import kept_at

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What was known at a moment, `at`; `last` is the last instant that counts for it.

    `cycle` is the last that had ended by then, 0 before the first. `times` says when the cycles that confirmed the
    values ended.
    """

    at: datetime
    last: datetime
    report: Report
    kept: Mapping[str, KeptValue]
    times: Mapping[int, datetime]
    cycle: int


def known_now(config: Config, plan: Plan, ledger: Ledger | None, now: datetime) -> Known:
    """What is known now."""
    found = report(config, plan, ledger, now)
    last = ledger.cycles.last() if ledger else None
    if ledger is None or last is None:
        return Known(now, now, found, {}, {}, 0)
    kept = ledger.values.last(plan.period.id)
    return Known(now, now, found, kept, _times(ledger, kept), last.id)


def known_at(config: Config, plan: Plan, ledger: Ledger | None, at: datetime) -> Known:
    """What was known before a past moment, such as the midnight at which a day ended."""
    by = at - _INSTANT
    last = ledger.cycles.last(by=by) if ledger else None
    kept = kept_at(ledger, plan, last) if ledger and last else {}
    times = _times(ledger, kept) if ledger else {}
    said = ledger.checkins.of_period(plan.period.id, by) if ledger else {}
    lines = {
        kr.id: _line(config, plan, kr, ledger, last.id if last else 0, kept, times, at, said.get(kr.id, ()))
        for kr in plan.key_results
    }
    links = ledger.alignments.last(plan.period.id, last.id) if ledger and last else {}
    synced = ledger.cycles.last(by=by, pulled=True) if ledger else None
    found = report_of(config, plan, lines, kept, links, synced.ended_at if synced else None, at)
    return Known(at, by, found, kept, times, last.id if last else 0)


def _line(
    config: Config,
    plan: Plan,
    kr: KeyResult,
    ledger: Ledger | None,
    cycle: int,
    kept: Mapping[str, KeptValue],
    times: Mapping[int, datetime],
    at: datetime,
    checkins: Sequence[CheckIn],
) -> KeyResultLine:
    own = {name: kept[name] for name in (kr.id, guard_id(kr.id)) if name in kept}
    definitions = ledger.values.definitions(plan.period.id, kr.id, cycle) if ledger and own else ()
    then = as_defined(kr, definitions[-1]["body"]) if definitions else kr
    return line_of(config, plan, then, judged_as(own, then), times, at, checkins)


def _times(ledger: Ledger, kept: Mapping[str, KeptValue]) -> Mapping[int, datetime]:
    return ledger.cycles.times({value.confirmed for value in kept.values() if value.confirmed is not None})
