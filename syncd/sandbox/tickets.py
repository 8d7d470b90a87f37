"""One Jira site's projects and issues, and what people do to them. Cloud and Data Center differ in `cloud` alone."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from zoneinfo import ZoneInfo

from syncd.sandbox.clock import Clock

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

CUSTOM_FIELDS = {
    "customfield_10016": ("Story Points", "number"),
    "customfield_10001": ("Team", "option"),
    "customfield_10020": ("Sprint", "array"),
}
"""Id → (name, type). The name is what a mapping says."""

CUSTOM_IDS = {name: field for field, (name, _) in CUSTOM_FIELDS.items()}

Value = float | str | list[str] | None


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
    labels: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    fix_versions: list[str] = field(default_factory=list)
    custom: dict[str, Value] = field(default_factory=dict)
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


@dataclass(frozen=True)
class Project:
    """Its workflow `sets_resolution` on Done, and `clears_resolution` on reopening, or does not."""

    id: int
    key: str
    name: str
    sets_resolution: bool = True
    clears_resolution: bool = True


class Tickets:
    """`zone` is that of the account that asks: Jira reads JQL's dates and writes every time in it.

    `page_cap` is the most issues that a page holds, whatever is asked for: both deployments answer fewer at will.
    """

    TYPES = ("Article", "Bug", "Incident", "Service Request", "Story", "Task")
    PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
    RESOLUTIONS = ("Done", "Won't Do", "Duplicate", "Fixed")

    def __init__(self, clock: Clock, lock: threading.RLock, *, cloud: bool, zone: str, page_cap: int) -> None:
        self._clock = clock
        self._lock = lock
        self._ids = count(10_001)
        self._change_ids = count(20_001)
        self._numbers: dict[str, int] = {}
        self.cloud = cloud
        self.zone = ZoneInfo(zone)
        self.page_cap = page_cap
        self.projects: dict[str, Project] = {}
        self.issues: dict[int, Ticket] = {}
        self.keys: dict[str, int] = {}
        """Every key that an issue has or had → its id."""
        self.version = 0
        """Grows with every change, so that a list can be kept until then."""
        self._by_update: tuple[int, list[Ticket]] = (0, [])
        self.me = self.account("syncd bot")

    def account(self, name: str) -> Account:
        """The account of somebody with that name."""
        slug = name.lower().replace(" ", ".")
        return Account(f"712020:{slug}", name, f"{slug}@acme.example")

    def get(self, key_or_id: str) -> Ticket:
        """By key, by a key that it had before it moved, or by id. KeyError for a deleted one."""
        if key_or_id.isdigit():
            return self.issues[int(key_or_id)]
        return self.issues[self.keys[key_or_id.upper()]]

    def by_update(self) -> list[Ticket]:
        """Every issue from the oldest update on."""
        if self._by_update[0] != self.version:
            found = sorted(self.issues.values(), key=lambda issue: issue.updated)
            self._by_update = (self.version, found)
        return self._by_update[1]

    def add_project(
        self, key: str, name: str, *, sets_resolution: bool = True, clears_resolution: bool = True
    ) -> Project:
        """A project and its workflow's habits."""
        with self._lock:
            project = Project(10_000 + len(self.projects), key, name, sets_resolution, clears_resolution)
            self.projects[key] = project
            return project

    def create(
        self,
        project: str,
        type: str,
        summary: str = "A piece of work",
        *,
        points: float | None = None,
        labels: Iterable[str] = (),
        components: Iterable[str] = (),
        priority: str = "Medium",
        assignee: str | None = None,
        reporter: str = "Rita Reporter",
        at: datetime | None = None,
    ) -> Ticket:
        """A new issue in To Do."""
        with self._lock:
            moment = self._when(at)
            issue = Ticket(
                next(self._ids), self._next_key(project), type, summary, self.account(reporter), moment, moment
            )
            issue.priority, issue.labels, issue.components = priority, list(labels), list(components)
            issue.assignee = self.account(assignee) if assignee else None
            issue.category_changed_at = moment
            if points is not None:
                issue.custom["customfield_10016"] = points
            self.issues[issue.id] = issue
            self.keys[issue.key] = issue.id
            self.version += 1
            return issue

    def transition(self, key: str, status: str, *, at: datetime | None = None) -> None:
        """Moves the issue to `status`; its project's workflow says what becomes of the resolution."""
        with self._lock:
            issue, moment = self.get(key), self._when(at)
            workflow, before = self.projects[issue.project], issue.category
            moved, resolution = Edit("status", issue.status, status), issue.resolution
            issue.status = status
            if issue.category != before:
                issue.category_changed_at = moment
            if issue.category == "In Progress":
                issue.began = min(issue.began or moment, moment)
            if issue.category == "Done" and before != "Done" and workflow.sets_resolution:
                issue.resolution, issue.resolved = "Done", moment
            if issue.category != "Done" and before == "Done" and workflow.clears_resolution:
                issue.resolution, issue.resolved = None, None
            self._touch(issue, moment, moved, Edit("resolution", resolution, issue.resolution))

    def resolve(self, key: str, resolution: str | None = "Done", *, at: datetime | None = None) -> None:
        """Sets (or with None clears) the resolution and leaves the status as it is."""
        with self._lock:
            issue, moment = self.get(key), self._when(at)
            edit = Edit("resolution", issue.resolution, resolution)
            issue.resolution, issue.resolved = resolution, moment if resolution else None
            self._touch(issue, moment, edit)

    def reopen(self, key: str, *, at: datetime | None = None) -> None:
        """Back to To Do; the workflow says whether the resolution stays."""
        self.transition(key, "To Do", at=at)

    def move(self, key: str, project: str, *, at: datetime | None = None) -> str:
        """To another project: a new key, the same id. Answers the new key."""
        with self._lock:
            issue = self.get(key)
            old, issue.key = issue.key, self._next_key(project)
            self._touch(issue, self._when(at), Edit("Key", old, issue.key))
            self.keys[issue.key] = issue.id
            return issue.key

    def delete(self, key: str) -> None:
        """Its address answers 404 from now on."""
        with self._lock:
            del self.issues[self.get(key).id]
            self.version += 1

    def set_field(self, key: str, name: str, value: Value, *, at: datetime | None = None) -> None:
        """`name`: a custom field's id or name, or one of summary, type, priority, labels, components, assignee."""
        field = CUSTOM_IDS.get(name, name)
        with self._lock:
            issue = self.get(key)
            before = issue.custom.get(field) if field in CUSTOM_FIELDS else getattr(issue, field, None)
            match field, value:
                case own, _ if own in CUSTOM_FIELDS:
                    issue.custom[own] = value
                case "summary" | "type" | "priority" as attribute, str():
                    setattr(issue, attribute, value)
                case "labels" | "components" as attribute, list():
                    setattr(issue, attribute, value)
                case "assignee", None | str():
                    issue.assignee = self.account(str(value)) if value else None
                case _:
                    raise ValueError(f"{name} cannot be {value!r}")
            self._touch(issue, self._when(at), Edit(field, _text(before), _text(value)))

    def _touch(self, issue: Ticket, moment: datetime, *edits: Edit) -> None:
        """Notes what was edited; nothing where the value stays, though the issue counts as updated."""
        if changed := tuple(edit for edit in edits if edit.before != edit.after):
            change = Change(next(self._change_ids), moment, issue.assignee or issue.reporter, changed)
            issue.changes.append(change)
        issue.updated = moment
        issue.rows.clear()
        self.version += 1

    def _when(self, at: datetime | None) -> datetime:
        """Jira's times have whole milliseconds."""
        moment = at or self._clock.tick()
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def _next_key(self, project: str) -> str:
        self._numbers[project] = self._numbers.get(project, 0) + 1
        return f"{project}-{self._numbers[project]}"


def _text(value: Value | Account) -> str | None:
    """A value as people read it."""
    match value:
        case Account():
            return value.name
        case list():
            return " ".join(value)
        case float():
            return f"{value:g}"
    return value
