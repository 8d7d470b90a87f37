"""Sources whose streams are made of several lists, as those of a group are of its projects: its members.

The ids of a member's records begin with its key and a space. Which members there are may change between two pulls:
they are renamed, move away, are hidden or cannot be read. `MembersSource` reads one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from syncd.sdk.errors import RetryLater, SourceBroken
from syncd.sdk.facts import Json, Lists, Page, Record, Stream
from syncd.sdk.json_source import JsonSource, updates, whole_list

_MEMORY = "members"
_LOST = (
    "it is no longer listed, and its records stay until it is sure what became of it ({error}); let the credentials "
    "see it again, or {exclude} if it is gone"
)


@dataclass(frozen=True, slots=True)
class Member:
    """A list of a stream, such as a project. Its `id` stays when it is renamed.

    `path` is its name for people, without a space; names that differ only in case are the same. `url` is its page.
    `kinds` are what `exclude` may call it beside its name, such as `archived`. `empty` says why it can have no rows.
    """

    id: int
    path: str
    url: str = ""
    kinds: frozenset[str] = frozenset()
    empty: str | None = None

    @property
    def key(self) -> str:
        """What the ids of its records begin with."""
        return self.path.lower()

    def is_excluded(self, exclude: Collection[str]) -> bool:
        """Whether a pattern names it, by its path or by the last part of it, or a word what kind of member it is."""
        return not self.kinds.isdisjoint(exclude) or _is_named(self.key, exclude)


@dataclass(frozen=True, slots=True)
class Members:
    """The members to `read`, and what became of the `lists` of the last pull.

    `alone` says that the stream is that single member: what breaks it breaks the stream.
    """

    read: Sequence[Member]
    lists: Lists
    alone: bool = False


def single_member(member: Member, path: str) -> Members:
    """The member of a stream that names it by a path, perhaps by its former one."""
    renamed = {path.lower(): member.key} if path.lower() != member.key else {}
    return Members([member], Lists(renamed), alone=True)


def members_of_group(
    listed: Iterable[Member],
    memory: Mapping[str, Any],
    ask: Callable[[int], Member],
    belongs: Callable[[Member], bool],
    exclude: Collection[str],
) -> Members:
    """The members that the server lists now, and those that the stream's `memory` has from the last pull.

    A former member that is not listed may be deleted, hidden or moved. `ask` asks for it by its id, and `belongs` says
    whether it is one still. If there is no answer, its records stay and its list is unread.
    """
    before: Mapping[str, int] = memory.get(_MEMORY) or {}
    here = {member.id: member for member in listed}
    elsewhere: dict[int, Member] = {}
    unread: dict[str, str] = {}
    lost: dict[str, int] = {}
    for key, id_ in before.items():
        if id_ in here or _is_named(key, exclude):
            continue
        try:
            member = ask(id_)
        except SourceBroken as error:
            if error.status == 401:
                raise
            unread[key], lost[key] = _LOST.format(error=error, exclude=_exclusion(key)), id_
        else:
            (here if belongs(member) else elsewhere)[id_] = member
    read = sorted((each for each in here.values() if not each.is_excluded(exclude)), key=lambda member: member.key)
    now = {member.key: member.id for member in read} | lost
    renamed = _renamed(before, {id_: member.key for id_, member in (here | elsewhere).items()})
    left = frozenset(renamed.get(key, key) for key in before) - now.keys()
    memory = {**memory, _MEMORY: now}
    return Members(read, Lists(renamed, left, unread, memory=None if now == before else memory))


class MembersSource(JsonSource):
    """Records of lists of members. A subclass writes `members` and `records`.

    A list is sorted by update, newest first, unless `is_whole`. The cursor has a mark for each member by its id; the
    marks are those of `NewestFirst`.
    """

    def members(self, stream: Stream) -> Members:
        """The members whose lists make up the stream now."""
        raise NotImplementedError

    def is_whole(self, stream: Stream) -> bool:
        """Whether its lists are read whole each time, because they are not sorted by update."""
        return False

    def records(self, stream: Stream, member: Member, since: datetime | None) -> Iterator[Sequence[Record]]:
        """The pages of a member's list, down to rows updated at `since`; all pages if `since` is None."""
        raise NotImplementedError

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """The rows of every member that were updated since its mark; those without an order all of them."""
        kept: Mapping[str, Any] = cursor if cursor and cursor.get("url") == self.api.url else {}
        marks: dict[str, str] = dict(kept.get("marks") or {})
        present: set[str] = set()

        def read(member: Member) -> Iterator[Page]:
            records, name = partial(self.records, stream, member), str(member.id)
            if self.is_whole(stream):
                for page in whole_list(records, None):
                    present.update(page.present or ())
                    yield Page(page.records)
                return
            mark = datetime.fromisoformat(marks[name]) if name in marks else None
            newest = yield from updates(records, stream.since, mark)
            if newest is not None and newest != mark:
                marks[name] = newest.isoformat()
                yield Page(cursor={"url": self.api.url, "marks": dict(marks)})

        members = self.members(stream)
        unread = yield from _each(members, read)
        if self.is_whole(stream):
            yield Page(present=frozenset(present), lists=Lists(unread=unread))

    def census(self, stream: Stream) -> Iterator[Page]:
        """Every row updated since the stream's `since`."""
        members = self.members(stream)
        yield from _each(members, lambda member: whole_list(partial(self.records, stream, member), stream.since))


def _each(members: Members, read: Callable[[Member], Iterator[Page]]) -> Generator[Page, None, Mapping[str, str]]:
    """The pages of each member. One that cannot be read is unread, with the reason, and the others are read.

    A limit, refused credentials, or a server that fails for two members in a row concern all of them. Returns what is
    unread.
    """
    empty = {member.key: member.empty for member in members.read if member.empty is not None}
    yield Page(lists=replace(members.lists, empty=empty))
    unread, failed = dict(members.lists.unread), False
    for member in members.read:
        if member.empty is not None:
            continue
        try:
            yield from read(member)
            failed = False
            continue
        except RetryLater as error:
            if members.alone or failed or error.after is not None:
                raise
            failed, unread[member.key] = True, str(error)
        except SourceBroken as error:
            if members.alone or error.status == 401:
                raise
            unread[member.key] = f"{error}; if it is not to count, {_exclusion(member.key)}"
        yield Page(lists=Lists(unread={member.key: unread[member.key]}))
    return unread


def _exclusion(key: str) -> str:
    return f"write `exclude: [{key.rpartition('/')[2]}]` on the connection"


def _is_named(key: str, exclude: Collection[str]) -> bool:
    patterns = (pattern.lower() for pattern in exclude)
    return any(fnmatchcase(key if "/" in pattern else key.rpartition("/")[2], pattern) for pattern in patterns)


def _renamed(before: Mapping[str, int], now: Mapping[int, str]) -> dict[str, str]:
    """The former and the present keys. A member may take the key of another only if that one has given it up."""
    moved = {key: now[id_] for key, id_ in before.items() if now.get(id_, key) != key}

    def is_free(key: str, passed: frozenset[str] = frozenset()) -> bool:
        return key not in before or (key in moved and key not in passed and is_free(moved[key], passed | {key}))

    return {key: new for key, new in moved.items() if is_free(new)}
