"""The days of an exported key result, as readings for the workspace that reads it.

A reading has the day that the value in the exporting workspace describes. If that value is old, the reading is old too.
Days on which the value was not complete have no reading. If the sources of the exporting workspace have dates, a past
day has the number that these sources report now. A restatement in the exporting workspace is therefore a restatement in
the reading workspace too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.config import Config
from syncd.ledger import KeptValue, Ledger
from syncd.okr.checkins import CheckIn
from syncd.okr.checkins import past_values as past_checkin_values
from syncd.okr.goals import KeyResult, PeriodOkrs, Quality
from syncd.okr.past import past_days, past_values
from syncd.okr.spans import midnight
from syncd.sdk import Reading, Snapshot, Unsettled
from syncd.sdk.facts import Between, UnsettledQuality
from syncd.sdk.figures import full_number
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import KeyResultLine, line_of
from syncd.workspaces.exported_keys import ExportedKeys
from syncd.workspaces.exports import another_unit

_DAY, _INSTANT = timedelta(days=1), timedelta(microseconds=1)
_QUALITIES: Mapping[Quality, UnsettledQuality] = {
    "partial": "partial",
    "failed": "failed",
    "stale": "stale",
    "held": "partial",
}
"""The quality of a reading whose value is not complete in the exporting workspace. A held value becomes `partial`,
because only people of the exporting workspace can approve it.
"""


@dataclass(frozen=True, slots=True)
class _Day:
    """The number of a day in the exporting workspace, or the reason why the number is unknown. `measure` is the digest
    of the measure.
    """

    number: float | None
    reason: str | None
    measure: str | None = None


class ExportedDays:
    """Reads the days of a key result of another workspace, as of `now`. `zone` is the time zone of the workspace that
    reads.
    """

    def __init__(self, config: Config, ledger: Ledger, keys: ExportedKeys, now: datetime, zone: ZoneInfo) -> None:
        self._config = config
        self._ledger = ledger
        self._keys = keys
        self._zone = zone
        self._now = now
        of_it = [okrs for okrs in config.periods if keys.key_result in {kr.id for kr in okrs.key_results}]
        self._periods = sorted(of_it, key=lambda okrs: okrs.period.days)

    def snapshot(self, window: Between | None) -> Snapshot:
        """All readings in `window`, or on all days if `window` is None. If the present value in the exporting workspace
        is not complete, the snapshot also has the quality of that value.
        """
        last = self._now if window is None else min(self._now, window[1] - _INSTANT)
        today = last.astimezone(self._zone).date()
        okrs = self._of_day(today)
        if okrs is None:
            workspace, name = self._keys.name, self._keys.key_result
            nothing = f"the workspace {workspace!r} has no {name} on {today}: none of its periods has both"
            return unknown_on(self._keys, nothing, window, self._now, self._zone)
        key_result = okrs.by_id[self._keys.key_result]
        if (problem := another_unit(self._keys, key_result)) is not None:
            return unknown_on(self._keys, problem, window, self._now, self._zone)
        line = line_of(Snapshots(self._config, okrs, self._ledger).now(self._now), key_result)
        if line.quality is None:
            return unknown_on(self._keys, line.reason or "it is unknown there", window, self._now, self._zone)
        first = None if window is None else window[0].astimezone(self._zone).date()
        days: dict[date, Reading] = {}
        for each in self._periods:
            days |= {day: reading for day, reading in self._readings(each, first) if self._of_day(day) is each}
        begins = min(each.period.first for each in self._periods)
        return Snapshot(
            [days[day] for day in sorted(days)],
            between=(midnight(begins, self._zone), midnight(date.max - 2 * _DAY, self._zone)),
            unsettled=self._unsettled(key_result, line),
        )

    def _of_day(self, day: date) -> PeriodOkrs | None:
        """The shortest period of the exporting workspace that has the key result and contains a day."""
        return next((okrs for okrs in self._periods if okrs.period.first <= day <= okrs.period.last), None)

    def _unsettled(self, key_result: KeyResult, line: KeyResultLine) -> Unsettled | None:
        if line.quality is None or line.quality == "complete":
            return None
        last = ""
        if line.value is not None and line.as_of is not None:
            unit = f" {key_result.unit}" if key_result.unit else ""
            last = f"; it was {full_number(line.value)}{unit} as of {line.as_of.astimezone(self._zone).date()}"
        reason = f"{place(self._keys)} is {line.quality} there: {line.reason}{last}"
        return Unsettled(_QUALITIES[line.quality], reason)

    def _readings(self, okrs: PeriodOkrs, first: date | None) -> Iterator[tuple[date, Reading]]:
        """The readings from a period of the exporting workspace, from the day `first` on."""
        key_result = okrs.by_id[self._keys.key_result]
        today = self._now.astimezone(self._zone).date()
        for day, value in self._days(okrs, key_result).items():
            on = min(day, today)
            if first is None or on >= first:
                yield on, _reading(self._keys, on, value, okrs.period.id, key_result.unit, self._zone)

    def _days(self, okrs: PeriodOkrs, key_result: KeyResult) -> Mapping[date, _Day]:
        """The value in the exporting workspace on each day of a period."""
        snapshots = Snapshots(self._config, okrs, self._ledger)
        end = snapshots.now(self._now)
        kept = end.values.get(key_result.id)
        if kept is None:
            return {}
        past = [(day, last + _INSTANT) for day, last in past_days(okrs.period, self._now)]
        states = snapshots.at_ends([day_end for _, day_end in past], [key_result.id])
        days: dict[date, _Day] = {}
        for (day, _), state in zip(past, states, strict=True):
            value = state.values.get(key_result.id)
            line = line_of(state, state.as_defined(key_result))
            days |= self._day(okrs, line, day, value.measure if value is not None else None)
        restated = self._by_sources(okrs, key_result, kept, end.checkins.get(key_result.id, ()))
        days |= _restated(days, restated, kept.measure)
        last_day = min(self._now.astimezone(okrs.period.zone).date(), okrs.period.last)
        return days | self._day(okrs, line_of(end, key_result), last_day, kept.measure)

    def _day(self, okrs: PeriodOkrs, line: KeyResultLine, day: date, measure: str | None) -> dict[date, _Day]:
        """A complete value by the day that it describes. That day is not later than `day`, at whose end the value was
        in force.
        """
        if line.quality != "complete":
            return {}
        of = day if line.as_of is None else min(day, line.as_of.astimezone(okrs.period.zone).date())
        return {max(of, okrs.period.first): _Day(line.value, line.reason, measure)}

    def _by_sources(
        self, okrs: PeriodOkrs, key_result: KeyResult, kept: KeptValue, checkins: Sequence[CheckIn]
    ) -> Sequence[tuple[date, float | None]]:
        """The number that the sources report now for each past day, up to the last cycle that measured the key result;
        empty if the sources have no dates.
        """
        period = okrs.period
        if key_result.measure is None:
            return past_checkin_values(checkins, period, self._now)
        if kept.confirmed is None:
            return ()
        return past_values(self._ledger.answers, key_result.measure, period, self._now, kept.confirmed) or ()


def _restated(
    days: Mapping[date, _Day], by_sources: Sequence[tuple[date, float | None]], measure: str
) -> Iterator[tuple[date, _Day]]:
    """The days for which the sources report a number now. Before the first stored day, only the days on which the
    number changed.
    """
    first, before = min(days, default=date.max), None
    for day, number in by_sources:
        if day in days and days[day].measure == measure and number is not None:
            yield day, _Day(number, days[day].reason if number == days[day].number else None, measure)
        elif day < first and number is not None and number != before:
            yield day, _Day(number, None, measure)
        before = number


def place(keys: ExportedKeys) -> str:
    """The name of the key result in evidence: `search/calls`."""
    return f"{keys.name}/{keys.key_result}"


def unknown_on(keys: ExportedKeys, problem: str, window: Between | None, now: datetime, zone: ZoneInfo) -> Snapshot:
    """A snapshot with an unknown number and the reason. The number is for today, or for the last day of a window that
    has ended. Earlier days stay as they were read.
    """
    last = now if window is None else max(window[0], min(now, window[1] - _INSTANT))
    day = last.astimezone(zone).date()
    start = midnight(day, zone)
    reading = Reading(None, place(keys), "", start, f"no number: {problem}")
    return Snapshot([reading], between=(start, midnight(day + _DAY, zone)))


def unread(keys: ExportedKeys, problem: str) -> Snapshot:
    """A snapshot that says why a key result cannot be read. The pull fails, and the last complete number of the key
    result stays.
    """
    return Snapshot(problem=f"{place(keys)} cannot be read: {problem}")


def _reading(keys: ExportedKeys, day: date, value: _Day, period: str, unit: str | None, zone: ZoneInfo) -> Reading:
    number = "unknown" if value.number is None else full_number(value.number)
    raw = f"{number}{f' {unit}' if unit else ''} in {period}"
    problem = None if value.number is not None else f"no number: {value.reason or 'it is unknown there'}"
    return Reading(value.number, f"{place(keys)} {day}", raw, midnight(day, zone), problem)
