"""One Jira site's projects and issues, and what people do to them. Cloud and Data Center differ in `cloud` alone."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import count
from zoneinfo import ZoneInfo

from syncd.sandbox.clock import Clock
from syncd.sandbox.jira.ticket import (
    CUSTOM_FIELDS,
    Account,
    Change,
    Comment,
    CustomField,
    Edit,
    Project,
    Ticket,
    Value,
)  # fmt: skip

__all__ = ["Ticket", "Tickets"]


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
        self._comment_ids = count(30_001)
        self._numbers: dict[str, int] = {}
        self.cloud = cloud
        self.zone = ZoneInfo(zone)
        self.page_cap = page_cap
        self.fields: dict[str, CustomField] = {one.id: one for one in CUSTOM_FIELDS}
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
        """`name`: a custom field's id or name, or one of summary, description, type, priority, labels, components,
        assignee. ValueError for a value that it cannot have."""
        named = {one.name: one.id for one in self.fields.values()}
        self.edit(key, {named.get(name, name): value}, at=at)

    def edit(
        self, key: str, values: Mapping[str, Value], *, by: Account | None = None, at: datetime | None = None
    ) -> None:
        """Several fields, by id, in one change; `by` None is whoever works on the issue."""
        with self._lock:
            issue = self.get(key)
            edits = [self._set(issue, field, value) for field, value in values.items()]
            self._touch(issue, self._when(at), *edits, by=by)

    def _set(self, issue: Ticket, field: str, value: Value) -> Edit:
        custom = self.fields.get(field)
        before = issue.custom.get(field) if custom else getattr(issue, field, None)
        if custom and custom.options and value is not None and value not in custom.options:
            raise ValueError(f"{custom.name} cannot be {value!r}")
        match field, value:
            case own, _ if custom:
                issue.custom[own] = value
            case "summary" | "description" | "type" | "priority" as attribute, str():
                setattr(issue, attribute, value)
            case "labels" | "components" as attribute, list():
                setattr(issue, attribute, value)
            case "assignee", None | str():
                issue.assignee = self.account(str(value)) if value else None
            case _:
                raise ValueError(f"{field} cannot be {value!r}")
        return Edit(field, _text(before), _text(value))

    # -- comments

    def add_comment(self, key: str, body: str, *, author: str = "Rita Reporter", at: datetime | None = None) -> Comment:
        """Below the others."""
        with self._lock:
            issue, moment = self.get(key), self._when(at)
            comment = Comment(next(self._comment_ids), self.account(author), body, moment, moment)
            issue.comments.append(comment)
            self._touch(issue, moment)
            return comment

    def edit_comment(self, key: str, comment: int, body: str, *, at: datetime | None = None) -> Comment:
        """KeyError where the issue has none of that id."""
        with self._lock:
            issue, moment = self.get(key), self._when(at)
            found = {one.id: one for one in issue.comments}[comment]
            found.body, found.updated = body, moment
            self._touch(issue, moment)
            return found

    def delete_comment(self, key: str, comment: int, *, at: datetime | None = None) -> None:
        """KeyError where the issue has none of that id."""
        with self._lock:
            issue = self.get(key)
            issue.comments.remove({one.id: one for one in issue.comments}[comment])
            self._touch(issue, self._when(at))

    # -- what administrators do

    def rename_field(self, field: str, name: str) -> None:
        """`field`: a custom field's id or name. The id stays."""
        with self._lock:
            known = self._custom(field)
            self.fields[known.id] = replace(known, name=name)
            self.version += 1

    def hide_field(self, project: str, field: str) -> None:
        """Takes a custom field (its id or name) off the project's screens: it can be read, and set no more."""
        with self._lock:
            self.projects[project].off_screen.add(self._custom(field).id)

    def forbid_edits(self, project: str) -> None:
        """The account that asks may read the project, and neither edit nor comment."""
        with self._lock:
            self.projects[project].read_only = True

    def _custom(self, field: str) -> CustomField:
        return next(one for one in self.fields.values() if field in (one.id, one.name))

    def _touch(self, issue: Ticket, moment: datetime, *edits: Edit, by: Account | None = None) -> None:
        """Notes what was edited; nothing where the value stays, though the issue counts as updated."""
        if changed := tuple(edit for edit in edits if edit.before != edit.after):
            change = Change(next(self._change_ids), moment, by or issue.assignee or issue.reporter, changed)
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
