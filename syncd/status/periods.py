"""Chooses the period that a command shows, the periods that are published, and the periods that the ledger has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from syncd.config import Config
from syncd.ledger import Ledger
from syncd.okr.goals import PeriodOkrs


def choose_period(config: Config, period: str | None, now: datetime) -> PeriodOkrs | None:
    """The OKRs of a named period; None if no period has the name. Without a name, the OKRs of the period that includes
    today, else of the latest period.

    If several periods include today, the shortest is chosen.
    """
    if period is not None:
        return next((okrs for okrs in config.periods if okrs.period.id == period), None)
    current = [okrs for okrs in config.periods if now in okrs.period.span]
    if current:
        return min(current, key=lambda okrs: okrs.period.days)
    return config.periods[-1] if config.periods else None


def published_periods(config: Config, now: datetime) -> Sequence[PeriodOkrs]:
    """The periods that syncd publishes and notifies about. Periods that include today come first, the shortest of them
    first. Periods that settle follow.

    If two of these periods have a key result with the same id, syncd uses the key result of the first period.
    """
    current = sorted((okrs for okrs in config.periods if now in okrs.period.span), key=lambda okrs: okrs.period.days)
    settling = [
        okrs
        for okrs in reversed(config.periods)
        if okrs.period.span.end <= now < okrs.period.span.end + config.settings.settle
    ]
    return [*current, *settling]


def every_period(config: Config, ledger: Ledger | None) -> Iterator[PeriodOkrs]:
    """The periods of the files, and the periods that left the files. A period that left the files is returned only with
    its days, as the ledger stored them last.

    A period that left the files is missing if an early version stored its definitions without its days.
    """
    yield from config.periods
    if ledger is not None:
        for name in sorted(ledger.moves.periods() - {okrs.period.id for okrs in config.periods}):
            if (days := ledger.definitions.last(name).days(name)) is not None:
                yield PeriodOkrs(days, ())
