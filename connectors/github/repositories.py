"""Finds the repositories of `OWNER/*`, and what happened to repositories that have left the list.

GitHub lists the repositories that the credentials may see. A repository that is missing from this list may be deleted,
moved to another owner, or hidden from these credentials, so syncd requests it separately.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase

from connectors.github.api import Api, NotThere, Refused, parsed
from connectors.github.refusals import WITHHELD
from connectors.github.rows import REPOSITORY, USER, Repository
from connectors.github.settings import GitHubSettings
from connectors.github.walks import steady
from syncd.sdk import Lists, SourceBroken

_BY_CREATION = {"sort": "created", "direction": "asc"}  # a renamed repository keeps its place


@dataclass(frozen=True, slots=True)
class Owned:
    """The repositories of an owner that a pull must `read`, and the changes to the `lists` of the last pull.

    `names` has the ids of all repositories of the owner, by name, including those that cannot be read.
    """

    read: Sequence[Repository]
    lists: Lists
    names: Mapping[str, int | None]


class Repositories:
    """Lists the repositories of owners."""

    def __init__(self, api: Api, settings: GitHubSettings) -> None:
        self._api = api
        self._settings = settings

    def of(self, owner: str, before: Mapping[str, int | None]) -> Owned:
        """The repositories of an organization or a person. `before` has the ids of the repositories of the last pull,
        by name.
        """
        listed, withheld = self._listed(owner)
        names = {repository.key: repository for repository in listed}
        renamed = _renamed(before, {row.id: row.key for row in listed if row.id is not None})
        unread = {f"{owner}/*": WITHHELD} if withheld else {}
        lost: dict[str, int | None] = {}
        for name, id_ in before.items():
            if name in names or name in renamed or self._is_excluded(name):
                continue
            try:
                now = self.alone(name)
            except Refused as error:
                unread[name], lost[name] = _LOST.format(error=error, name=name.partition("/")[2]), id_
                continue
            if now.key.partition("/")[0] == owner.lower():
                names.setdefault(now.key, now)
                renamed |= {name: now.key} if now.key != name else {}
        read = [repository for repository in names.values() if not self._leaves_out(repository)]
        here = {repository.key: repository.id for repository in read} | lost
        left = {new for name, id_ in before.items() if not _is_same(id_, here, new := renamed.get(name, name))}
        return Owned(
            sorted(read, key=lambda repository: repository.full_name), Lists(renamed, frozenset(left), unread), here
        )

    def alone(self, name: str) -> Repository:
        """The repository with this present or former name."""
        _, _, body = self._api.request(f"/repos/{name}", {})
        return parsed(REPOSITORY, body)

    def with_flags(self, name: str) -> Repository:
        """A repository with its flags, requested by its name. If the response lacks the flags, they come from a list of
        repositories.
        """
        repository = self.alone(name)
        if repository.has_issues is None or repository.has_pull_requests is None:
            listed, _ = self._listed(repository.full_name.partition("/")[0])
            return next((row for row in listed if row.key == repository.key), repository)
        return repository

    def _listed(self, owner: str) -> tuple[Sequence[Repository], bool]:
        try:
            return self._rows(f"/orgs/{owner}/repos", {"type": "all"})
        except NotThere:
            pass
        public = f"/users/{owner}/repos", {"type": "owner"}
        if self._settings.app_id is not None:
            # The list of a person's repositories has only public ones. An App may see more, from several owners.
            installed, withheld = self._rows("/installation/repositories", {})
            own = {row.key: row for row in installed if row.key.partition("/")[0] == owner.lower()}
            rows, more_withheld = self._rows(*public)
            return [*({row.key: row for row in rows} | own).values()], withheld or more_withheld
        with suppress(SourceBroken):
            _, _, body = self._api.request("/user", {})
            if parsed(USER, body).login.lower() == owner.lower():
                return self._rows("/user/repos", {"affiliation": "owner"})
        return self._rows(*public)

    def _rows(self, path: str, query: Mapping[str, str]) -> tuple[Sequence[Repository], bool]:
        rows: dict[str, Repository] = {}
        withheld = False
        for reading in steady(self._api, path, {**query, **_BY_CREATION}, "repos"):
            rows, withheld = {}, False
            for answer in reading:
                rows |= {row.key: row for row in answer.rows or []}
                withheld |= answer.withheld
        return [*rows.values()], withheld

    def _leaves_out(self, repository: Repository) -> bool:
        return (
            (repository.archived is True and "archived" in self._settings.exclude)
            or (repository.fork is True and "forks" in self._settings.exclude)
            or self._is_excluded(repository.key)
        )

    def _is_excluded(self, name: str) -> bool:
        patterns = (pattern.lower() for pattern in self._settings.exclude if pattern not in ("archived", "forks"))
        return any(fnmatchcase(name if "/" in pattern else name.partition("/")[2], pattern) for pattern in patterns)


def _is_same(id_: int | None, here: Mapping[str, int | None], name: str) -> bool:
    """Whether the repository with this id still has the name. If an id is unknown, an equal name is enough."""
    return name in here and (id_ is None or here[name] in (None, id_))


def _renamed(before: Mapping[str, int | None], now: Mapping[int, str]) -> dict[str, str]:
    """The present name of each renamed repository, by its former name. Ids show which repositories were renamed.

    A repository can take the name of another repository only after the other one lost the name. If all repositories
    have new ids, as on another server, no repository counts as renamed.
    """
    moved = {name: now[id_] for name, id_ in before.items() if id_ is not None and now.get(id_, name) != name}

    def is_free(name: str, passed: frozenset[str] = frozenset()) -> bool:
        return name not in before or (name in moved and name not in passed and is_free(moved[name], passed | {name}))

    return {name: new for name, new in moved.items() if is_free(new)}


_LOST = (
    "it is no longer listed, and its records stay until it is sure what became of it ({error}); let the credentials "
    "see it again, or write `exclude: [{name}]` on the connection if it is gone"
)
