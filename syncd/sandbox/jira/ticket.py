"""What a Jira site keeps: projects, fields, and issues with their comments and what was changed of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

CATEGORIES = {"To Do": (2, "new"), "In Progress": (4, "indeterminate"), "Done": (3, "done")}
"""Status category → (id, key), the three that every Jira has."""

STATUSES = {
    "To Do": "To Do",
    "In Progress": "In Progress",
    "In Review": "In Progress",
    "Done": "Done",
    "Published": "Done",
    "Closed": "Done",
}
"""Status → its category."""

Value = float | str | list[str] | None


@dataclass(frozen=True)
class CustomField:
    """`kind` is the API's type of its value. Of an option `options` are the choices there are."""

    id: str
    name: str
    kind: Literal["number", "option", "string", "array"]
    options: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The id's last part."""
        return int(self.id.rsplit("_", 1)[1])

    def option_id(self, value: str) -> str:
        """The id of one of its choices; of one that it no longer has, another."""
        return str(10 * self.number + self.options.index(value)) if value in self.options else "999999"


CUSTOM_FIELDS = (
    CustomField("customfield_10016", "Story Points", "number"),
    CustomField("customfield_10001", "Team", "option", ("Payments", "Discovery")),
    CustomField("customfield_10020", "Sprint", "array"),
    CustomField("customfield_10101", "Current value", "number"),
    CustomField("customfield_10102", "Progress", "number"),
    CustomField("customfield_10103", "OKR health", "option", ("On track", "At risk", "Off track", "Done", "Unknown")),
    CustomField("customfield_10104", "OKR note", "string"),
)
"""What every site begins with."""


@dataclass(frozen=True)
class Account:
    """A person or a bot. Cloud shows the id, Data Center the part of the address before the @."""

    id: str
    name: str
    email: str


@dataclass(frozen=True)
class Edit:
    """A field's value before and after, as people read it."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """What somebody changed of an issue in one go."""

    id: int
    at: datetime
    author: Account
    edits: tuple[Edit, ...]


@dataclass
class Comment:
    """Plain text, by whoever wrote it first."""

    id: int
    author: Account
    body: str
    created: datetime
    updated: datetime


@dataclass
class Ticket:
    """`category_changed_at` is when the status last went from one category to another, `began` when work first did."""

    id: int
    key: str
    type: str
    summary: str
    reporter: Account
    created: datetime
    updated: datetime
    status: str = "To Do"
    category_changed_at: datetime | None = None
    began: datetime | None = None
    resolution: str | None = None
    resolved: datetime | None = None
    assignee: Account | None = None
    priority: str = "Medium"
    description: str = "What and why, in a few words."
    labels: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    fix_versions: list[str] = field(default_factory=list)
    custom: dict[str, Value] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list, repr=False)
    rows: dict[tuple[object, ...], bytes] = field(default_factory=dict, repr=False)
    """Its JSON as last served, by what was asked for; emptied by every change."""

    @property
    def project(self) -> str:
        """The key's first part."""
        return self.key.rsplit("-", 1)[0]

    @property
    def category(self) -> str:
        """Of its status."""
        return STATUSES[self.status]


@dataclass
class Project:
    """Its workflow `sets_resolution` on Done, and `clears_resolution` on reopening, or does not.

    `off_screen` holds the ids of fields that its screens leave out; with `read_only` its permissions let the account
    that asks neither edit nor comment.
    """

    id: int
    key: str
    name: str
    sets_resolution: bool = True
    clears_resolution: bool = True
    off_screen: set[str] = field(default_factory=set)
    read_only: bool = False
