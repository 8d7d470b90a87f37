"""What was found of each link from an output to its outcome: a row wherever it changed, none where not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, func, insert, select, update

from syncd.ledger.schema import alignments
from syncd.okr.alignment import Verdict
from syncd.okr.trend import Trend

LinkId = tuple[str, str]
"""(output, outcome), by their ids."""


@dataclass(frozen=True, slots=True)
class KeptAlignment:
    """A link as a cycle found it. `cycle` found it first, `confirmed` last.

    `verdict_since` is the first day of the unbroken run of this verdict, as cycles saw it; `since` the first day of the
    output's run on pace, and `delivered` what its value gained since that day. `trend` is None until it was looked at.
    """

    verdict: Verdict
    verdict_since: date
    since: date | None
    lag: timedelta
    delivered: float | None
    trend: Trend | None
    cycle: int
    confirmed: int

    def says_what(self, other: KeptAlignment) -> bool:
        """Whether the two differ in nothing but the cycles that found them."""
        return replace(self, cycle=other.cycle, confirmed=other.confirmed) == other


_CONFIRM = (
    update(alignments)
    .where(
        alignments.c.period == bindparam("of_period"),
        alignments.c.output == bindparam("of_output"),
        alignments.c.outcome == bindparam("of_outcome"),
        alignments.c.cycle == bindparam("of_cycle"),
    )
    .values(confirmed=bindparam("by"))
)


class Alignments:
    """Reads what was found of links; writes what a cycle found in one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, period: str, found: Mapping[LinkId, KeptAlignment]) -> None:
        """Keeps what a cycle found. What says what the last row said moves that one's confirmation."""
        if not found:
            return
        with self._engine.begin() as connection:
            kept = _last(connection, period, None)
            rows: list[dict[str, Any]] = []
            confirmed: list[dict[str, Any]] = []
            for (output, outcome), one in found.items():
                last = kept.get((output, outcome))
                if last is not None and last.says_what(one):
                    named = {"of_period": period, "of_output": output, "of_outcome": outcome}
                    confirmed.append({**named, "of_cycle": last.cycle, "by": one.confirmed})
                else:
                    rows.append({"period": period, "output": output, "outcome": outcome, **_row(one)})
            if confirmed:
                connection.execute(_CONFIRM, confirmed)
            if rows:
                connection.execute(insert(alignments), rows)

    def last(self, period: str, cycle: int | None = None) -> Mapping[LinkId, KeptAlignment]:
        """The newest row of each link of a period, as of now or of a cycle."""
        with self._engine.connect() as connection:
            return _last(connection, period, cycle)


def _last(connection: Connection, period: str, cycle: int | None) -> Mapping[LinkId, KeptAlignment]:
    link = (alignments.c.output, alignments.c.outcome)
    newest = select(*link, func.max(alignments.c.cycle).label("cycle")).where(alignments.c.period == period)
    if cycle is not None:
        newest = newest.where(alignments.c.cycle <= cycle)
    latest = newest.group_by(*link).subquery()
    query = (
        select(alignments)
        .join(
            latest,
            (alignments.c.output == latest.c.output)
            & (alignments.c.outcome == latest.c.outcome)
            & (alignments.c.cycle == latest.c.cycle),
        )
        .where(alignments.c.period == period)
    )
    return {(row.output, row.outcome): _kept(row) for row in connection.execute(query)}


def _row(one: KeptAlignment) -> dict[str, Any]:
    trend = one.trend
    return {
        "cycle": one.cycle,
        "confirmed": one.confirmed,
        "verdict": one.verdict,
        "verdict_since": one.verdict_since.isoformat(),
        "since": one.since.isoformat() if one.since else None,
        "lag_days": one.lag / timedelta(days=1),
        "delivered": one.delivered,
        "trend": asdict(trend) | {"since": trend.since.isoformat() if trend.since else None} if trend else None,
    }


def _kept(row: Any) -> KeptAlignment:
    trend = row.trend
    return KeptAlignment(
        row.verdict,
        date.fromisoformat(row.verdict_since),
        date.fromisoformat(row.since) if row.since else None,
        timedelta(days=row.lag_days),
        row.delivered,
        Trend(**trend | {"since": date.fromisoformat(trend["since"]) if trend["since"] else None}) if trend else None,
        row.cycle,
        row.confirmed,
    )
