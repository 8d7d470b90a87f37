"""The period that a command shows, and the periods that are published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from syncd.config import Config
from syncd.okr.goals import PeriodOkrs


def choose_period(config: Config, period: str | None, now: datetime) -> PeriodOkrs | None:
    """The OKRs of a named period, None if no period has the name; without a name, the OKRs of today's period or, if
    there is none, of the latest.

    If several periods include today, it is the shortest.
    """
    if period is not None:
        return next((okrs for okrs in config.periods if okrs.period.id == period), None)
    current = [okrs for okrs in config.periods if now in okrs.period.span]
    if current:
        return min(current, key=lambda okrs: okrs.period.days)
    return config.periods[-1] if config.periods else None


def published_periods(config: Config, now: datetime) -> Sequence[PeriodOkrs]:
    """The periods that syncd publishes and notifies about: those that include today, shortest first, then those that
    settle.

    If two of them have a key result with the same id, syncd uses the first.
    """
    current = sorted((okrs for okrs in config.periods if now in okrs.period.span), key=lambda okrs: okrs.period.days)
    settling = [
        okrs
        for okrs in reversed(config.periods)
        if okrs.period.span.end <= now < okrs.period.span.end + config.settings.settle
    ]
    return [*current, *settling]
