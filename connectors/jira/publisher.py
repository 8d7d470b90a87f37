"""Writes check-ins to issues: the parts of a check-in to fields of the issue, and a comment that syncd updates.

syncd reads an issue by its key, which still works after the issue was moved, and writes it by its id. syncd recognizes
its own comment by the last line and the author. It never changes other people's comments, not even a copy of its own
comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from connectors.jira.answers import Account, Comment, CommentPage, MyPermissions, WrittenComment
from connectors.jira.audience import audience, is_restricted
from connectors.jira.client import Client, Method, Refused
from connectors.jira.markup import decoded, encoded, unescaped
from connectors.jira.screen import FieldValues, Opened, Screen, Slot, find_slot
from connectors.jira.settings import JiraPublish, JiraSettings, shared
from syncd.sdk import (
    Content,
    Context,
    Json,
    RetryLater,
    Scalar,
    SourceBroken,
    Stated,
    Statement,
    Summary,
    Written,
)
from syncd.sdk.block import health, lines

T = TypeVar("T")
_COMMENT = "comment"
_PER_PAGE = 100  # comments; the default of Cloud
_NO_PERMISSION = re.compile(r"\b(?:do|does) not have (?:the )?permission\b", re.IGNORECASE)
_NUMBERS = frozenset({"value", "baseline", "target", "progress", "score", "expected", "confidence"})


@dataclass(frozen=True, slots=True)
class _Issue:
    """The issue of a target: its id, its name for people, and the field for each place."""

    id: str
    name: str
    slots: Mapping[str, Slot]


class JiraPublisher(Client):
    """Writes to issues of an opened site. Requests each issue and its edit screen only once."""

    together = False
    appends = False

    def __init__(self, settings: JiraSettings, context: Context, keys: JiraPublish) -> None:
        super().__init__(settings, context)
        self._keys = keys
        self._stated: Mapping[str, Stated] = {_place(field): stated for stated, field in keys.fields.items()}
        self._issues: dict[str, _Issue] = {}  # by the key in the configuration
        self._former: dict[str, Sequence[str]] = {}  # the ids that a key result had before, newest first
        self._comments: dict[str, Comment | None] = {}  # syncd's comment, by key result, as last read
        self._me: Account | None = None

    def content(self, statement: Statement | Summary) -> Content:
        """The value of each field, and the text of the comment."""
        assert isinstance(statement, Statement)
        self._former[statement.key_result] = statement.former
        values = statement.content(self._stated.values())
        content = {
            place: _field_value(statement, name, values[name]) for place, name in self._stated.items() if name in values
        }
        if self._keys.comment:
            content[_COMMENT] = decoded(encoded("\n".join([*lines(statement), _mark(statement.key_result)])))
        return content

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Written]:
        """The content of the fields of each issue, and of syncd's comment on it."""
        return {name: self._read(name, content) for name, content in wanted.items()}

    def write(self, contents: Mapping[str, Content]) -> None:
        """Writes the fields of an issue in one request, and its comment in another."""
        for name, content in contents.items():
            issue = self._issues[self._keys.issues[name]]
            slots = issue.slots
            fields = {slots[place].id: slots[place].to_json(content[place]) for place in content if place in slots}
            if fields:
                self._write(issue, "PUT", self._quietly(""), {"fields": fields}, type(None), "Edit Issues")
            if (text := content.get(_COMMENT)) is not None:
                ours = self._comments[name]
                body = {"body": encoded(str(text)), **audience(self._keys, ours)}
                if ours is None:
                    self._write(issue, "POST", "/comment", body, WrittenComment, "Add Comments")
                else:
                    path = self._quietly(f"/comment/{ours.id}")
                    self._write(issue, "PUT", path, body, WrittenComment, "Edit Own Comments")

    def lacks(self, key_result: str) -> str | None:
        """Names the permissions that the account lacks on an issue; None if it lacks none. The edit screen shows which
        fields the account may edit, but does not show whether the account may comment.
        """
        issue = self._find(self._keys.issues[key_result])
        needed = {"EDIT_ISSUES": "Edit Issues"} if self._keys.fields else {}
        if self._keys.comment:
            needed |= {"ADD_COMMENTS": "Add Comments", "EDIT_OWN_COMMENTS": "Edit Own Comments"}
        params = {"issueId": issue.id, "permissions": ",".join(needed)}
        try:
            mine = self._ask(lambda: self._jira._get_json("mypermissions", params=params), MyPermissions).permissions
        except Refused:  # a scoped token may not request permissions
            return None
        lacking = [name for key, name in needed.items() if key in mine and not mine[key].have_permission]
        return f"the account lacks {' and '.join(lacking)} on {issue.name}; grant it" if lacking else None

    def _read(self, name: str, wanted: Content) -> Written:
        issue = self._find(self._keys.issues[name])
        content: dict[str, Scalar | None] = {}
        where: dict[str, str] = {}
        slots = {place: slot for place, slot in issue.slots.items() if place in wanted}
        for place, slot in slots.items():
            slot.check(wanted[place])
            where[place] = f"{issue.name}'s {slot.name}"
        if slots:
            ids = ",".join(sorted(slot.id for slot in slots.values()))
            current = self._look(issue, "", {"fields": ids}, FieldValues)
            for place, slot in slots.items():
                content[place] = slot.from_json(current.value(slot.id), number=self._stated[place] in _NUMBERS)
        if _COMMENT in wanted:
            ours = self._own_comment(issue, name)
            self._comments[name] = ours
            text = decoded(ours.body) if ours else None
            # A comment with the right text that too many people see counts as missing, so that it is written again.
            too_open = ours is not None and text == wanted[_COMMENT] and not is_restricted(self._keys, ours)
            content[_COMMENT] = None if too_open else text
            where[_COMMENT] = f"syncd's comment on {issue.name}"
        return Written(content, where)

    def _quietly(self, path: str) -> str:
        """The path of an edit. The path has the parameter with which Jira sends no notifications, if `publish:` asks
        for this. Jira has no such parameter for new comments.
        """
        return path if self._keys.notify else f"{path}?notifyUsers=false"

    def _find(self, key: str) -> _Issue:
        if key not in self._issues:
            fields = "summary,project" if self._keys.internal else "summary"
            params = {"fields": fields, **({"expand": "editmeta"} if self._keys.fields else {})}
            with _about(key, "Browse Projects"):
                opened = self._ask(lambda: self._jira._get_json(f"issue/{key}", params=params), Opened)
            name = opened.named(key)
            if self._keys.internal and opened.has_customers is False:
                restrict = "write visibility: {role: …} instead, or leave it out"
                raise SourceBroken(f"{name} is in no service project, so internal hides nothing there; {restrict}")
            slots: dict[str, Slot] = {}
            if self._keys.fields:
                screen = opened.editmeta or self._screen(opened.id, key)
                slots = {_place(field): find_slot(name, screen, field) for field in self._keys.fields.values()}
            for field, names in shared((slot.name, slot.id) for slot in slots.values()):
                same = " and ".join(map(repr, names))
                raise SourceBroken(f"{same} are the same field of {name}, {field}; name a field for each")
            self._issues[key] = _Issue(opened.id, name, slots)
        return self._issues[key]

    def _screen(self, id: str, key: str) -> Screen:
        """The edit screen, requested from its own address, because the response about the issue left it out."""
        with _about(key, "Browse Projects"):
            return self._ask(lambda: self._jira._get_json(f"issue/{id}/editmeta"), Screen)

    def _all_comments(self, issue: _Issue) -> Iterator[Comment]:
        """The comments on an issue. Raises RetryLater if the comments changed while they were read, because syncd's own
        comment may then be missing.
        """
        seen: set[str] = set()
        total: int | None = None
        while total is None or len(seen) < total:
            params: dict[str, Any] = {"startAt": len(seen), "maxResults": _PER_PAGE}
            params |= {"expand": "properties"} if self._keys.internal else {}
            page = self._look(issue, "/comment", params, CommentPage)
            fresh = [comment for comment in page.comments if comment.id not in seen]
            if total not in (None, page.total) or (not fresh and len(seen) < page.total):
                raise RetryLater(f"the comments of {issue.name} changed while they were read")
            total = page.total
            seen.update(comment.id for comment in fresh)
            yield from fresh

    def _own_comment(self, issue: _Issue, name: str) -> Comment | None:
        """syncd's comment for a key result. If there is none, the comment for the newest of the key result's former
        ids that has one.
        """
        former = self._former.get(name, ())
        of_former: dict[str, Comment] = {}
        for comment in self._all_comments(issue):
            if self._is_ours(comment, name):
                return comment
            for old in former:
                if self._is_ours(comment, old):
                    of_former.setdefault(old, comment)
        return next((of_former[old] for old in former if old in of_former), None)

    def _is_ours(self, comment: Comment, name: str) -> bool:
        return _mark(name) in decoded(comment.body).split("\n") and comment.author.is_same(self._myself())

    def _myself(self) -> Account:
        if self._me is None:
            with _about("/myself, by which syncd recognizes its comments", "read:jira-user"):
                self._me = self.account()
            if not self._me.is_same(self._me):
                raise RetryLater("it does not say whose account it is")
        return self._me

    def _look(self, issue: _Issue, path: str, params: dict[str, Any], shape: type[T]) -> T:
        with _about(issue.name, "Browse Projects"):
            return self._ask(lambda: self._jira._get_json(f"issue/{issue.id}{path}", params=params), shape)

    def _write(
        self, issue: _Issue, method: Method, path: str, body: Json, shape: type[object], permission: str
    ) -> None:
        if not self._keys.notify and method == "PUT":
            permission += ", and for notify: false also Administer Projects, or leave notify out"
        with _about(issue.name, permission):
            self._send(method, f"issue/{issue.id}{path}", body, shape)


@contextmanager
def _about(what: str, permission: str) -> Iterator[None]:
    """Adds to a refusal what the request was about, and the permission that it needs."""
    try:
        yield
    except Refused as error:
        if error.status == 409:
            raise RetryLater(f"{what} was edited at the same moment: {error}") from None
        if error.status in (404, 410):
            raise SourceBroken(f"{what} is {error}") from None
        lacks = error.status == 403 or (error.status == 400 and _NO_PERMISSION.search(str(error)))
        hint = f"; grant the account {permission}" if lacks else ""
        raise SourceBroken(f"{what}: {error}{hint}") from None


def _place(field: str) -> str:
    return f"field {field}"


def _mark(key_result: str) -> str:
    return f"kept up to date by syncd: {key_result}"


def _field_value(statement: Statement, name: str, value: Scalar | None) -> Scalar | None:
    """A value in the form for a field: health in words, a text on a single line."""
    if name == "health":
        return health(statement).capitalize()
    return unescaped(" ".join(value.split())) or None if isinstance(value, str) else value
