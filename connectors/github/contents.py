"""Which commits each deployment of an environment brought, by comparing it with the deployment before.

A commit that a deployment contains and the one before does not came with it. So a comparison for each deployment tells
the first that contains a commit, whatever branches and rollbacks lie between. GitHub cannot compare commits that a
forced push has lost, or that have no common ancestor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from connectors.github.api import Api, Refused
from connectors.github.delivery_rows import Deployment, Outcome
from syncd.sdk import RetryLater

_SHORT = 12
"""Digits of a SHA that are kept: enough to tell the commits of a repository apart."""
_EARLIER = 3  # deployments before, in the place of one that cannot be compared with
_NO_COMPARISON = (404, 409, 422)


def short(sha: str) -> str:
    """The digits of a SHA that are compared."""
    return sha[:_SHORT]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A successful deployment. `brought` are the commits that came with it, None if that cannot be told.

    `compared` is False as long as nobody has asked.
    """

    id: int
    sha: str
    created_at: datetime
    done_at: datetime
    conclusion: str
    brought: Sequence[str] | None = None
    compared: bool = False

    @classmethod
    def of(cls, row: Deployment, outcome: Outcome, done_at: datetime) -> Delivery:
        """The delivery of a deployment that succeeded at `done_at`."""
        return cls(row.id, row.sha, row.created_at, done_at, outcome.conclusion or "")

    @property
    def place(self) -> tuple[datetime, int]:
        """What deliveries are sorted by: the first success."""
        return self.done_at, self.id

    @property
    def facts(self) -> tuple[int, str, datetime, str]:
        """What its source tells of it."""
        return self.id, self.sha, self.done_at, self.conclusion

    def as_json(self) -> dict[str, Any]:
        """For a cursor."""
        times = {"created_at": self.created_at.isoformat(), "done_at": self.done_at.isoformat()}
        return asdict(self) | times

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Delivery:
        """From a cursor."""
        times = {name: datetime.fromisoformat(kept[name]) for name in ("created_at", "done_at")}
        return cls(**{**kept, **times})


class Contents:
    """Compares the deliveries of a repository."""

    def __init__(self, api: Api, repo: str) -> None:
        self._api = api
        self._repo = repo

    def compared(
        self, deliveries: Sequence[Delivery], *, from_the_first: bool, merges: Sequence[tuple[datetime, str]]
    ) -> Iterator[list[Delivery]]:
        """The deliveries, with one more compared each time.

        The first is only there to compare the second with, unless it is the first ever: then it is compared with the
        `merges` that may be in it, each the time and the commit, the oldest first.
        """
        done = list(deliveries)
        for index, delivery in enumerate(done):
            if delivery.compared:
                continue
            brought: Sequence[str] | None = []
            if index == 0 and from_the_first:
                brought = self._of_first([sha for at, sha in merges if at <= delivery.done_at], delivery.sha)
            elif index > 0:
                brought = self.brought(done, index)
            done[index] = replace(delivery, brought=brought, compared=True)
            yield done

    def brought(self, deliveries: Sequence[Delivery], index: int) -> Sequence[str] | None:
        """The commits that one of these deliveries brought, by those before it; None if that cannot be told."""
        bases = [before.sha for before in reversed(deliveries[max(0, index - _EARLIER) : index])]
        return self._since(bases, deliveries[index].sha)

    def has(self, head: str, sha: str) -> bool:
        """Whether a commit contains another; False if that cannot be told."""
        with suppress(_NotComparable):
            return not self._between(head, sha)
        return False

    def _of_first(self, merges: Sequence[str], head: str) -> Sequence[str] | None:
        """The commits of the first delivery from the oldest of these merges on, and those of them that are older."""
        if not merges:
            return []
        brought = self._since(merges[:1], head)
        if brought is None:
            return None
        # A comparison lists neither its base nor what led to it: of merges of the same second, any may be the oldest.
        inside = dict.fromkeys(brought)
        outside: set[str] = set()
        for sha in reversed(merges):
            if short(sha) not in inside and short(sha) not in outside:
                with suppress(_NotComparable):
                    missing = self._between(head, sha)
                    outside.update(missing)
                    inside |= {} if missing else {short(sha): None}
        return list(inside)

    def _since(self, bases: Iterable[str], head: str) -> Sequence[str] | None:
        """The commits of `head` that the first base which can be compared does not contain; None if none can."""
        for base in dict.fromkeys(bases):
            with suppress(_NotComparable):
                return self._between(base, head)
        # Nothing is concluded from a server that refuses everything.
        self._api.request(f"/repos/{self._repo}", {})
        return None

    def _between(self, base: str, head: str) -> Sequence[str]:
        if base == head:
            return []
        path = f"/repos/{self._repo}/compare/{base}...{head}"
        shas: dict[str, None] = {}
        try:
            for answer in self._api.pages(path, {}, "compared"):
                shas |= dict.fromkeys(row.sha for row in answer.rows or ())
        except Refused as error:
            if error.status in _NO_COMPARISON:
                raise _NotComparable from None
            raise
        if answer.total is not None and len(shas) < answer.total:
            raise RetryLater(f"it counts {answer.total:,} commits between two deployments and lists {len(shas):,}")
        return [short(sha) for sha in shas]


class _NotComparable(Exception):
    """GitHub cannot compare two commits."""


class BeforeWindow:
    """The deliveries before the window, the last of which is the first that later ones are compared with.

    After a rollback across the start of the window, a later deployment brings again what was delivered before. Only of
    what it brings is asked here, so these deliveries are compared when they are needed.
    """

    def __init__(self, contents: Contents, deliveries: Sequence[Delivery]) -> None:
        self._contents = contents
        self._deliveries = list(deliveries)

    def as_json(self) -> list[dict[str, Any]]:
        """For a cursor."""
        return [delivery.as_json() for delivery in self._deliveries]

    def of(self, sha: str, merged_at: datetime) -> Delivery | None:
        """The first of them that contains a merge commit; None if none does."""
        for index, delivery in enumerate(self._deliveries):
            if delivery.done_at >= merged_at and self._contains(index, sha):
                return delivery
        return None

    def _contains(self, index: int, sha: str) -> bool:
        """Whether one of them contains a commit that the one before does not, or was merged after the one before."""
        delivery = self._deliveries[index]
        if index == 0:
            return self._contents.has(delivery.sha, sha)
        if not delivery.compared:
            brought = self._contents.brought(self._deliveries, index)
            delivery = self._deliveries[index] = replace(delivery, brought=brought, compared=True)
        return short(sha) in (delivery.brought or ())


@dataclass(frozen=True, slots=True)
class Delivered:
    """By which delivery a merge was delivered; not `certain` if only the times tell it."""

    delivery: Delivery
    certain: bool


class Index:
    """Answers which delivery brought a commit first."""

    def __init__(self, deliveries: Sequence[Delivery], before: BeforeWindow, *, from_the_first: bool) -> None:
        self._before = before
        self._by_commit: dict[str, Delivery] = {}
        for delivery in deliveries:
            for sha in delivery.brought or ():
                self._by_commit.setdefault(sha, delivery)
        self._deliveries = deliveries if from_the_first else deliveries[1:]

    def of(self, sha: str | None, merged_at: datetime) -> Delivered | None:
        """How a merge commit was delivered; None if it was not yet.

        Where GitHub cannot tell the commits of a deployment, or the merge commit of a pull request, it is the first
        deployment that was created after the merge.
        """
        delivered = self._since_then(sha, merged_at)
        earlier = self._before.of(sha, merged_at) if delivered is not None and sha is not None else None
        return delivered if earlier is None else Delivered(earlier, certain=True)

    def _since_then(self, sha: str | None, merged_at: datetime) -> Delivered | None:
        if sha is not None and short(sha) in self._by_commit:
            return Delivered(self._by_commit[short(sha)], certain=True)
        for delivery in self._deliveries:
            is_untold = sha is None or (delivery.compared and delivery.brought is None)
            if is_untold and delivery.created_at >= merged_at:
                return Delivered(delivery, certain=False)
        return None
