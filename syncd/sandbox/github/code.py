"""The data of a code host: repositories with their issues, pull requests, releases and deliveries."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from syncd.sandbox.github.pipeline import Deployment, Run, Tag

Reason = Literal["completed", "reopened", "not_planned", "duplicate"]


@dataclass(frozen=True)
class User:
    """An account: a bot if its login ends in `[bot]`, otherwise a person."""

    id: int
    login: str

    @property
    def kind(self) -> str:
        """The account's type as the API writes it: `Bot` or `User`."""
        return "Bot" if self.login.endswith("[bot]") else "User"


@dataclass
class Comment:
    """A comment below an issue or a pull request."""

    id: int
    author: User
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass
class Item:
    """The fields that issues and pull requests share. A repository numbers both from the same sequence."""

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
    """The JSON in the last response, by the kind of row. Every change of the item clears it."""


@dataclass
class Issue(Item):
    """An issue. The `state_reason` is None for issues that were closed before GitHub introduced reasons."""

    state_reason: Reason | None = None
    type: str | None = None


@dataclass
class Pull(Item):
    """A pull request. In a list of issues its row has a second id: `issue_id`.

    `head` is the branch of the pull request, if other pull requests merge into that branch. `committed` has the dates
    of its commits.
    """

    issue_id: int = 0
    base: str = "main"
    draft: bool = False
    merged_at: datetime | None = None
    head: str | None = None
    committed: list[datetime] = field(default_factory=list)


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
    """A repository. Every change to the repository increases `version`. A list made at a version is valid until the
    next change.
    """

    id: int
    owner: str
    name: str
    created_at: datetime
    updated_at: datetime
    items: dict[int, Item] = field(default_factory=dict)
    releases: dict[int, Release] = field(default_factory=dict)
    deployments: dict[int, Deployment] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    empty: bool = False
    """Whether nobody has pushed a commit yet."""
    lost: set[str] = field(default_factory=set)
    """The commits that a forced push removed."""
    touches_deployments: bool = True
    """Whether a new status changes the `updated_at` of its deployment."""
    deleted: set[int] = field(default_factory=set)
    transferred: dict[int, tuple[int, int]] = field(default_factory=dict)
    """The new repository's id and the new number of each transferred issue, by its old number."""
    labels: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The name and the colour of each label, by its name in lower case."""
    archived: bool = False
    fork: bool = False
    private: bool = True
    has_issues: bool = True
    has_pull_requests: bool = True
    blocked: Literal["tos", "dmca"] | None = None
    """The reason why GitHub has disabled the repository. GitHub still lists it."""
    hidden: bool = False
    """Whether the repository is invisible to the tokens: its addresses answer as if it did not exist."""
    legacy_ids: bool = False
    """Whether the node ids of its items have the form that GitHub used before 2021."""
    version: int = 0
    last_number: int = 0
    as_json: tuple[int, bytes] = (-1, b"")
    """A pair: a version, and the repository's JSON at that version."""

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    def next_number(self) -> int:
        """The next number of the sequence; a deleted or transferred issue's number is never used again."""
        self.last_number += 1
        return self.last_number

    def label(self, name: str, color: str = "d73a4a") -> str:
        """The label's name in its first spelling. Adds the label if it is new."""
        return self.labels.setdefault(name.lower(), (name, color))[0]

    def open_items(self) -> int:
        """The number of open issues and pull requests, as GitHub counts them."""
        return sum(item.state == "open" for item in self.items.values())
