"""The data of a Jira site: projects, fields, and issues with their comments and changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

CATEGORIES = {"To Do": (2, "new"), "In Progress": (4, "indeterminate"), "Done": (3, "done")}
"""The id and the key of each status category. Every Jira has these three categories."""

STATUSES = {
    "To Do": "To Do",
    "In Progress": "In Progress",
    "In Review": "In Progress",
    "Done": "Done",
    "Published": "Done",
    "Closed": "Done",
}
"""The category of each status."""

Value = float | str | list[str] | None


@dataclass(frozen=True)
class CustomField:
    """A custom field. `kind` is the type of its values in the API. `options` are the choices of a select field."""

    id: str
    name: str
    kind: Literal["number", "option", "string", "array"]
    options: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The number at the end of the field's id."""
        return int(self.id.rsplit("_", 1)[1])

    def option_id(self, value: str) -> str:
        """The id of an option. An option that the field no longer has gets the id `999999`."""
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
"""The custom fields of every site."""


@dataclass(frozen=True)
class Account:
    """The account of a person or a bot. Cloud identifies it by its id, Data Center by the part of its email address
    before the @.
    """

    id: str
    name: str
    email: str


@dataclass(frozen=True)
class Edit:
    """A field's value before and after a change, as text for people."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """The edits that one account made to an issue at one time."""

    id: int
    at: datetime
    author: Account
    edits: tuple[Edit, ...]


@dataclass
class Comment:
    """A comment in plain text. If another account edits the comment, the author stays the same.

    `visibility` is the type (role or group) and the name of the people who can see the comment; None means everybody.
    `internal` hides the comment from the customers of a service project.
    """

    id: int
    author: Account
    body: str
    created: datetime
    updated: datetime
    visibility: tuple[str, str] | None = None
    internal: bool = False


@dataclass
class Ticket:
    """An issue.

    `category_changed_at` is the time of the last change of the issue's status category. `began` is the time when the
    issue first went to In Progress.
    """

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
    """The JSON in earlier responses, by the requested form. Every change of the issue clears it."""

    @property
    def project(self) -> str:
        """The project's key, which is the first part of the issue's key."""
        return self.key.rsplit("-", 1)[0]

    @property
    def category(self) -> str:
        """The category of the issue's status."""
        return STATUSES[self.status]


@dataclass
class Project:
    """A project. With `sets_resolution`, its workflow sets the resolution of an issue that is done. With
    `clears_resolution`, reopening an issue clears the resolution.

    `off_screen` has the ids of the fields that the project's screens do not show. With `read_only`, the requesting
    account may neither edit nor comment. With `administered`, the account may edit without notifying people. `roles`
    are the account's roles in the project. `has_customers` marks a service project of Jira Service Management.
    """

    id: int
    key: str
    name: str
    sets_resolution: bool = True
    clears_resolution: bool = True
    off_screen: set[str] = field(default_factory=set)
    read_only: bool = False
    administered: bool = False
    has_customers: bool = False
    roles: tuple[str, ...] = ("Developers",)
