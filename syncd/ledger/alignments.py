"""The verdict and trend of each link from an output to its outcome. A new row is written only when the verdict, the
trend or their data change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select, update

from syncd.ledger.schema import alignments
from syncd.ledger.versions import add_newest, held_at
from syncd.okr.alignment import Verdict
from syncd.okr.trend import Trend

LinkId = tuple[str, str]
"""The ids of a link's output and outcome."""


@dataclass(frozen=True, slots=True)
class KeptAlignment:
    """The verdict and trend of a link. The cycle `cycle` was the first to compute this verdict and trend, and the cycle
    `confirmed` the last.

    `verdict_since` is the day since which every cycle gave this verdict. `since` is the day since which the output is
    on pace, and `delivered` is the output's gain since that day. `trend` is None until computed.
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
        """Whether both rows are equal, apart from their cycles."""
        return _CONTENT(self) == _CONTENT(other)


_CONTENT = attrgetter(*(field.name for field in fields(KeptAlignment) if field.name not in ("cycle", "confirmed")))


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
    """Reads the alignments of links; writes a cycle's alignments in one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, period: str, links: Mapping[LinkId, KeptAlignment]) -> None:
        """Stores the alignments of a cycle. If a link's alignment did not change, only updates `confirmed` of its last
        row.
        """
        if not links:
            return
        with self._engine.begin() as connection:
            kept = _last(connection, period, None)
            rows: list[dict[str, Any]] = []
            confirmed: list[dict[str, Any]] = []
            for (output, outcome), alignment in links.items():
                last = kept.get((output, outcome))
                if last is not None and last.says_what(alignment):
                    link = {"of_period": period, "of_output": output, "of_outcome": outcome}
                    confirmed.append({**link, "of_cycle": last.cycle, "by": alignment.confirmed})
                else:
                    rows.append({"period": period, "output": output, "outcome": outcome, **_row(alignment)})
            if confirmed:
                connection.execute(_CONFIRM, confirmed)
            add_newest(connection, alignments, max((row["cycle"] for row in rows), default=0), rows)

    def last(self, period: str, cycle: int | None = None) -> Mapping[LinkId, KeptAlignment]:
        """The newest alignment of each link of a period, as of now or of the end of a cycle."""
        with self._engine.connect() as connection:
            return _last(connection, period, cycle)


def _last(connection: Connection, period: str, cycle: int | None) -> Mapping[LinkId, KeptAlignment]:
    query = select(alignments).where(alignments.c.period == period, held_at(alignments, cycle))
    return {(row.output, row.outcome): _kept(row) for row in connection.execute(query)}


def _row(alignment: KeptAlignment) -> dict[str, Any]:
    trend = alignment.trend
    return {
        "cycle": alignment.cycle,
        "confirmed": alignment.confirmed,
        "verdict": alignment.verdict,
        "verdict_since": alignment.verdict_since.isoformat(),
        "since": alignment.since.isoformat() if alignment.since else None,
        "lag_days": alignment.lag / timedelta(days=1),
        "delivered": alignment.delivered,
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
