"""Sources whose streams consist of several lists, called members, such as the projects of a group.

The ids of a member's records begin with the key of the member and a space. The members may change between two pulls: a
member may be renamed, move away, be hidden or become unreadable. `MembersSource` reads one member after the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator

from syncd.sdk.errors import RetryLater, SourceBroken
from syncd.sdk.facts import Json, Lists, Page, Record, Stream
from syncd.sdk.json_client import JsonClient
from syncd.sdk.json_source import JsonSource, updates, whole_list

_MEMORY = "members"
_LOST = (
    "it is no longer listed, and its records stay until it is sure what became of it ({error}); let the credentials "
    "see it again, or {exclude} if it is gone"
)


def _names(patterns: list[str]) -> list[str]:
    for pattern in patterns:
        if not re.fullmatch(r"([\w.*-]+/)*[\w.*-]+", pattern):
            raise ValueError(f"has {pattern!r}; write a name, such as old-site or old-*, or archived, or forks")
    return patterns


ExcludedMembers = Annotated[list[str], AfterValidator(_names)]
"""The members that the stream of a whole group leaves out: their names (`*` stands for any text), and their kinds."""


@dataclass(frozen=True, slots=True)
class Member:
    """A list of a stream, such as a project. The member's `id` does not change when the member is renamed.

    `path` is the member's name for people, without a space. Paths that differ only in case are the same. `url` is the
    address of the member's page. `kinds` are words by which `exclude` may also name the member, such as `archived`.
    `empty` is the reason why the member can have no rows.
    """

    id: int
    path: str
    url: str = ""
    kinds: frozenset[str] = frozenset()
    empty: str | None = None

    @property
    def key(self) -> str:
        """The prefix of the ids of the member's records."""
        return self.path.lower()

    def is_excluded(self, exclude: Collection[str]) -> bool:
        """Whether an entry of `exclude` matches the member's path, or the last part of the path, or names one of its
        kinds.
        """
        return not self.kinds.isdisjoint(exclude) or _is_named(self.key, exclude)


@dataclass(frozen=True, slots=True)
class Members:
    """The members to `read`, and what became of the `lists` of the last pull.

    `alone` says that the stream consists of one member: an error of this member is an error of the stream. `carried`
    are the ids of the members whose records are stored from the last pull; None if this is not known.
    """

    read: Sequence[Member]
    lists: Lists
    alone: bool = False
    carried: frozenset[int] | None = None

    def holds(self, id_: int) -> bool:
        """Whether the mark of a member is valid: the member's records are stored, and its list can have rows."""
        return self.carried is None or id_ in self.carried


def single_member(member: Member, path: str, memory: Mapping[str, Any]) -> Members:
    """The only member of a stream whose `path` is the present or a former path of that member.

    `memory` is the stream's memory. If the path means another member than in the last pull, the records of the earlier
    member are gone.
    """
    before: Mapping[str, int] = memory.get(_MEMORY) or {path.lower(): member.id}
    now = {member.key: member.id}
    renamed = {former: member.key for former, id_ in before.items() if id_ == member.id and former != member.key}
    lists = Lists(renamed, _left(before, now, renamed), memory=_remembered(memory, now))
    return Members([member], lists, alone=True, carried=_carried(before, now, renamed, [member]))


def members_of_group(
    listed: Iterable[Member],
    memory: Mapping[str, Any],
    ask: Callable[[int], Member],
    belongs: Callable[[Member], bool],
    exclude: Collection[str],
) -> Members:
    """The members that the server lists now, and the members that the stream's `memory` has from the last pull.

    A former member that is not listed may be deleted, hidden or moved. `ask` requests such a member by its id, and
    `belongs` says whether the member still belongs to the stream. If the request fails, the member's records stay and
    its list is unread. If another member now has the key of the former member, the former member is gone.
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
    borne = {member.key for member in here.values()}
    lost = {key: id_ for key, id_ in lost.items() if key not in borne}
    unread = {key: why for key, why in unread.items() if key not in borne}
    read = sorted((each for each in here.values() if not each.is_excluded(exclude)), key=lambda member: member.key)
    now = {member.key: member.id for member in read} | lost
    renamed = _renamed(before, {id_: member.key for id_, member in (here | elsewhere).items()})
    lists = Lists(renamed, _left(before, now, renamed), unread, memory=_remembered(memory, now))
    return Members(read, lists, carried=_carried(before, now, renamed, read))


class MembersSource(JsonSource):
    """A source of the records in members' lists. A subclass implements `members` and `records`.

    Each list is sorted by time of update, newest first, except if `is_whole`. The cursor has a mark for each member, by
    the member's id. The mark of a member is the newest update on the first page of its list, as in `NewestFirst`. When
    a member's records leave the stream, the member's mark is deleted too. If the member comes back, its list is read
    from the beginning.

    An open source keeps the memory of each stream. A pull after a census therefore uses the members that the census
    found.
    """

    def __init__(self, api: JsonClient) -> None:
        super().__init__(api)
        self._memories: dict[str, Mapping[str, Json]] = {}
        self._of_census: dict[str, Members] = {}

    def members(self, stream: Stream) -> Members:
        """The members whose lists make up the stream now. Use `single_member` or `members_of_group`."""
        raise NotImplementedError

    def is_whole(self, stream: Stream) -> bool:
        """Whether each pull reads the complete lists, because they are not sorted by update."""
        return False

    def records(self, stream: Stream, member: Member, since: datetime | None) -> Iterator[Sequence[Record]]:
        """The pages of a member's list, down to rows updated at `since`; all pages if `since` is None."""
        raise NotImplementedError

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """The rows of each member that were updated since the member's mark. If `is_whole`, all rows of each member."""
        kept: Mapping[str, Any] = cursor if cursor and cursor.get("url") == self.api.url else {}
        members = self._members(stream)
        shown = [members, self._of_census.pop(stream.key, members)]
        stored: Mapping[str, str] = kept.get("marks") or {}
        marks = {name: mark for name, mark in stored.items() if all(each.holds(int(name)) for each in shown)}
        present: set[str] = set()

        def read(member: Member) -> Iterator[Page]:
            records, name = partial(self.records, stream, member), str(member.id)
            if self.is_whole(stream):
                for page in whole_list(records, None):
                    present.update(page.present or ())
                    yield Page(page.records)
                return
            mark = datetime.fromisoformat(marks[name]) if name in marks else None
            newest = yield from updates(records, stream.since, mark, self.api.now())
            if newest is not None and newest != mark:
                marks[name] = newest.isoformat()
                yield Page(cursor=place())

        def place() -> Mapping[str, Json]:
            return {"url": self.api.url, "marks": dict(marks)}

        unread = yield from _each(members, read, place() if marks != stored else None)
        if self.is_whole(stream):
            yield Page(present=frozenset(present), lists=Lists(unread=unread))

    def census(self, stream: Stream) -> Iterator[Page]:
        """Every row of each member that was updated since the stream's `since`."""
        members = self._of_census[stream.key] = self._members(stream)
        yield from _each(members, lambda member: whole_list(partial(self.records, stream, member), stream.since))

    def _members(self, stream: Stream) -> Members:
        memory = self._memories.get(stream.key, stream.memory)
        members = self.members(replace(stream, memory=memory))
        self._memories[stream.key] = memory if members.lists.memory is None else members.lists.memory
        return members


def _each(
    members: Members, read: Callable[[Member], Iterator[Page]], cursor: Mapping[str, Json] | None = None
) -> Generator[Page, None, Mapping[str, str]]:
    """The pages of each member; the first page has the `cursor`.

    If a member cannot be read, the reason is noted and the other members are read. The pull ends at a rate limit, at
    refused credentials, or if the server fails for two members in a row. Returns the unread members, each with its
    reason.
    """
    empty = {member.key: member.empty for member in members.read if member.empty is not None}
    yield Page(cursor=cursor, lists=replace(members.lists, empty=empty))
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


def _remembered(memory: Mapping[str, Any], now: Mapping[str, int]) -> Mapping[str, Json] | None:
    return None if now == memory.get(_MEMORY) else {**memory, _MEMORY: dict(now)}


def _left(before: Mapping[str, int], now: Mapping[str, int], renamed: Mapping[str, str]) -> frozenset[str]:
    """The keys (after renaming) of former members whose key now belongs to no member or to another member."""
    after = {renamed.get(key, key): id_ for key, id_ in before.items()}
    return frozenset(key for key, id_ in after.items() if now.get(key) != id_)


def _carried(
    before: Mapping[str, int], now: Mapping[str, int], renamed: Mapping[str, str], read: Iterable[Member]
) -> frozenset[int]:
    """The ids of the members that are not empty and whose records are stored under the members' present keys."""
    empty = {member.id for member in read if member.empty is not None}
    after = {id_ for key, id_ in before.items() if now.get(renamed.get(key, key)) == id_}
    return frozenset(after - empty)


def _renamed(before: Mapping[str, int], now: Mapping[int, str]) -> dict[str, str]:
    """The present key of each renamed member, by its former key. A member may take another member's key only if that
    member has a new key.
    """
    moved = {key: now[id_] for key, id_ in before.items() if now.get(id_, key) != key}

    def is_free(key: str, passed: frozenset[str] = frozenset()) -> bool:
        return key not in before or (key in moved and key not in passed and is_free(moved[key], passed | {key}))

    return {key: new for key, new in moved.items() if is_free(new)}
