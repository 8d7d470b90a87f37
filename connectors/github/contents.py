"""Finds the commits that each deployment to an environment brought, by a comparison with the deployment before it.

A deployment brings the commits that it contains and the deployment before it does not. One comparison for each
deployment is therefore enough to find the first deployment with a commit, even after rollbacks and deployments of other
branches. GitHub cannot compare commits that a forced push has lost, or that have no common ancestor.
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
"""The number of digits that syncd stores of a SHA. Twelve digits are enough to tell the commits of a repository
apart.
"""
_EARLIER = 3  # earlier deployments to try, if one of them cannot be compared
_NO_COMPARISON = (404, 409, 422)


def short(sha: str) -> str:
    """The first digits of a SHA, by which commits are compared."""
    return sha[:_SHORT]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A successful deployment. `brought` has the commits that the deployment brought; None if they cannot be found.

    `compared` is False until syncd has requested the comparison.
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
        """Makes the delivery of a deployment that succeeded at `done_at`."""
        return cls(row.id, row.sha, row.created_at, done_at, outcome.conclusion or "")

    @property
    def place(self) -> tuple[datetime, int]:
        """The key for sorting deliveries: the time of the first success, then the id."""
        return self.done_at, self.id

    @property
    def facts(self) -> tuple[int, str, datetime, str]:
        """The facts about the delivery that come from GitHub, without its commits."""
        return self.id, self.sha, self.done_at, self.conclusion

    def as_json(self) -> dict[str, Any]:
        """The delivery in the JSON form for a cursor."""
        times = {"created_at": self.created_at.isoformat(), "done_at": self.done_at.isoformat()}
        return asdict(self) | times

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Delivery:
        """Reads a delivery from its JSON form in a cursor."""
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
        """Compares the deliveries one by one, and yields all of them after each comparison.

        The first delivery only serves to compare the second. `from_the_first` says that the first delivery is the first
        one ever. The first delivery is then compared with the `merges` that it may contain: pairs of time and commit,
        the oldest first.
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
        """The commits that a delivery brought, by a comparison with the deliveries before it; None if they cannot be
        found.
        """
        bases = [before.sha for before in reversed(deliveries[max(0, index - _EARLIER) : index])]
        return self._since(bases, deliveries[index].sha)

    def has(self, head: str, sha: str) -> bool:
        """Whether the commit `head` contains the commit `sha`; False if GitHub cannot compare them."""
        with suppress(_NotComparable):
            return not self._between(head, sha)
        return False

    def _of_first(self, merges: Sequence[str], head: str) -> Sequence[str] | None:
        """The commits of the first delivery: all commits after the oldest of these merges, and each of the merges that
        the delivery contains.
        """
        if not merges:
            return []
        brought = self._since(merges[:1], head)
        if brought is None:
            return None
        # A comparison lists neither its base nor older commits, and any merge of the same second may be the oldest.
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
        """The commits of `head` that a base does not contain. Uses the first base that GitHub can compare with `head`;
        None if GitHub can compare no base.
        """
        for base in dict.fromkeys(bases):
            with suppress(_NotComparable):
                return self._between(base, head)
        # Raises an error if the server refuses every request. Such a refusal shows nothing about the commits.
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
    """The deliveries before the window. The first delivery of the window is compared with the last delivery before the
    window.

    After a rollback across the start of the window, a later deployment brings commits that were already delivered
    before the window. Only such commits are looked up here. These deliveries are compared only when needed.
    """

    def __init__(self, contents: Contents, deliveries: Sequence[Delivery]) -> None:
        self._contents = contents
        self._deliveries = list(deliveries)

    def as_json(self) -> list[dict[str, Any]]:
        """The deliveries in the JSON form for a cursor."""
        return [delivery.as_json() for delivery in self._deliveries]

    def of(self, sha: str, merged_at: datetime) -> Delivery | None:
        """The first of these deliveries that brought a merge commit; None if none did."""
        for index, delivery in enumerate(self._deliveries):
            if delivery.done_at >= merged_at and self._contains(index, sha):
                return delivery
        return None

    def _contains(self, index: int, sha: str) -> bool:
        delivery = self._deliveries[index]
        if index == 0:
            return self._contents.has(delivery.sha, sha)
        if not delivery.compared:
            brought = self._contents.brought(self._deliveries, index)
            delivery = self._deliveries[index] = replace(delivery, brought=brought, compared=True)
        return short(sha) in (delivery.brought or ())


@dataclass(frozen=True, slots=True)
class Delivered:
    """The delivery of a merge. `certain` is False if syncd found the delivery only by its time."""

    delivery: Delivery
    certain: bool


class Index:
    """Finds the first delivery that brought a commit."""

    def __init__(self, deliveries: Sequence[Delivery], before: BeforeWindow, *, from_the_first: bool) -> None:
        self._before = before
        self._by_commit: dict[str, Delivery] = {}
        for delivery in deliveries:
            for sha in delivery.brought or ():
                self._by_commit.setdefault(sha, delivery)
        self._deliveries = deliveries if from_the_first else deliveries[1:]

    def of(self, sha: str | None, merged_at: datetime) -> Delivered | None:
        """The first delivery that brought a merge commit; None if the commit is not delivered yet.

        If GitHub cannot list the commits of a deployment, or does not show the merge commit of a pull request, the
        first deployment created after the merge counts.
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
