"""Shares the quota of a credential among its users. A user is a workspace. A reserve of the quota is kept for people.

In each window of the quota, a user may make as many requests as in the window before, but at most an equal share. A
user that is new, or that was refused a request, may make a full equal share. Any user may make the requests that these
rules leave over.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from syncd.sdk.errors import RetryLater

RESERVE = 0.1
"""The share of a quota that syncd leaves to people who use the same credentials."""

_SAME_WINDOW = timedelta(seconds=5)  # servers and clocks round times


@dataclass(frozen=True, slots=True)
class Credential:
    """A configured credential: the kind of connection, the server, and the identity of the credential there.

    `account` identifies the credential without a secret (an App and its installation, a service account). If there is
    no `account`, `secret` identifies it.
    """

    kind: str
    server: str = field(repr=False)
    account: str | None = None
    secret: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class QuotaLeft:
    """A quota of `limit` requests. `left` of them may still be made until the quota is renewed at `reset`."""

    left: float
    limit: float
    reset: datetime

    @property
    def share(self) -> float:
        """The share of the quota that is left, from 0 to 1."""
        return min(max(self.left / self.limit, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Seen:
    """The quota in the headers of an answer; `wait` is the number of seconds until the quota is renewed."""

    left: float
    limit: float
    wait: float


@dataclass(frozen=True, slots=True)
class Use:
    """`now` is the number of a user's requests in this window. `need` is the number of requests that the user needs;
    None if it is not known yet.
    """

    now: int = 0
    need: float | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """The state of a credential's quota. `open` is the number of requests that have begun and have no answer yet.

    `left` and `limit` are infinite until an answer has shown them. `reset` is None until an answer has shown it.
    `reset` is None again from the end of a window to the first answer in the next window.
    """

    left: float = math.inf
    limit: float = math.inf
    reset: datetime | None = None
    open: int = 0
    uses: Mapping[str, Use] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The equal share of each user in a window, as a number of requests."""
        return (1 - RESERVE) * self.limit / max(1, len(self.uses))

    def begun(self, user: str, now: datetime, *, waited: bool = False) -> Account | Refused:
        """The account after a user has begun a request; Refused if the request must wait.

        A request that has `waited` as long as the server asked for is never refused. Before an answer has shown the
        quota of this window, no request is refused, because only an answer shows the quota.
        """
        account = self._renewed(now)
        account = account._with(user, account.uses.get(user, Use()))
        use = account.uses[user]
        if not waited and account.reset is not None:
            free = account.left - RESERVE * account.limit
            others = sum(
                max(0.0, account._need(other) - other.now) for name, other in account.uses.items() if name != user
            )
            if free < 1 or (free - others < 1 and use.now >= account._need(use)):
                return Refused(account._with(user, replace(use, refused=True)), free < 1)
        left = account.left - 1
        return replace(account._with(user, replace(use, now=use.now + 1)), left=left, open=account.open + 1)

    def ended(self, seen: Seen | None, now: datetime) -> Account:
        """The account after a request ended; `seen` is None if its answer showed no quota."""
        account = self._renewed(now)
        still_open = max(0, account.open - 1)
        if seen is None:
            return replace(account, open=still_open)
        reset = now + timedelta(seconds=seen.wait)
        if account.reset is not None and reset > account.reset + _SAME_WINDOW:
            account = account._next_window()
        return replace(account, left=seen.left - still_open, limit=seen.limit, reset=reset, open=still_open)

    def _renewed(self, now: datetime) -> Account:
        if self.reset is None or now < self.reset:
            return self
        return replace(self._next_window(), left=self.limit, reset=None, open=0)

    def _next_window(self) -> Account:
        uses = {
            name: Use(need=math.inf if use.refused else float(use.now))
            for name, use in self.uses.items()
            if use.now or use.refused
        }
        return replace(self, uses=uses)

    def _need(self, use: Use) -> float:
        return self.share if use.need is None else min(self.share, use.need)

    def _with(self, user: str, use: Use) -> Account:
        return replace(self, uses={**self.uses, user: use})


@dataclass(frozen=True, slots=True)
class Refused:
    """The account after a request was refused. `by_reserve` says whether only the reserve for people is left."""

    account: Account
    by_reserve: bool


class Quota(Protocol):
    """The quota of a credential, for one user. Any thread may call its methods."""

    def begin(self, *, waited: bool) -> None:
        """Notes that a request begins. Raises RetryLater if the request must wait.

        A request that has `waited` as long as the server asked for does not have to wait again.
        """

    def end(self, seen: Seen | None) -> None:
        """Notes that a request ended. `seen` is the quota in the headers of the newest answer; None without a quota."""


class Quotas(Protocol):
    """The quotas of all credentials, for one user."""

    def of(self, credential: Credential) -> Quota:
        """The quota of a credential."""


class ProcessQuotas:
    """Quotas that all connections and workspaces of a process share."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC), user: str = "") -> None:
        self._now = now
        self._user = user
        self._accounts: dict[Credential, Account] = {}
        self._lock = threading.Lock()

    def for_user(self, user: str) -> ProcessQuotas:
        """The same quotas, for another user."""
        other = ProcessQuotas(self._now, user)
        other._accounts, other._lock = self._accounts, self._lock
        return other

    def of(self, credential: Credential) -> Quota:
        """The quota of a credential."""
        return _InProcess(self, credential)

    def begin(self, credential: Credential, *, waited: bool) -> None:
        """Notes that a request with a credential begins. Raises RetryLater if the request must wait."""
        now = self._now()
        with self._lock:
            after = self._accounts.get(credential, Account()).begun(self._user, now, waited=waited)
            self._accounts[credential] = after.account if isinstance(after, Refused) else after
        refuse(after, now)

    def end(self, credential: Credential, seen: Seen | None) -> None:
        """Notes that a request with a credential ended."""
        with self._lock:
            self._accounts[credential] = self._accounts.get(credential, Account()).ended(seen, self._now())


@dataclass(frozen=True, slots=True)
class _InProcess:
    quotas: ProcessQuotas
    credential: Credential

    def begin(self, *, waited: bool) -> None:
        self.quotas.begin(self.credential, waited=waited)

    def end(self, seen: Seen | None) -> None:
        self.quotas.end(self.credential, seen)


def refuse(after: Account | Refused, now: datetime) -> None:
    """Raises RetryLater if a request was refused. The error has the wait until the next window."""
    if not isinstance(after, Refused):
        return
    account = after.account
    assert account.reset is not None  # a request is refused only after an answer has shown the quota
    wait = max(0.0, (account.reset - now).total_seconds())
    if after.by_reserve:
        raise RetryLater(kept_for_people(account.left, account.limit), wait)
    raise RetryLater(
        "its share of the quota is used up, and other workspaces with the same credentials need theirs", wait
    )


def kept_for_people(left: float, limit: float) -> str:
    """The message that only the reserve of a quota is left."""
    return f"{left:,.0f} of {limit:,.0f} requests are left, which are kept for people who use the same credentials"
