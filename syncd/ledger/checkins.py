"""Check-ins: what people reported about key results. A check-in is never changed; a newer one follows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, insert, select

from syncd.ledger.cycles import own_cycle
from syncd.ledger.definitions import Definition
from syncd.ledger.outbox import NewDelivery, post
from syncd.ledger.schema import checkins
from syncd.ledger.values import KeptValue, keep
from syncd.okr.checkins import CheckIn


class CheckIns:
    """Reads check-ins; writes each check-in, and the value that it makes, in one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def check_in(
        self,
        period: str,
        key_result: str,
        checkin: CheckIn,
        makes: tuple[Definition, KeptValue] | None = None,
        due: Sequence[NewDelivery] = (),
    ) -> None:
        """Keeps a check-in. The value that the check-in `makes` becomes the key result's value, in a cycle of its own.

        Deliveries that become `due` go into the outbox. The caller holds the ledger's lock.
        """
        with self._engine.begin() as connection:
            cycle = own_cycle(connection, checkin.at) if makes is not None or due else 0
            post(connection, cycle, checkin.at, due)
            if makes is not None:
                definition, value = makes
                keep(connection, period, cycle, {key_result: (definition, replace(value, confirmed=cycle))})
            row = {field.name: getattr(checkin, field.name) for field in fields(checkin)}
            connection.execute(insert(checkins).values(period=period, key_result=key_result, **row))

    def of(self, period: str, key_result: str, by: datetime) -> Sequence[CheckIn]:
        """Every check-in of a key result by a moment, oldest first."""
        return self.of_period(period, by, key_result).get(key_result, ())

    def of_period(self, period: str, by: datetime, only: str | None = None) -> Mapping[str, Sequence[CheckIn]]:
        """Every check-in of a period by a moment, oldest first, by key result; with `only`, the check-ins of that key
        result.
        """
        query = select(checkins).where(checkins.c.period == period, checkins.c.at <= by).order_by(checkins.c.id)
        if only is not None:
            query = query.where(checkins.c.key_result == only)
        by_key_result: dict[str, list[CheckIn]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                by_key_result.setdefault(row.key_result, []).append(_checkin(row))
        return by_key_result


def _checkin(row: Any) -> CheckIn:
    return CheckIn(row.author, row.at, row.expires_at, row.value, row.note, row.confidence)
