"""Approvals: the held numbers that people accepted, and who accepted them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, insert, select

from syncd.ledger.cycles import own_cycle
from syncd.ledger.definitions import Definition
from syncd.ledger.outbox import NewDelivery, post
from syncd.ledger.schema import approvals
from syncd.ledger.values import KeptValue, keep
from syncd.okr.spans import Span


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval: the number that a person accepted (None if the number is unknown), and the reason why it was held.

    In the cycle `cycle`, the number became the value. The `author` is the name that the person gave, unchecked.
    `entered_by` is who ran the command or was logged in; it is None in rows of early versions.
    """

    cycle: int
    number: float | None
    reason: str
    author: str
    at: datetime
    entered_by: str | None


class Approvals:
    """Reads approvals; writes each approval and its value in one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def approve(
        self,
        period: str,
        key_result: str,
        definition: Definition,
        value: KeptValue,
        *,
        reason: str,
        author: str,
        entered_by: str,
        now: datetime,
        due: Sequence[NewDelivery] = (),
    ) -> int:
        """Stores an approved value in a new cycle that pulls nothing. Returns the cycle's number.

        `reason` is why the number was held. The deliveries in `due` go into the outbox. The caller must hold the
        ledger's lock.
        """
        with self._engine.begin() as connection:
            cycle = own_cycle(connection, now)
            keep(connection, period, cycle, {key_result: (definition, value)})
            post(connection, cycle, now, due)
            connection.execute(
                insert(approvals).values(
                    period=period,
                    key_result=key_result,
                    cycle=cycle,
                    number=value.number,
                    reason=reason,
                    author=author,
                    at=now,
                    entered_by=entered_by,
                )
            )
        return cycle

    def of(self, period: str, key_result: str, cycle: int) -> Sequence[Approval]:
        """Every approval of a key result up to a cycle, oldest first."""
        query = (
            select(approvals)
            .where(approvals.c.period == period, approvals.c.key_result == key_result, approvals.c.cycle <= cycle)
            .order_by(approvals.c.id)
        )
        with self._engine.connect() as connection:
            return [
                Approval(row.cycle, row.number, row.reason, row.author, row.at, row.entered_by)
                for row in connection.execute(query)
            ]

    def approved(self, period: str, span: Span) -> Collection[str]:
        """The key results of a period that were approved within a span of time."""
        query = (
            select(approvals.c.key_result)
            .where(approvals.c.period == period, approvals.c.at >= span.start, approvals.c.at < span.end)
            .distinct()
        )
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())
