"""The company's code host: every repository, and what people do to the issues, pull requests and releases in it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from itertools import count

from syncd.sandbox.clock import Clock
from syncd.sandbox.code import Issue, Item, Pull, Reason, Release, Repo, User


class CodeHost:
    """Every repository by id; names are looked up, old ones too. All methods take a repository's full name."""

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self._clock = clock
        self._lock = lock
        self._ids = count(7_000_001)
        self.repos: dict[int, Repo] = {}
        self.renamed: dict[str, int] = {}
        self._users: dict[str, User] = {}

    # -- looking things up

    def repo(self, full_name: str) -> Repo:
        """By its present name, or one that it had, in any case."""
        for repo in self.repos.values():
            if repo.full_name.lower() == full_name.lower():
                return repo
        return self.repos[self.renamed[full_name.lower()]]

    def issue(self, full_name: str, number: int) -> Issue:
        """KeyError if there is none, or if that number is a pull request."""
        item = self.repo(full_name).items[number]
        if not isinstance(item, Issue):
            raise KeyError(f"{full_name}#{number} is a pull request")
        return item

    def pull(self, full_name: str, number: int) -> Pull:
        """KeyError if there is none, or if that number is an issue."""
        item = self.repo(full_name).items[number]
        if not isinstance(item, Pull):
            raise KeyError(f"{full_name}#{number} is an issue")
        return item

    def user(self, login: str) -> User:
        """The account of that login, made when first seen."""
        with self._lock:
            return self._users.setdefault(login, User(501 + len(self._users), login))

    # -- making things

    def add_repo(self, full_name: str, *, at: datetime | None = None, archived: bool = False) -> Repo:
        """A new, empty repository."""
        owner, name = full_name.split("/")
        with self._lock:
            moment = self._when(at)
            repo = Repo(next(self._ids), owner, name, moment, moment, archived=archived)
            self.repos[repo.id] = repo
            return repo

    def add_issue(
        self,
        full_name: str,
        title: str = "Something is wrong",
        *,
        author: str = "ana",
        labels: Iterable[str] = (),
        milestone: str | None = None,
        at: datetime | None = None,
    ) -> Issue:
        """A new, open issue."""
        with self._lock:
            repo, moment = self.repo(full_name), self._when(at)
            issue = Issue(next(self._ids), repo.next_number(), title, self.user(author), moment, moment)
            issue.labels, issue.milestone = list(labels), milestone
            self._put(repo, issue)
            return issue

    def add_pull(
        self,
        full_name: str,
        title: str = "Change something",
        *,
        author: str = "ana",
        base: str = "main",
        draft: bool = False,
        labels: Iterable[str] = (),
        milestone: str | None = None,
        at: datetime | None = None,
    ) -> Pull:
        """A new, open pull request."""
        with self._lock:
            repo, moment = self.repo(full_name), self._when(at)
            pull = Pull(next(self._ids), repo.next_number(), title, self.user(author), moment, moment)
            pull.issue_id, pull.base, pull.draft = next(self._ids), base, draft
            pull.labels, pull.milestone = list(labels), milestone
            self._put(repo, pull)
            return pull

    def add_release(
        self,
        full_name: str,
        tag: str,
        *,
        author: str = "ana",
        draft: bool = False,
        prerelease: bool = False,
        at: datetime | None = None,
    ) -> Release:
        """A draft has no publication date until `publish_release`."""
        with self._lock:
            repo, moment = self.repo(full_name), self._when(at)
            release = Release(next(self._ids), tag, self.user(author), moment, None if draft else moment)
            release.draft, release.prerelease = draft, prerelease
            repo.releases[release.id] = release
            repo.version += 1
            return release

    def publish_release(self, full_name: str, tag: str, *, at: datetime | None = None) -> Release:
        """Makes a draft a release."""
        with self._lock:
            repo = self.repo(full_name)
            release = next(one for one in repo.releases.values() if one.tag == tag)
            release.draft, release.published_at = False, self._when(at)
            repo.version += 1
            return release

    # -- changing issues

    def close_issue(
        self, full_name: str, number: int, reason: Reason | None = "completed", *, at: datetime | None = None
    ) -> None:
        """Closes it for that reason."""
        with self._lock:
            issue, moment = self.issue(full_name, number), self._when(at)
            issue.state, issue.closed_at, issue.state_reason = "closed", moment, reason
            self._touch(full_name, issue, moment)

    def reopen_issue(
        self, full_name: str, number: int, *, keep_closed_at: bool = False, at: datetime | None = None
    ) -> None:
        """`keep_closed_at` leaves the date set, as GitHub's recorded `issues.reopened` payload shows it."""
        with self._lock:
            issue, moment = self.issue(full_name, number), self._when(at)
            issue.state, issue.state_reason = "open", "reopened"
            if not keep_closed_at:
                issue.closed_at = None
            self._touch(full_name, issue, moment)

    def delete_issue(self, full_name: str, number: int) -> None:
        """Its address answers 410 from now on, and lists are silent about it."""
        with self._lock:
            repo = self.repo(full_name)
            del repo.items[self.issue(full_name, number).number]
            repo.deleted.add(number)
            repo.version += 1

    def transfer_issue(self, full_name: str, number: int, to: str, *, at: datetime | None = None) -> Issue:
        """The issue leaves with its history and gets a new number and a new id there."""
        with self._lock:
            source, target, issue = self.repo(full_name), self.repo(to), self.issue(full_name, number)
            del source.items[number]
            source.version += 1
            issue.number, issue.id = target.next_number(), next(self._ids)
            source.transferred[number] = (target.id, issue.number)
            target.items[issue.number] = issue
            self._touch(to, issue, self._when(at))
            return issue

    # -- changing pull requests

    def merge_pull(self, full_name: str, number: int, *, at: datetime | None = None) -> None:
        """Merges and closes it."""
        with self._lock:
            pull, moment = self.pull(full_name, number), self._when(at)
            pull.state, pull.closed_at, pull.merged_at, pull.draft = "closed", moment, moment, False
            self._touch(full_name, pull, moment)

    def close_pull(self, full_name: str, number: int, *, at: datetime | None = None) -> None:
        """Closes it without merging."""
        with self._lock:
            pull, moment = self.pull(full_name, number), self._when(at)
            pull.state, pull.closed_at = "closed", moment
            self._touch(full_name, pull, moment)

    def reopen_pull(self, full_name: str, number: int, *, at: datetime | None = None) -> None:
        """ValueError for a merged one."""
        with self._lock:
            pull, moment = self.pull(full_name, number), self._when(at)
            if pull.merged_at is not None:
                raise ValueError("a merged pull request cannot be reopened")
            pull.state, pull.closed_at = "open", None
            self._touch(full_name, pull, moment)

    # -- changing either, and repositories

    def label(self, full_name: str, number: int, name: str, *, at: datetime | None = None) -> None:
        """Puts a label on an issue or a pull request."""
        with self._lock:
            item = self.repo(full_name).items[number]
            if name not in item.labels:
                item.labels.append(name)
            self._touch(full_name, item, self._when(at))

    def unlabel(self, full_name: str, number: int, name: str, *, at: datetime | None = None) -> None:
        """Takes a label off."""
        with self._lock:
            item = self.repo(full_name).items[number]
            item.labels.remove(name)
            self._touch(full_name, item, self._when(at))

    def touch(self, full_name: str, number: int, *, at: datetime | None = None) -> None:
        """Somebody commented: nothing but `updated_at` moves."""
        with self._lock:
            self._touch(full_name, self.repo(full_name).items[number], self._when(at))

    def rename_repo(self, full_name: str, new_name: str) -> None:
        """From now on the old name answers with a redirect."""
        with self._lock:
            repo = self.repo(full_name)
            self.renamed[repo.full_name.lower()] = repo.id
            repo.name = new_name
            repo.version += 1
            for item in repo.items.values():
                item.rows.clear()

    def _when(self, at: datetime | None) -> datetime:
        """GitHub's times have whole seconds."""
        return (at or self._clock.tick()).replace(microsecond=0)

    def _put(self, repo: Repo, item: Item) -> None:
        repo.items[item.number] = item
        repo.version += 1

    def _touch(self, full_name: str, item: Item, moment: datetime) -> None:
        item.updated_at = max(item.updated_at, moment)
        item.rows.clear()
        repo = self.repo(full_name)
        repo.version += 1
