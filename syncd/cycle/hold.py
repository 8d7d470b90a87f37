"""Decides whether a new number waits for approval. It waits if it is not plausible, or if its stream lost all or most
of its rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from syncd.config import Config
from syncd.ledger import KeptValue
from syncd.ledger.members import Loss
from syncd.okr.goals import KeyResult, PeriodOkrs
from syncd.okr.measures import Leaf, ReadingMeasure, leaves
from syncd.okr.plausible import implausible
from syncd.okr.words import place
from syncd.sdk.figures import full_number
from syncd.status.periods import choose_period


class Holding:
    """Judges the new numbers of a period.

    `losses` maps a measure, and the cycle that last measured it, to a stream that has lost all or most of its rows
    since this cycle.
    """

    def __init__(
        self, config: Config, okrs: PeriodOkrs, now: datetime, losses: Mapping[tuple[Leaf, int], Loss]
    ) -> None:
        self._config = config
        self._okrs = okrs
        self._now = now
        self._losses = losses
        self._repeated = config.settings.held_until == "repeated"

    def why(
        self, key_result: KeyResult, value: KeptValue, last: KeptValue | None, newest: KeptValue | None
    ) -> str | None:
        """The reason why a value is held, and the ways to end the hold, as a sentence for people; None if the value is
        not held.

        `last` is the last value under the same measure; `newest` is the last value under any measure.
        """
        reason, ends = self._implausible(key_result, value, last, newest)
        if reason is None:
            return None
        if self._repeated:
            ends = ", and so does a second cycle with the same"
        return f"{reason}; `{approval(self._config, self._okrs, key_result, self._now)}` accepts it{ends}"

    def _implausible(
        self, key_result: KeyResult, value: KeptValue, last: KeptValue | None, newest: KeptValue | None
    ) -> tuple[str | None, str]:
        """The reason why a value is held, or None. Also the words for another way to end the hold besides an approval,
        or an empty text.
        """
        complete = last if was_measured(last) else None
        if complete is None and not was_measured(newest) and value.number == 0 and not value.counted:
            return None, ""  # a new quarter begins at 0
        if complete is not None and value.number == complete.number:
            return None, ""
        same_measure = last is not None and last is newest  # otherwise `last` is from before an edit
        if same_measure and last and last.quality == "held" and last.candidate == value.number and self._repeated:
            return None, ""
        if complete is not None and complete.confirmed is not None:
            for part in leaves(key_result.measure):
                if (loss := self._losses.get((part, complete.confirmed))) is not None:
                    what = "readings" if isinstance(part, ReadingMeasure) else "records"
                    where = place(part.part) if isinstance(part, ReadingMeasure) else loss.stream
                    number = "unknown" if value.number is None else full_number(value.number)
                    reason = f"{number} waits: {part.connection}: {where} went from {loss.before:,} {what} to"
                    if not loss.now:
                        return f"{reason} none", ""
                    return f"{reason} {loss.now:,} at once", ", and so do two reconciliations in a row that agree"
        if key_result.plausible is None:
            return None, ""
        return implausible(key_result.plausible, value.number, complete.number if complete else None), ""


def was_measured(value: KeptValue | None) -> bool:
    """Whether there is a value that was measured by a cycle or approved by a person."""
    return value is not None and value.confirmed is not None


def approval(config: Config, okrs: PeriodOkrs, key_result: KeyResult, now: datetime) -> str:
    """The command that accepts the candidate of a key result."""
    default = choose_period(config, None, now)
    is_default = default is not None and default.period.id == okrs.period.id
    option = "" if is_default else f" --period {okrs.period.id}"
    option += f" --workspace {config.workspace.name}" if config.workspace is not None else ""
    return f"syncd approve {key_result.id}{option}"
