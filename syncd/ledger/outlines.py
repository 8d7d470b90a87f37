"""The versions of objectives and of the settings that judge a period. Every edit of an objective or setting adds a row.

A definition says how a key result is judged; an outline says which key results an objective has, and how they count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select

from syncd.ledger.schema import cycles, outlines
from syncd.okr.goals import Objective

SETTINGS = ""
"""The subject of the outline with a period's settings. Other outlines have an objective's id as their subject."""


@dataclass(frozen=True, slots=True)
class Outline:
    """An objective as its file defines it, without the definitions of its key results. Or the settings that judge a
    period.

    `body` is None from the first cycle that found the objective in no file.
    """

    file: str
    body: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class OutlineVersion:
    """An outline. It is in force from `ended_at`, the end of the cycle that first saw it."""

    subject: str
    cycle: int
    ended_at: datetime
    outline: Outline


def objective_outline(objective: Objective, file: str) -> Outline:
    """The outline of an objective as its file defines it now."""
    body: dict[str, Any] = {
        "title": objective.title,
        "owner": objective.owner,
        "rollup": objective.rollup,
        "supports": objective.supports,
        "weight": objective.weight,
        "key_results": [key_result.id for key_result in objective.key_results],
    }
    if objective.supports_in is not None:
        body["supports_in"] = objective.supports_in
    return Outline(file, body)


def settings_outline(settle: timedelta, held_until: str, file: str) -> Outline:
    """The outline with the settings that judge a period, without its days and health shares. `settle` is stored in
    seconds.
    """
    return Outline(file, {"settle": settle.total_seconds(), "held_until": held_until})


class Outlines:
    """Reads outlines. `keep_outlines` writes them in the transaction that stores a cycle's values."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of_period(self, period: str) -> Sequence[OutlineVersion]:
        """Every outline of a period and its objectives, in the order in which cycles saw the outlines."""
        query = (
            select(outlines, cycles.c.ended_at)
            .join(cycles, cycles.c.id == outlines.c.cycle)
            .where(outlines.c.period == period)
            .order_by(outlines.c.id)
        )
        with self._engine.connect() as connection:
            return [
                OutlineVersion(row.subject, row.cycle, row.ended_at, Outline(row.file, row.body))
                for row in connection.execute(query)
            ]

    def periods(self) -> Collection[str]:
        """The periods that mapping files had at the last sync of all key results."""
        newest = select(func.max(outlines.c.id)).group_by(outlines.c.period, outlines.c.subject).scalar_subquery()
        named = select(outlines.c.period).distinct().where(outlines.c.id.in_(newest), outlines.c.body.is_not(None))
        with self._engine.connect() as connection:
            return connection.execute(named).scalars().all()


def keep_outlines(connection: Connection, period: str, cycle: int, now: Mapping[str, Outline]) -> None:
    """Writes the outlines of a period that differ from the last outline of their subject. `now` has the present
    outlines by subject.

    An objective that is no longer in any file gets an outline without a body. `now` is empty if the period is no longer
    in any file.
    """
    newest = select(func.max(outlines.c.id)).where(outlines.c.period == period).group_by(outlines.c.subject)
    rows = connection.execute(select(outlines).where(outlines.c.id.in_(newest.scalar_subquery())))
    kept = {row.subject: Outline(row.file, row.body) for row in rows}
    changed = {name: outline for name, outline in now.items() if name not in kept or kept[name].body != outline.body}
    left = {
        name: Outline(outline.file, None)
        for name, outline in kept.items()
        if name not in now and outline.body is not None
    }
    new = [
        {"period": period, "subject": name, "cycle": cycle, "file": outline.file, "body": outline.body}
        for name, outline in {**changed, **left}.items()
    ]
    if new:
        connection.execute(insert(outlines), new)
