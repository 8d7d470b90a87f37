"""Check-ins to issues: a key result's numbers in the issue's own fields, and one comment that is kept up to date.

An issue is read by its key, which an issue that was moved still answers to, and written by its id. Its comment is
found by its last line and its author: what others wrote is never touched, not even a copy of ours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from connectors.jira.answers import Account, Comment, CommentPage, Written
from connectors.jira.client import Client, Method, Refused
from connectors.jira.markup import decoded, encoded, unescaped
from connectors.jira.screen import Opened, Slot, Standing, slot
from syncd.sdk import (
    Content,
    Context,
    Found,
    Json,
    PublishKeys,
    RetryLater,
    Scalar,
    SourceBroken,
    Stated,
    Statement,
    Summary,
)
from syncd.sdk.block import SAID, health, lines

if TYPE_CHECKING:
    from connectors.jira import JiraSettings

T = TypeVar("T")
_COMMENT = "comment"
_PER_PAGE = 100  # comments; what Cloud gives unless it is asked for another number
_NUMBERS = frozenset({"value", "baseline", "target", "progress", "score", "expected", "confidence"})


def _issue_key(value: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]+-\d+", value):
        raise ValueError(f"is {value!r}, which is no key of an issue; write one such as SUP-12")
    return value


class JiraPublish(PublishKeys):
    """Which issues check-ins are written to, and what of them."""

    issues: Mapping[str, Annotated[str, AfterValidator(_issue_key)]] = Field(
        min_length=1, description="The issue of each key result, by its id: `{calls: SUP-12}`."
    )
    fields: Mapping[Stated, Annotated[str, Field(min_length=1)]] = Field(
        {}, description="What is written to which field, by its name or id: `{value: Current value}`."
    )
    comment: bool = Field(False, description="Whether a comment that says where it stands is kept up to date.")

    @field_validator("fields")
    @classmethod
    def _one_field_each(cls, value: Mapping[Stated, str]) -> Mapping[Stated, str]:
        for name, times in Counter(value.values()).items():
            if times > 1:
                said = " and ".join(stated for stated, field in value.items() if field == name)
                raise ValueError(f"write another field for one of {said}: {name!r} holds one value")
        return value

    @model_validator(mode="after")
    def _writes(self) -> JiraPublish:
        if not self.fields and not self.comment:
            raise ValueError("write what is written to the issues: fields, or comment: true, or both")
        for key, times in Counter(self.issues.values()).items():
            if self.fields and times > 1:
                said = " and ".join(name for name, issue in self.issues.items() if issue == key)
                raise ValueError(f"write another issue for one of {said}: the fields of {key} hold one key result each")
        return self

    def names(self) -> Collection[str]:
        """Those that an issue is given for."""
        return self.issues.keys()

    def uses(self) -> Collection[str]:
        """What its fields are given, and what the comment says."""
        return {*self.fields, *(SAID if self.comment else ())}

    def target(self, key_result: str) -> str:
        """Such as `SUP-12 (calls)`: comments of several key results may stand on one issue."""
        return f"{self.issues[key_result]} ({key_result})"

    def how(self, key_result: str) -> Json:
        """A further issue concerns no other key result."""
        keys: Json = self.model_dump(mode="json", exclude={"issues"}, exclude_defaults=True)
        return keys


@dataclass(frozen=True, slots=True)
class _Issue:
    """An issue that is written to, as people know it; the field of each place."""

    id: str
    name: str
    slots: Mapping[str, Slot]


class JiraPublisher(Client):
    """An opened site to write to. Where an issue is, and what its edit screen has, is asked for once."""

    together = False
    appends = False

    def __init__(self, settings: JiraSettings, context: Context, keys: JiraPublish) -> None:
        super().__init__(settings, context)
        self._keys = keys
        self._stated: Mapping[str, Stated] = {_place(field): stated for stated, field in keys.fields.items()}
        self._issues: dict[str, _Issue] = {}  # by the key that they are given by
        self._comments: dict[str, str | None] = {}  # the id of ours, by key result, as last read
        self._me: Account | None = None

    def content(self, said: Statement | Summary) -> Content:
        """Each field's value, and the comment's text."""
        assert isinstance(said, Statement)
        values = said.content(self._stated.values())
        found = {place: _in_field(said, name, values[name]) for place, name in self._stated.items() if name in values}
        if self._keys.comment:
            found[_COMMENT] = decoded(encoded("\n".join([*lines(said), _mark(said.key_result)])))
        return found

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Found]:
        """What stands in the fields of each issue, and in our comment on it."""
        return {name: self._read(name, content) for name, content in wanted.items()}

    def write(self, contents: Mapping[str, Content]) -> None:
        """The fields of an issue in one request, its comment in another."""
        for name, content in contents.items():
            issue = self._issues[self._keys.issues[name]]
            slots = issue.slots
            fields = {slots[place].id: slots[place].written(content[place]) for place in content if place in slots}
            if fields:
                self._tell(issue, "PUT", "", {"fields": fields}, type(None), "Edit Issues")
            if (text := content.get(_COMMENT)) is not None:
                body, ours = {"body": encoded(str(text))}, self._comments[name]
                if ours is None:
                    self._tell(issue, "POST", "/comment", body, Written, "Add Comments")
                else:
                    self._tell(issue, "PUT", f"/comment/{ours}", body, Written, "Edit Own Comments")

    def _read(self, name: str, wanted: Content) -> Found:
        issue = self._find(self._keys.issues[name])
        content: dict[str, Scalar | None] = {}
        where: dict[str, str] = {}
        slots = {place: one for place, one in issue.slots.items() if place in wanted}
        for place, one in slots.items():
            one.check(wanted[place])
            where[place] = f"{issue.name}'s {one.name}"
        if slots:
            ids = ",".join(sorted(one.id for one in slots.values()))
            standing = self._look(issue, "", {"fields": ids}, Standing)
            for place, one in slots.items():
                content[place] = one.stands(standing.fields.get(one.id), number=self._stated[place] in _NUMBERS)
        if _COMMENT in wanted:
            mine = next((one for one in self._all_comments(issue) if self._is_mine(one, name)), None)
            self._comments[name] = mine.id if mine else None
            content[_COMMENT] = decoded(mine.body) if mine else None
            where[_COMMENT] = f"syncd's comment on {issue.name}"
        return Found(content, where)

    def _find(self, key: str) -> _Issue:
        """The issue that a key leads to, with the fields of its edit screen that are written to."""
        if key not in self._issues:
            asked = {"fields": "summary", **({"expand": "editmeta"} if self._keys.fields else {})}
            with _about(key, "Browse Projects"):
                opened = self._ask(lambda: self._jira._get_json(f"issue/{key}", params=asked), Opened)
            name = opened.named(key)
            slots = {_place(field): slot(name, opened.editmeta, field) for field in self._keys.fields.values()}
            for field, times in Counter(one.id for one in slots.values()).items():
                if times > 1:
                    said = " and ".join(repr(one.name) for one in slots.values() if one.id == field)
                    raise SourceBroken(f"{said} are one field of {name}, {field}; name a field for each")
            self._issues[key] = _Issue(opened.id, name, slots)
        return self._issues[key]

    def _all_comments(self, issue: _Issue) -> Iterator[Comment]:
        """The comments of an issue. RetryLater where they changed while they were read: ours may have been missed."""
        seen: set[str] = set()
        total: int | None = None
        while total is None or len(seen) < total:
            page = self._look(issue, "/comment", {"startAt": len(seen), "maxResults": _PER_PAGE}, CommentPage)
            fresh = [one for one in page.comments if one.id not in seen]
            if total not in (None, page.total) or (not fresh and len(seen) < page.total):
                raise RetryLater(f"the comments of {issue.name} changed while they were read")
            total = page.total
            seen.update(one.id for one in fresh)
            yield from fresh

    def _is_mine(self, one: Comment, name: str) -> bool:
        return _mark(name) in decoded(one.body).split("\n") and one.author.is_same(self._myself())

    def _myself(self) -> Account:
        if self._me is None:
            with _about("/myself, by which syncd knows its comments", "read:jira-user"):
                self._me = self.account()
            if not self._me.is_same(self._me):
                raise RetryLater("it does not say which account asks")
        return self._me

    def _look(self, issue: _Issue, path: str, params: dict[str, Any], shape: type[T]) -> T:
        with _about(issue.name, "Browse Projects"):
            return self._ask(lambda: self._jira._get_json(f"issue/{issue.id}{path}", params=params), shape)

    def _tell(self, issue: _Issue, method: Method, path: str, body: Json, shape: type[object], permission: str) -> None:
        with _about(issue.name, permission):
            self._send(method, f"issue/{issue.id}{path}", body, shape)


@contextmanager
def _about(what: str, permission: str) -> Iterator[None]:
    """Says of a refused request what it was about, and which permission it takes."""
    try:
        yield
    except Refused as error:
        if error.status == 409:
            raise RetryLater(f"{what} was edited at the same moment: {error}") from None
        if error.status in (404, 410):
            raise SourceBroken(f"{what} is {error}") from None
        lacks = error.status == 403 or "permission" in str(error)
        hint = f"; grant the account {permission}" if lacks else ""
        raise SourceBroken(f"{what}: {error}{hint}") from None


def _place(field: str) -> str:
    return f"field {field}"


def _mark(key_result: str) -> str:
    """The comment's last line, by which it is found again."""
    return f"kept up to date by syncd: {key_result}"


def _in_field(said: Statement, name: str, value: Scalar | None) -> Scalar | None:
    """A value as fields get it: health in words, a text in one line."""
    if name == "health":
        return health(said).capitalize()
    return unescaped(" ".join(value.split())) or None if isinstance(value, str) else value
