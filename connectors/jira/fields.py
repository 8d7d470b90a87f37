"""Models of the parts of an issue that syncd reads: its place in a walk, the time when it was done, and the fields that
measures name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from unicodedata import normalize

from pydantic import AwareDatetime, model_validator

from connectors.jira.answers import Answer, ListedField
from syncd.sdk import Record, Scalar, UnknownField, UnusableField, lead_time

FIELD_IDS: Mapping[str, str] = {
    "type": "issuetype",
    "status": "status",
    "priority": "priority",
    "label": "labels",
    "component": "components",
    "assignee": "assignee",
    "lead_time": "created",  # days from creation until done
    "cycle_time": "created",  # days from the start of work, found in the changelog, until done
}
ALWAYS = ("summary", "status", "resolution", "resolutiondate", "statuscategorychangedate", "created", "updated")

# How Data Center writes a sprint: com.atlassian.greenhopper.service.sprint.Sprint@1f[id=4,state=ACTIVE,name=Sprint 4,…]
# A name may hold commas and brackets, so it reaches to the next attribute, or to the end.
_SPRINT_ATTRIBUTES = (
    "activatedDate autoStartStop completeDate endDate goal id incompleteIssuesDestinationId originBoardId rapidViewId "
    "sequence startDate state synced"
)
_SPRINT = re.compile(
    r"com\.atlassian\.greenhopper\.[\w.]*Sprint@\w+\[(?:.*?,)?name=(.*?)"
    rf"(?:,(?:{'|'.join(_SPRINT_ATTRIBUTES.split())})=|\]\Z)",
    re.DOTALL,
)


# The resolutions, in lower case, that Jira and its templates have for issues whose work was not completed.
_HARDLY_DELIVERED = frozenset(
    {
        "abandoned", "canceled", "cancelled", "cannot reproduce", "declined", "duplicate", "incomplete", "invalid",
        "known error", "not a bug", "obsolete", "rejected", "won't do", "won't fix", "wontfix", "won\u2019t do",
        "won\u2019t fix",
    }
)  # fmt: skip


class _Updated(Answer):
    updated: AwareDatetime


class Id(Answer):
    """The id of an issue. A census needs only the ids if the list fits on one page.

    `expand` names the parts that a search includes in addition to the fields.
    """

    expand: ClassVar[str | None] = None

    id: str


class Place(Id):
    """An issue's place in a walk. A census that needs several pages requests only the places."""

    fields: _Updated

    @property
    def updated(self) -> datetime:
        """The time of the issue's newest edit."""
        return self.fields.updated


class Category(Answer):
    """The category of a status: `new`, `indeterminate` (In Progress), `done`, or `undefined`."""

    key: str


class _Status(Answer):
    name: str
    status_category: Category


class _Fields(_Updated):
    raw: Mapping[str, Any]
    summary: str | None = None
    status: _Status
    resolution: Mapping[str, Any] | None = None
    resolutiondate: AwareDatetime | None = None
    statuscategorychangedate: AwareDatetime | None = None
    created: AwareDatetime | None = None

    @model_validator(mode="before")
    @classmethod
    def _keep(cls, fields: Any) -> Any:
        return {**fields, "raw": fields} if isinstance(fields, Mapping) else fields


class Issue(Place):
    """An issue as a pull requests it. `names` adds the present names of the fields to the page
    (developer.atlassian.com, "Search for issues using JQL").
    """

    expand: ClassVar[str | None] = "names"

    key: str
    fields: _Fields

    @property
    def done_at(self) -> datetime | None:
        """The time at which the issue counts as done; None if its status category is not Done, as for a reopened
        issue.
        """
        if self.fields.status.status_category.key != "done":
            return None
        return self.fields.resolutiondate or self.fields.statuscategorychangedate

    @property
    def not_done(self) -> str | None:
        """The reason why the issue is not done. A reopened issue may still have a resolution."""
        if self.done_at is not None:
            return None
        fields = self.fields
        if fields.status.status_category.key == "done":
            return "Done, with neither a resolution date nor a status category change date"
        why = f"status is {fields.status.name}"
        return f"resolved, yet its {why}" if fields.resolution or fields.resolutiondate else why

    def record(
        self, site: str, ids: Mapping[str, str], began: datetime | None = None, unless: Collection[str] | None = None
    ) -> Record:
        """The record of the issue. `began` is the time when work on the issue began, if a measure needs this time.

        An issue is not delivered if its resolution is one of `unless`. If `unless` is None, an issue counts with any
        resolution. The record has a remark if the resolution suggests that the issue was not delivered.
        """
        raw, created, done_at, not_done = self.fields.raw, self.fields.created, self.done_at, self.not_done
        resolution, remark = str((self.fields.resolution or {}).get("name") or ""), None
        if done_at is not None and same_name(resolution) in map(same_name, unless or ()):
            done_at, not_done = None, f"resolved as {resolution}, which `delivered_unless` leaves out"
        elif done_at is not None and unless is None and same_name(resolution) in _HARDLY_DELIVERED:
            remark = f"resolved as {resolution}; `delivered_unless` of the connection decides whether that counts"
        fields: dict[str, Sequence[Scalar]] = {name: elements(raw.get(ids[name])) for name in ids}
        starts = {"lead_time": created, "cycle_time": began}
        fields |= {name: lead_time(start, done_at) for name, start in starts.items() if name in ids}
        title, url = self.fields.summary or self.key, f"{site}/browse/{self.key}"
        times = self.updated, created, done_at
        return Record(self.id, self.key, title, url, *times, not_done, fields, remark=remark)


def field_ids(needs: Collection[str], listed: Callable[[], Sequence[ListedField]]) -> dict[str, str]:
    """The field id for each name that is needed.

    `listed` returns the server's fields. syncd calls it only for a field that some Jira sites lack.
    """
    ids = {name: FIELD_IDS[name] for name in sorted(needs) if name in FIELD_IDS}
    for name in sorted(set(needs) - FIELD_IDS.keys()):
        fields = listed()
        matches = ids_of(name, fields)
        if not matches:
            raise UnknownField(name, FIELD_IDS.keys() | {field.name for field in fields})
        if len(matches) > 1:
            ids_ = ", ".join(matches)
            raise UnusableField(name, f"{len(matches)} fields are named {name!r}; write an id instead: {ids_}")
        ids[name] = matches[0]
    return ids


def ids_of(name: str, fields: Collection[ListedField]) -> list[str]:
    """The ids of the fields that a name may mean. The name is compared with ids, then with names exactly, then with
    names ignoring case.
    """
    return (
        [field.id for field in fields if field.id == name]
        or [field.id for field in fields if field.name == name]
        or [field.id for field in fields if same_name(field.name) == same_name(name)]
    )


def same_name(name: str) -> str:
    """The normal form of a name. Names that Jira treats as equal have the same form."""
    return normalize("NFC", normalize("NFD", name).casefold())


def elements(value: Any) -> list[Scalar]:
    """The elements of a field, from any JSON: each element of a list; for an object, the name that people see.

    A cascading option has two elements: its own value and its child's value. An object without a name has no element,
    because no filter could name it.
    """
    match value:
        case bool():
            return [str(value).lower()]
        case int() | float():
            return [float(value)]
        case str():
            sprint = _SPRINT.match(value)
            return [sprint[1] if sprint else value]
        case list():
            return [element for item in value for element in elements(item)]
        case {"value": parent, **rest}:
            return elements(parent) + elements(rest.get("child"))
        case {"displayName": str(name)} | {"name": str(name)} | {"key": str(name)}:
            return [name]
    return []
