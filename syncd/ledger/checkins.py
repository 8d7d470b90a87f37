"""Check-ins: what people said of key results, and who that was. None is ever changed: a later one is newer."""

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
    """Reads check-ins; writes each with the value that it makes, if it makes one, in one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def check_in(
        self,
        period: str,
        key_result: str,
        said: CheckIn,
        makes: tuple[Definition, KeptValue] | None = None,
        due: Sequence[NewDelivery] = (),
    ) -> None:
        """Keeps a check-in; what it `makes` is the key result's value from then on, in a cycle of its own.

        What is `due` because of it goes into the outbox. The caller holds the ledger's lock.
        """
        with self._engine.begin() as connection:
            cycle = own_cycle(connection, said.at) if makes is not None or due else 0
            post(connection, cycle, said.at, due)
            if makes is not None:
                definition, value = makes
                keep(connection, period, cycle, {key_result: (definition, replace(value, confirmed=cycle))})
            row = {field.name: getattr(said, field.name) for field in fields(said)}
            connection.execute(insert(checkins).values(period=period, key_result=key_result, **row))

    def of(self, period: str, key_result: str, by: datetime) -> Sequence[CheckIn]:
        """Every check-in that a key result had by a moment, oldest first."""
        return self.of_period(period, by, key_result).get(key_result, ())

    def of_period(self, period: str, by: datetime, only: str | None = None) -> Mapping[str, Sequence[CheckIn]]:
        """Every check-in of a period by a moment, oldest first, by key result; or those of `only` the one."""
        query = select(checkins).where(checkins.c.period == period, checkins.c.at <= by).order_by(checkins.c.id)
        if only is not None:
            query = query.where(checkins.c.key_result == only)
        found: dict[str, list[CheckIn]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                found.setdefault(row.key_result, []).append(_checkin(row))
        return found


def _checkin(row: Any) -> CheckIn:
    return CheckIn(row.author, row.at, row.expires_at, row.value, row.note, row.confidence)
