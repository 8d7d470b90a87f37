"""What a code host keeps: repositories with their issues, pull requests and releases."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Reason = Literal["completed", "reopened", "not_planned", "duplicate"]


@dataclass(frozen=True)
class User:
    """Whoever writes: a person, or a bot when the login ends in `[bot]`."""

    id: int
    login: str

    @property
    def kind(self) -> str:
        """As the API calls it."""
        return "Bot" if self.login.endswith("[bot]") else "User"


@dataclass
class Comment:
    """Below an issue or a pull request."""

    id: int
    author: User
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass
class Item:
    """What issues and pull requests share; both are numbered from one sequence a repository."""

    id: int
    number: int
    title: str
    author: User
    created_at: datetime
    updated_at: datetime
    state: Literal["open", "closed"] = "open"
    closed_at: datetime | None = None
    body: str | None = "What and why, in a few words."
    labels: list[str] = field(default_factory=list)
    milestone: str | None = None
    comments: list[Comment] = field(default_factory=list)
    rows: dict[str, bytes] = field(default_factory=dict, repr=False)
    """Its JSON as last served, by the kind of row; emptied by every change."""


@dataclass
class Issue(Item):
    """An issue; `state_reason` None is what GitHub gives for those closed before it knew reasons."""

    state_reason: Reason | None = None


@dataclass
class Pull(Item):
    """Its row in a list of issues has an id of its own: `issue_id`."""

    issue_id: int = 0
    base: str = "main"
    draft: bool = False
    merged_at: datetime | None = None


@dataclass
class Release:
    """A release; `published_at` is None for a draft."""

    id: int
    tag: str
    author: User
    created_at: datetime
    published_at: datetime | None = None
    draft: bool = False
    prerelease: bool = False


@dataclass
class Repo:
    """`version` grows with every change inside it, so that a sorted list can be kept until then."""

    id: int
    owner: str
    name: str
    created_at: datetime
    updated_at: datetime
    items: dict[int, Item] = field(default_factory=dict)
    releases: dict[int, Release] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    transferred: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Number here → (repository id, number) where the issue went."""
    labels: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Every label, by its name in lower case: its name and its colour."""
    archived: bool = False
    version: int = 0
    last_number: int = 0
    as_json: tuple[int, bytes] = (-1, b"")
    """Its own JSON as last made, and the version that it is of."""

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    def next_number(self) -> int:
        """The next number of the sequence; those of deleted and transferred issues are not used again."""
        self.last_number += 1
        return self.last_number

    def label(self, name: str, color: str = "d73a4a") -> str:
        """The label's name as it was first written; one that there is not yet is made."""
        return self.labels.setdefault(name.lower(), (name, color))[0]

    def open_items(self) -> int:
        """Open issues and pull requests together, as GitHub counts them."""
        return sum(item.state == "open" for item in self.items.values())
