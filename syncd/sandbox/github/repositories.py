"""The company's repositories by name and id, with methods that add repositories, issues, pull requests and releases."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from itertools import count

from syncd.sandbox.clock import Clock
from syncd.sandbox.github.code import Issue, Item, Pull, Release, Repo, User


class Repositories:
    """All repositories, by id. The methods accept a repository's full name, present or former."""

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self.clock = clock
        self.lock = lock
        self._ids = count(7_000_001)
        self.repos: dict[int, Repo] = {}
        self.renamed: dict[str, int] = {}
        self._users: dict[str, User] = {}
        self.persons: set[str] = set()
        """The owners that are people and not organizations, by name in lower case."""
        self.installed_on = "acme"
        """The owner that the GitHub App is installed on."""

    # -- looking things up

    def repo(self, full_name: str) -> Repo:
        """The repository with this present or former name, ignoring case. Raises KeyError if there is none."""
        for repo in self.repos.values():
            if repo.full_name.lower() == full_name.lower():
                return repo
        return self.repos[self.renamed[full_name.lower()]]

    def issue(self, full_name: str, number: int) -> Issue:
        """The issue with this number. Raises KeyError if the number is unused, or belongs to a pull request."""
        item = self.repo(full_name).items[number]
        if not isinstance(item, Issue):
            raise KeyError(f"{full_name}#{number} is a pull request")
        return item

    def pull(self, full_name: str, number: int) -> Pull:
        """The pull request with this number. Raises KeyError if the number is unused, or belongs to an issue."""
        item = self.repo(full_name).items[number]
        if not isinstance(item, Pull):
            raise KeyError(f"{full_name}#{number} is an issue")
        return item

    def user(self, login: str) -> User:
        """The account with this login. A new login creates a new account."""
        with self.lock:
            return self._users.setdefault(login, User(501 + len(self._users), login))

    def kind(self, owner: str) -> str:
        """The owner's type in rows of repositories: `User` or `Organization`."""
        return "User" if owner.lower() in self.persons else "Organization"

    # -- adding things

    def add_repo(
        self,
        full_name: str,
        *,
        at: datetime | None = None,
        archived: bool = False,
        fork: bool = False,
        private: bool = True,
    ) -> Repo:
        """Adds an empty repository."""
        owner, name = full_name.split("/")
        with self.lock:
            moment = self._when(at)
            repo = Repo(next(self._ids), owner, name, moment, moment, archived=archived, fork=fork, private=private)
            self.repos[repo.id] = repo
            self.renamed.pop(full_name.lower(), None)  # once a repository has a former name, it no longer redirects
            return repo

    def add_issue(
        self,
        full_name: str,
        title: str = "Something is wrong",
        *,
        author: str = "ana",
        labels: Iterable[str] = (),
        milestone: str | None = None,
        type: str | None = None,
        at: datetime | None = None,
    ) -> Issue:
        """Adds an open issue."""
        with self.lock:
            repo, moment = self.repo(full_name), self._when(at)
            issue = Issue(next(self._ids), repo.next_number(), title, self.user(author), moment, moment)
            issue.labels, issue.milestone, issue.type = [repo.label(name) for name in labels], milestone, type
            self._put(repo, issue)
            return issue

    def add_pull(
        self,
        full_name: str,
        title: str = "Change something",
        *,
        author: str = "ana",
        base: str = "main",
        head: str | None = None,
        draft: bool = False,
        labels: Iterable[str] = (),
        milestone: str | None = None,
        committed: Iterable[datetime] = (),
        at: datetime | None = None,
    ) -> Pull:
        """Adds an open pull request. Without `committed`, its only commit has the time at which the pull request is
        opened.
        """
        with self.lock:
            repo, moment = self.repo(full_name), self._when(at)
            pull = Pull(next(self._ids), repo.next_number(), title, self.user(author), moment, moment)
            pull.issue_id, pull.base, pull.head, pull.draft = next(self._ids), base, head, draft
            pull.committed = list(committed) or [moment]
            pull.labels, pull.milestone = [repo.label(name) for name in labels], milestone
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
        """Adds a release. A draft has no publication date until `publish_release` publishes it."""
        with self.lock:
            repo, moment = self.repo(full_name), self._when(at)
            release = Release(next(self._ids), tag, self.user(author), moment, None if draft else moment)
            release.draft, release.prerelease = draft, prerelease
            repo.releases[release.id] = release
            repo.version += 1
            return release

    def publish_release(self, full_name: str, tag: str, *, at: datetime | None = None) -> Release:
        """Publishes a draft. Raises KeyError if no release has this tag."""
        with self.lock:
            repo = self.repo(full_name)
            release = {release.tag: release for release in repo.releases.values()}[tag]
            release.draft, release.published_at = False, self._when(at)
            repo.version += 1
            return release

    # -- helpers of every change

    def _when(self, at: datetime | None) -> datetime:
        """The time `at`, or if it is None the time for a new change, in full seconds like GitHub's times."""
        return (at or self.clock.tick()).replace(microsecond=0)

    def _put(self, repo: Repo, item: Item) -> None:
        repo.items[item.number] = item
        repo.version += 1

    def _touch(self, full_name: str, item: Item, moment: datetime) -> None:
        item.updated_at = max(item.updated_at, moment)
        item.rows.clear()
        repo = self.repo(full_name)
        repo.version += 1
