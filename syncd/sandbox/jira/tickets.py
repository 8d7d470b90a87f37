"""A Jira site, Cloud or Data Center: its projects and issues, and the changes that people make to them."""

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


class Tickets:
    """A site. `zone` is the requesting account's time zone. Jira interprets dates in JQL, and writes every time, in
    this zone.

    `page_cap` is the largest number of issues on a page, because Cloud and Data Center may send fewer issues than
    requested. Cloud sends `empty_pages` pages without an issue before each page. `left_out` are requested parts that
    the site omits from its responses, as some servers and proxies do: `editmeta`, `changelog`, ids of fields.
    """

    TYPES = ("Article", "Bug", "Incident", "Service Request", "Story", "Task")
    PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
    RESOLUTIONS = ("Done", "Won't Do", "Duplicate", "Fixed")

    def __init__(self, clock: Clock, lock: threading.RLock, *, cloud: bool, zone: str, page_cap: int) -> None:
        self.clock = clock
        self.lock = lock
        self._ids = count(10_001)
        self._change_ids = count(20_001)
        self._comment_ids = count(30_001)
        self._numbers: dict[str, int] = {}
        self.cloud = cloud
        self.zone = ZoneInfo(zone)
        self.page_cap = page_cap
        self.empty_pages = 0
        self.left_out: set[str] = set()
        self.fields: dict[str, CustomField] = {field.id: field for field in CUSTOM_FIELDS}
        self.projects: dict[str, Project] = {}
        self.issues: dict[int, Ticket] = {}
        self.keys: dict[str, int] = {}
        """The id of the issue with each present or former key."""
        self.version = 0
        """The version of the site's data, which every change increases. A list made at a version is valid until the
        next change.
        """
        self._by_update: tuple[int, list[Ticket]] = (0, [])
        self.me = self.account("syncd bot")

    def account(self, name: str) -> Account:
        """The account of the person with this name."""
        slug = name.lower().replace(" ", ".")
        return Account(f"712020:{slug}", name, f"{slug}@acme.example")

    def get(self, key_or_id: str) -> Ticket:
        """The issue with this id, or with this present or former key. Raises KeyError if there is none."""
        if key_or_id.isdigit():
            return self.issues[int(key_or_id)]
        return self.issues[self.keys[key_or_id.upper()]]

    def by_update(self) -> list[Ticket]:
        """Every issue, sorted by its last update, oldest first."""
        if self._by_update[0] != self.version:
            issues = sorted(self.issues.values(), key=lambda issue: issue.updated)
            self._by_update = (self.version, issues)
        return self._by_update[1]

    def add_project(
        self, key: str, name: str, *, sets_resolution: bool = True, clears_resolution: bool = True
    ) -> Project:
        """Adds a project. `sets_resolution` and `clears_resolution` work as in `Project`."""
        with self.lock:
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
        """Adds an issue in To Do."""
        with self.lock:
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
        """Moves the issue to `status`. Its project's workflow decides whether the resolution changes."""
        with self.lock:
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
        """Sets the resolution; None clears it. The status does not change."""
        with self.lock:
            issue, moment = self.get(key), self._when(at)
            edit = Edit("resolution", issue.resolution, resolution)
            issue.resolution, issue.resolved = resolution, moment if resolution else None
            self._touch(issue, moment, edit)

    def reopen(self, key: str, *, at: datetime | None = None) -> None:
        """Moves the issue back to To Do. Its project's workflow decides whether the resolution is cleared."""
        self.transition(key, "To Do", at=at)

    def move(self, key: str, project: str, *, at: datetime | None = None) -> str:
        """Moves the issue to another project, and returns its new key. The id does not change."""
        with self.lock:
            issue = self.get(key)
            old, issue.key = issue.key, self._next_key(project)
            self._touch(issue, self._when(at), Edit("Key", old, issue.key))
            self.keys[issue.key] = issue.id
            return issue.key

    def delete(self, key: str) -> None:
        """Deletes the issue: its address answers 404 from now on."""
        with self.lock:
            del self.issues[self.get(key).id]
            self.version += 1

    def set_field(self, key: str, name: str, value: Value, *, at: datetime | None = None) -> None:
        """Sets one field. `name` is the id or name of a custom field, or summary, description, type, priority, labels,
        components or assignee. Raises ValueError if the field does not accept the value.
        """
        self.edit(key, {self._field_id(name): value}, at=at)

    def edit(
        self, key: str, values: Mapping[str, Value], *, by: Account | None = None, at: datetime | None = None
    ) -> None:
        """Sets several fields, by id, in one change. The author of the change is `by`; if None, the assignee, or else
        the reporter.
        """
        with self.lock:
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
        """Adds a comment below the other comments."""
        with self.lock:
            issue, moment = self.get(key), self._when(at)
            comment = Comment(next(self._comment_ids), self.account(author), body, moment, moment)
            issue.comments.append(comment)
            self._touch(issue, moment)
            return comment

    def edit_comment(self, key: str, comment: int, body: str, *, at: datetime | None = None) -> Comment:
        """Edits the comment with this id. Raises KeyError if the issue does not have it."""
        with self.lock:
            issue, moment = self.get(key), self._when(at)
            edited = _comment(issue, comment)
            edited.body, edited.updated = body, moment
            self._touch(issue, moment)
            return edited

    def delete_comment(self, key: str, comment: int, *, at: datetime | None = None) -> None:
        """Deletes the comment with this id. Raises KeyError if the issue does not have it."""
        with self.lock:
            issue = self.get(key)
            issue.comments.remove(_comment(issue, comment))
            self._touch(issue, self._when(at))

    # -- administration

    def add_field(self, field: CustomField) -> None:
        """Adds a custom field. Another field may have the same name, as in team-managed projects."""
        with self.lock:
            self.fields[field.id] = field
            self.version += 1

    def rename_field(self, field: str, name: str) -> None:
        """Renames a custom field, given by its id or its present name. The id does not change."""
        with self.lock:
            custom = self.fields[self._field_id(field)]
            self.fields[custom.id] = replace(custom, name=name)
            self.version += 1

    def hide_field(self, project: str, field: str) -> None:
        """Removes a custom field, given by its id or name, from the project's screens. Clients can then read the field
        but not set it.
        """
        with self.lock:
            self.projects[project].off_screen.add(self.fields[self._field_id(field)].id)

    def forbid_edits(self, project: str) -> None:
        """Makes the project read-only for the requesting account: it may neither edit nor comment."""
        with self.lock:
            self.projects[project].read_only = True

    def _field_id(self, name: str) -> str:
        """The id of the custom field with this name. Any other text, such as an id, is returned unchanged."""
        return {field.name: field.id for field in self.fields.values()}.get(name, name)

    def _touch(self, issue: Ticket, moment: datetime, *edits: Edit, by: Account | None = None) -> None:
        """Records the edits that changed a value. Sets the time of the issue's update, even if no edit changed a
        value.
        """
        if changed := tuple(edit for edit in edits if edit.before != edit.after):
            change = Change(next(self._change_ids), moment, by or issue.assignee or issue.reporter, changed)
            issue.changes.append(change)
        issue.updated = moment
        issue.rows.clear()
        self.version += 1

    def _when(self, at: datetime | None) -> datetime:
        """The time `at`, or if it is None the time for a new change, in full milliseconds like Jira's times."""
        moment = at or self.clock.tick()
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def _next_key(self, project: str) -> str:
        self._numbers[project] = self._numbers.get(project, 0) + 1
        return f"{project}-{self._numbers[project]}"


def _comment(issue: Ticket, id: int) -> Comment:
    return {comment.id: comment for comment in issue.comments}[id]


def _text(value: Value | Account) -> str | None:
    match value:
        case Account():
            return value.name
        case list():
            return " ".join(value)
        case float():
            return f"{value:g}"
    return value
