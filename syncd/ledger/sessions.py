"""Sessions of people who logged in, and the tokens that `syncd token` made.

The ledger stores only digests of secrets. Somebody who reads the ledger thus cannot log in with its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, and_, delete, insert, or_, select

from syncd.ledger.access_tables import sessions

ON_THIS_MACHINE = "command line"
"""The value of `login` for a token that `syncd token` made. Such a token is valid for pages that are open to everybody,
without a login.
"""


@dataclass(frozen=True, slots=True)
class Session:
    """A person who logged in, and how. `also` are other names of the same person."""

    name: str
    login: str
    also: Collection[str] = ()
    groups: Collection[str] = ()


def digest_of(secret: str) -> str:
    """The digest under which a secret is stored. A secret has 256 random bits: nobody can guess the secret from its
    digest.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


class Sessions:
    """Reads and writes sessions, each by the digest of its secret."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, secret: str, session: Session, now: datetime, lasts: timedelta, instead_of: str | None) -> None:
        """Stores a session that ends `lasts` after `now`. Ends the session with the secret `instead_of`."""
        self._keep(secret, session, now, now + lasts, sessions.c.digest == digest_of(instead_of or ""))

    def replace(self, secret: str, session: Session, now: datetime) -> None:
        """Stores a session that does not expire. Ends every other session of the same name and login."""
        same = and_(sessions.c.name == session.name, sessions.c.login == session.login)
        self._keep(secret, session, now, None, same)

    def _keep(
        self, secret: str, session: Session, now: datetime, until: datetime | None, ends: ColumnElement[bool]
    ) -> None:
        row = {
            "digest": digest_of(secret),
            "name": session.name,
            "also": sorted(session.also),
            "groups": sorted(session.groups),
            "login": session.login,
            "made_at": now,
            "expires_at": until,
        }
        with self._engine.begin() as connection:
            connection.execute(delete(sessions).where(ends))
            connection.execute(insert(sessions).values(row))

    def of(self, secret: str, now: datetime) -> Session | None:
        """The session with this secret; None if there is none or if it has expired."""
        lives = or_(sessions.c.expires_at.is_(None), sessions.c.expires_at > now)
        with self._engine.connect() as connection:
            row = connection.execute(select(sessions).where(sessions.c.digest == digest_of(secret), lives)).first()
        return Session(row.name, row.login, row.also, row.groups) if row is not None else None

    def end(self, secret: str) -> None:
        """Ends a session at once, for every process."""
        with self._engine.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.digest == digest_of(secret)))

    def prune(self, now: datetime) -> int:
        """Removes expired sessions; returns how many were removed."""
        with self._engine.begin() as connection:
            return connection.execute(delete(sessions).where(sessions.c.expires_at <= now)).rowcount
