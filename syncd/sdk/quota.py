"""What a credential may still request, whoever uses it: its server's quota, less a reserve, fairly among its users.

Fair means: in a window of the quota, each user can make as many requests as it made in the window before, at most an
equal share. A user that is new, or was refused a request, can make a whole equal share. Requests that nobody is
expected to need by these rules go to whoever asks first. A user is a workspace.
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
"""The share of a quota that is left to the people who use the same credentials."""

_SAME_WINDOW = timedelta(seconds=5)  # servers and clocks round


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential as it is configured: the kind of connection, the server, and what identifies it there.

    `account` identifies it without a secret (an App and its installation, a service account); else `secret` does.
    """

    kind: str
    server: str = field(repr=False)
    account: str | None = None
    secret: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class QuotaLeft:
    """How many requests a quota leaves, of how many, until it is renewed at `reset`."""

    left: float
    limit: float
    reset: datetime

    @property
    def share(self) -> float:
        """The share of the quota that is left, from 0 to 1."""
        return min(max(self.left / self.limit, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the headers of an answer show of the quota; `wait` is the number of seconds until it is renewed."""

    left: float
    limit: float
    wait: float


@dataclass(frozen=True, slots=True)
class Use:
    """The requests of a user in this window, and what it needs in it: None if it is not known yet."""

    now: int = 0
    need: float | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of a credential's quota. `open` requests have begun, and no answer has counted them yet.

    `left` and `limit` are infinite until an answer has shown them; `reset` is None until then, and from the moment at
    which a window has ended to the first answer in the next.
    """

    left: float = math.inf
    limit: float = math.inf
    reset: datetime | None = None
    open: int = 0
    uses: Mapping[str, Use] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The equal share of each user in a window."""
        return (1 - RESERVE) * self.limit / max(1, len(self.uses))

    def begun(self, user: str, now: datetime, *, waited: bool = False) -> Account | Refused:
        """The account after a request of a user begins; Refused if the request must wait. One that has `waited` as long
        as the server asked for is never refused, and none before an answer has shown the quota of this window: if every
        request waited for that, none would bring it.
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
        """The account in the window of now."""
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
    """The account after a request was refused; `by_reserve` if only what is kept for people is left."""

    account: Account
    by_reserve: bool


class Quota(Protocol):
    """The quota of a credential, as a user of it asks for it. Any thread may."""

    def begin(self, *, waited: bool) -> None:
        """A request begins. RetryLater if it must wait; never if it has `waited` as long as the server asked for."""

    def end(self, seen: Seen | None) -> None:
        """A request ended; `seen` is what the headers of the newest answer show, None if they show no quota."""


class Quotas(Protocol):
    """The quotas of all credentials, for one user."""

    def of(self, credential: Credential) -> Quota:
        """The quota of a credential."""


class ProcessQuotas:
    """Quotas that are shared by the connections, and the workspaces, of a process."""

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
        """A request with a credential begins. RetryLater if it must wait."""
        now = self._now()
        with self._lock:
            after = self._accounts.get(credential, Account()).begun(self._user, now, waited=waited)
            self._accounts[credential] = after.account if isinstance(after, Refused) else after
        refuse(after, now)

    def end(self, credential: Credential, seen: Seen | None) -> None:
        """A request with a credential ended."""
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
    """RetryLater if a request was refused, with the time of the next window."""
    if not isinstance(after, Refused):
        return
    account = after.account
    assert account.reset is not None  # only what an answer showed refuses a request
    wait = max(0.0, (account.reset - now).total_seconds())
    if after.by_reserve:
        raise RetryLater(kept_for_people(account.left, account.limit), wait)
    raise RetryLater(
        "its share of the quota is used up, and other workspaces with the same credentials need theirs", wait
    )


def kept_for_people(left: float, limit: float) -> str:
    """That only the reserve of a quota is left."""
    return f"{left:,.0f} of {limit:,.0f} requests are left, which are kept for people who use the same credentials"
