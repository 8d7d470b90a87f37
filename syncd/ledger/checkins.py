"""Check-ins: dated statements of people about key results.

A stored check-in is never changed. To correct a check-in, a person makes a newer check-in or a withdrawal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from syncd.ledger.cycles import own_cycle
from syncd.ledger.definitions import Definition
from syncd.ledger.outbox import NewDelivery, post
from syncd.ledger.schema import checkins, withdrawals
from syncd.ledger.values import KeptValue, keep
from syncd.okr.checkins import CheckIn, Withdrawal


class CheckIns:
    """Reads check-ins; writes each check-in or withdrawal, and the value that follows from it, in one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def check_in(
        self,
        period: str,
        key_result: str,
        checkin: CheckIn,
        makes: tuple[Definition, KeptValue] | None = None,
        due: Sequence[NewDelivery] = (),
        *,
        now: datetime | None = None,
    ) -> int:
        """Stores a check-in; returns its id.

        The value in `makes` becomes the key result's value, in a new cycle. The cycle is dated `now` or, by default,
        the time of the check-in. The deliveries in `due` go into the outbox. The caller must hold the ledger's lock.
        """
        row = {
            "author": checkin.author,
            "at": checkin.at,
            "expires_at": checkin.expires_at,
            "value": checkin.value,
            "note": checkin.note,
            "confidence": checkin.confidence,
            "as_of": checkin.dated,
            "entered_by": checkin.entered_by,
        }
        with self._engine.begin() as connection:
            _keep(connection, period, key_result, now or checkin.at, makes, due)
            new = insert(checkins).values(period=period, key_result=key_result, **row)
            key = connection.execute(new).inserted_primary_key
        assert key is not None
        return int(key[0])

    def withdraw(
        self,
        period: str,
        key_result: str,
        checkin: CheckIn,
        withdrawal: Withdrawal,
        makes: tuple[Definition, KeptValue] | None = None,
        due: Sequence[NewDelivery] = (),
        *,
        now: datetime | None = None,
    ) -> None:
        """Stores the withdrawal of a check-in, as `check_in` stores a check-in."""
        row = {
            "checkin": checkin.id,
            "author": withdrawal.author,
            "at": withdrawal.at,
            "note": withdrawal.note,
            "entered_by": withdrawal.entered_by,
        }
        with self._engine.begin() as connection:
            _keep(connection, period, key_result, now or withdrawal.at, makes, due)
            connection.execute(insert(withdrawals).values(row))

    def of(self, period: str, key_result: str, by: datetime) -> Sequence[CheckIn]:
        """Every check-in of a key result up to a moment, oldest first."""
        return self.of_period(period, by, key_result).get(key_result, ())

    def kept(self, period: str, key_result: str) -> Sequence[CheckIn]:
        """Every check-in of a key result, oldest first. Check-ins dated in the future are included, because another
        machine's clock may be ahead.
        """
        return self.of(period, key_result, datetime.max.replace(tzinfo=UTC))

    def of_period(self, period: str, by: datetime, only: str | None = None) -> Mapping[str, Sequence[CheckIn]]:
        """Maps each key result of a period to its check-ins up to a moment, oldest first. `only` restricts the result
        to one key result.
        """
        withdrawn = (withdrawals.c.checkin == checkins.c.id) & (withdrawals.c.at <= by)
        columns = [
            getattr(withdrawals.c, name).label(f"withdrawn_{name}") for name in ("author", "at", "note", "entered_by")
        ]
        query = (
            select(checkins, *columns)
            .outerjoin(withdrawals, withdrawn)
            .where(checkins.c.period == period, checkins.c.at <= by)
            .order_by(checkins.c.id)
        )
        if only is not None:
            query = query.where(checkins.c.key_result == only)
        by_key_result: dict[str, list[CheckIn]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                by_key_result.setdefault(row.key_result, []).append(_checkin(row))
        return by_key_result


def _keep(
    connection: Connection,
    period: str,
    key_result: str,
    at: datetime,
    makes: tuple[Definition, KeptValue] | None,
    due: Sequence[NewDelivery],
) -> None:
    cycle = own_cycle(connection, at) if makes is not None or due else 0
    post(connection, cycle, at, due)
    if makes is not None:
        definition, value = makes
        keep(connection, period, cycle, {key_result: (definition, replace(value, confirmed=cycle))})


def _checkin(row: Any) -> CheckIn:
    withdrawn = None
    if row.withdrawn_at is not None:
        by, note = row.withdrawn_author, row.withdrawn_note
        withdrawn = Withdrawal(by, row.withdrawn_at, note, row.withdrawn_entered_by)
    return CheckIn(
        row.author,
        row.at,
        row.expires_at,
        row.value,
        row.note,
        row.confidence,
        row.as_of,
        withdrawn,
        row.id,
        row.entered_by,
    )
