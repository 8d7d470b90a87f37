"""The period that a command shows, and the periods that are published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from syncd.config import Config
from syncd.okr.goals import Plan


def choose_plan(config: Config, period: str | None, now: datetime) -> Plan | None:
    """The plan of a named period, None if no period has the name; without a name that of today, else the latest.

    If periods overlap today, it is the shortest.
    """
    if period is not None:
        return next((plan for plan in config.plans if plan.period.id == period), None)
    current = [plan for plan in config.plans if now in plan.period.span]
    if current:
        return min(current, key=lambda plan: plan.period.days)
    return config.plans[-1] if config.plans else None


def published_plans(config: Config, now: datetime) -> Sequence[Plan]:
    """The plans whose state is published and notified of: those of today, shortest first, then those that settle.

    If two have a key result of the same id, the first is published and notified of.
    """
    current = sorted((plan for plan in config.plans if now in plan.period.span), key=lambda plan: plan.period.days)
    settling = [
        plan
        for plan in reversed(config.plans)
        if plan.period.span.end <= now < plan.period.span.end + config.settings.settle
    ]
    return [*current, *settling]
