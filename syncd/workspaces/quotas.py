"""Quotas shared by all processes that use a deployment's database: a row for each credential, in the control schema.

The key of a row is an HMAC, so that people who read the database do not learn credentials, and cannot verify guesses.
"""

from __future__ import annotations

import hmac
import math
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import Engine, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from syncd.ledger import LedgerError
from syncd.sdk import RetryLater
from syncd.sdk.quota import Account, Credential, Quota, Refused, Seen, Use, refuse
from syncd.workspaces.control_tables import keys, quotas

_PURPOSE = "quotas"


class StoredQuotas:
    """The quotas in the control schema of a deployment, for a workspace. Each request costs two short transactions."""

    def __init__(self, engine: Callable[[], Engine], user: str = "") -> None:
        """`engine` returns the present engine of the control schema, which is a new engine after the database could not
        be reached.
        """
        self._engine = engine
        self._user = user

    def for_user(self, user: str) -> StoredQuotas:
        """The same quotas, for another workspace."""
        return StoredQuotas(self._engine, user)

    def of(self, credential: Credential) -> Quota:
        """The quota of a credential."""
        return _Stored(self, credential)

    def begin(self, credential: Credential, *, waited: bool) -> None:
        """Counts the beginning of a request with a credential. Raises RetryLater if the request must wait, or if the
        database does not respond.
        """
        refused: tuple[Refused, datetime] | None = None

        def after(account: Account, now: datetime) -> Account:
            nonlocal refused
            result = account.begun(self._user, now, waited=waited)
            if isinstance(result, Refused):
                refused = result, now
                return result.account
            return result

        try:
            self._change(credential, after)
        except LedgerError as error:
            raise RetryLater(f"what its quota leaves cannot be read: {error}") from error
        if refused is not None:
            refuse(*refused)

    def end(self, credential: Credential, seen: Seen | None) -> Account | None:
        """Counts the end of a request with a credential. Returns the account after the request; None if the database
        does not respond.
        """
        with suppress(LedgerError):
            return self._change(credential, lambda account, now: account.ended(seen, now))
        return None

    def _change(self, credential: Credential, after: Callable[[Account, datetime], Account]) -> Account:
        """Changes the account of a credential while its row is locked."""
        name = self._name(credential)
        of_it = quotas.c.credential == name
        with self._engine().begin() as connection:
            query = select(quotas, func.clock_timestamp().label("now")).where(of_it).with_for_update()
            row = connection.execute(query).one_or_none()
            if row is None:
                first = insert(quotas).values(credential=name, open=0, uses={}).on_conflict_do_nothing()
                connection.execute(first)
                row = connection.execute(query).one_or_none()
                assert row is not None
            account = after(_account(row), row.now)
            connection.execute(update(quotas).where(of_it).values(**_columns(account)))
        return account

    def _name(self, credential: Credential) -> str:
        text = orjson.dumps([credential.kind, credential.server, credential.account, credential.secret])
        return hmac.digest(self._key, text, "sha256").hex()

    @cached_property
    def _key(self) -> bytes:
        """The deployment's random key for these HMACs. The first process that needs the key creates it."""
        with self._engine().begin() as connection:
            first = insert(keys).values(name=_PURPOSE, key=secrets.token_bytes(32)).on_conflict_do_nothing()
            connection.execute(first)
            return bytes(connection.execute(select(keys.c.key).where(keys.c.name == _PURPOSE)).scalar_one())


@dataclass(slots=True)
class _Stored:
    """The quota of a credential. Once an answer shows that the server does not send a quota, later requests are not
    counted.
    """

    quotas: StoredQuotas
    credential: Credential
    silent: bool = False

    def begin(self, *, waited: bool) -> None:
        if not self.silent:
            self.quotas.begin(self.credential, waited=waited)

    def end(self, seen: Seen | None) -> None:
        if not self.silent or seen is not None:
            account = self.quotas.end(self.credential, seen)
            self.silent = account is not None and math.isinf(account.limit)


def _account(row: Row[Any]) -> Account:
    left, limit = (math.inf if number is None else number for number in (row.left, row.limit))
    uses = {
        name: Use(now, math.inf if need == "share" else need, refused)
        for name, (now, need, refused) in row.uses.items()
    }
    return Account(left, limit, row.reset_at, row.open, uses)


def _columns(account: Account) -> dict[str, Any]:
    left, limit = (None if math.isinf(number) else number for number in (account.left, account.limit))
    uses = {
        name: [use.now, "share" if use.need == math.inf else use.need, use.refused]
        for name, use in account.uses.items()
    }
    return {"left": left, "limit": limit, "reset_at": account.reset, "open": account.open, "uses": uses}
