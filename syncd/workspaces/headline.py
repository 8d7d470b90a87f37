"""Summarizes the state of a deployment's teams in a sentence, and sorts the teams by urgency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from syncd.okr.goals import Health
from syncd.sdk.language import gettext as _
from syncd.sdk.language import ngettext
from syncd.status.overview import WORST_FIRST
from syncd.workspaces.overview import WorkspaceOverview


def is_stale(overview: WorkspaceOverview, now: datetime) -> bool:
    """Whether two more syncs have been due since the workspace's last sync."""
    return overview.late_from is not None and overview.late_from < now


def is_failing(overview: WorkspaceOverview) -> bool:
    """Whether the workspace's files are wrong, its ledger cannot be read, or the last pull of a connection was not
    complete.
    """
    return overview.problem is not None or bool(overview.failing)


def worst_first(overviews: Sequence[WorkspaceOverview], now: datetime) -> Sequence[WorkspaceOverview]:
    """Sorts workspaces: first those with a watermelon, then those that fail, are stale, or have an objective off track,
    and so on.
    """

    def urgency(overview: WorkspaceOverview) -> tuple[object, ...]:
        counts = (_has(overview, health) for health in WORST_FIRST[:-2])
        signs = (overview.watermelons, is_failing(overview), is_stale(overview, now), *counts)
        return (*(not sign for sign in signs), overview.name)

    return sorted(overviews, key=urgency)


def headline(overviews: Sequence[WorkspaceOverview], now: datetime) -> str:
    """The state of all teams: `3 of 12 teams have an objective off track. 1 watermelon. 2 fail.`"""
    if not overviews:
        return _("There is no team that you may see.")
    watermelons = sum(overview.watermelons or 0 for overview in overviews)
    failing = sum(is_failing(overview) for overview in overviews)
    stale = sum(is_stale(overview, now) for overview in overviews)
    parts = [_state(overviews)]
    if watermelons:
        parts.append(ngettext("%(num)s watermelon.", "%(num)s watermelons.", watermelons))
    if failing:
        parts.append(ngettext("%(num)s fails.", "%(num)s fail.", failing))
    if stale:
        parts.append(ngettext("%(num)s is stale.", "%(num)s are stale.", stale))
    return " ".join(parts)


def _state(overviews: Sequence[WorkspaceOverview]) -> str:
    count = len(overviews)
    off_track, at_risk = (sum(_has(each, health) for each in overviews) for health in WORST_FIRST[:2])
    scored = sum(any(_has(each, health) for health in WORST_FIRST if health != "unknown") for each in overviews)
    if off_track:
        return ngettext(
            "%(num)s of %(all)s teams has an objective off track.",
            "%(num)s of %(all)s teams have an objective off track.",
            off_track,
            all=count,
        )
    if at_risk:
        return ngettext(
            "%(num)s of %(all)s teams has an objective at risk.",
            "%(num)s of %(all)s teams have an objective at risk.",
            at_risk,
            all=count,
        )
    if not scored:
        return _("No team has a score yet.")
    return ngettext(
        "%(num)s of %(all)s teams is on track.", "%(num)s of %(all)s teams are on track.", scored, all=count
    )


def _has(overview: WorkspaceOverview, health: Health) -> bool:
    """Whether an objective of the workspace has this health."""
    return bool(overview.objectives.get(health))
