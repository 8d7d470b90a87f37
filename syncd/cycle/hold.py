"""Decides whether a new number waits for approval: because it is not plausible, or because its stream fell empty."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from syncd.config import Config
from syncd.ledger import KeptValue
from syncd.ledger.members import Fallen
from syncd.okr.goals import KeyResult, PeriodOkrs
from syncd.okr.measures import Leaf, ReadingMeasure, leaves
from syncd.okr.plausible import implausible, shown
from syncd.okr.words import place
from syncd.status.periods import choose_period


class Holding:
    """Judges the new numbers of a period.

    `fallen` are the selections that had many rows at their last measurement and have none now, by measure and the cycle
    of that measurement.
    """

    def __init__(
        self, config: Config, okrs: PeriodOkrs, now: datetime, fallen: Mapping[tuple[Leaf, int], Fallen]
    ) -> None:
        self._config = config
        self._okrs = okrs
        self._now = now
        self._fallen = fallen
        self._repeated = config.settings.held_until == "repeated"

    def why(
        self, key_result: KeyResult, value: KeptValue, last: KeptValue | None, newest: KeptValue | None
    ) -> str | None:
        """Why a value is held, and what can be done about it; None if it is not held.

        `last` is the last value under the same measure, `newest` the last value under any measure.
        """
        reason = self._implausible(key_result, value, last, newest)
        if reason is None:
            return None
        again = ", and so does a second cycle with the same" if self._repeated else ""
        return f"{reason}; `{approval(self._config, self._okrs, key_result, self._now)}` accepts it{again}"

    def _implausible(
        self, key_result: KeyResult, value: KeptValue, last: KeptValue | None, newest: KeptValue | None
    ) -> str | None:
        complete = last if was_measured(last) else None
        if complete is None and not was_measured(newest) and value.number == 0 and not value.counted:
            return None  # a new quarter begins at 0
        if complete is not None and value.number == complete.number:
            return None
        same_measure = last is not None and last is newest  # else `last` is from before an edit
        if same_measure and last and last.quality == "held" and last.candidate == value.number and self._repeated:
            return None
        if complete is not None and complete.confirmed is not None:
            for part in leaves(key_result.measure):
                if (empty := self._fallen.get((part, complete.confirmed))) is not None:
                    what = "readings" if isinstance(part, ReadingMeasure) else "records"
                    where = place(part.part) if isinstance(part, ReadingMeasure) else empty.stream
                    number = "unknown" if value.number is None else shown(value.number)
                    return f"{number} waits: {part.connection}: {where} went from {empty.held:,} {what} to none"
        if key_result.plausible is None:
            return None
        return implausible(key_result.plausible, value.number, complete.number if complete else None)


def was_measured(value: KeptValue | None) -> bool:
    """Whether a value exists, and a cycle measured it or a person approved it."""
    return value is not None and value.confirmed is not None


def approval(config: Config, okrs: PeriodOkrs, key_result: KeyResult, now: datetime) -> str:
    """The command that accepts the candidate of a key result."""
    default = choose_period(config, None, now)
    is_default = default is not None and default.period.id == okrs.period.id
    option = "" if is_default else f" --period {okrs.period.id}"
    return f"syncd approve {key_result.id}{option}"
