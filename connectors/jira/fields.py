"""What of an issue is read: its place in a walk, whether it is done and since when, the fields that measures name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from pydantic import AwareDatetime, model_validator

from connectors.jira.answers import Answer, ListedField
from syncd.sdk import ConfigError, Record, Scalar, UnknownField

FIELD_IDS: Mapping[str, str] = {
    "type": "issuetype",
    "status": "status",
    "priority": "priority",
    "label": "labels",
    "component": "components",
    "assignee": "assignee",
    "lead_time": "created",  # in days, from there until done
    "cycle_time": "created",  # in days, from when work began, which the changelog tells, until done
}
ALWAYS = ("summary", "status", "resolution", "resolutiondate", "statuscategorychangedate", "created", "updated")

# How Data Center writes a sprint: com.atlassian.greenhopper.service.sprint.Sprint@1f[id=4,state=ACTIVE,name=Sprint 4,…]
_SPRINT = re.compile(r"com\.atlassian\.greenhopper\.[\w.]*Sprint@\w+\[(?:.*?,)?name=([^,\]]*)", re.DOTALL)


class _Updated(Answer):
    updated: AwareDatetime


class Id(Answer):
    """An issue, as far as a census asks on a single page; `expand` is what a search is to show beside its fields."""

    expand: ClassVar[str | None] = None

    id: str


class Place(Id):
    """An issue's place in the walk; all that a census asks for that is walked."""

    fields: _Updated

    @property
    def updated(self) -> datetime:
        """Its newest edit."""
        return self.fields.updated


class Category(Answer):
    """A status' category: `new`, `indeterminate` (In Progress), `done`, or `undefined`."""

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
    """An issue, as a pull asks for it."""

    key: str
    fields: _Fields

    @property
    def done_at(self) -> datetime | None:
        """The moment that it counts on, where its status category says done. One that is reopened is not done."""
        if self.fields.status.status_category.key != "done":
            return None
        return self.fields.resolutiondate or self.fields.statuscategorychangedate

    @property
    def not_done(self) -> str | None:
        """Why it does not count. A reopened issue may still carry its resolution."""
        if self.done_at is not None:
            return None
        said = self.fields
        if said.status.status_category.key == "done":
            return "Done, with neither a resolution date nor a status category change date"
        why = f"status is {said.status.name}"
        return f"resolved, yet its {why}" if said.resolution or said.resolutiondate else why

    def record(self, site: str, ids: Mapping[str, str], began: datetime | None = None) -> Record:
        """As it stands now; `began` is when work on it did, where somebody wants to know."""
        said, done_at = self.fields, self.done_at
        fields: dict[str, Sequence[Scalar]] = {name: elements(said.raw.get(ids[name])) for name in ids}
        for name, since in (("lead_time", said.created), ("cycle_time", began)):
            if name in ids:
                took = done_at - since if done_at and since else None
                fields[name] = [] if took is None else [took.total_seconds() / 86400]
        title, url = said.summary or self.key, f"{site}/browse/{self.key}"
        return Record(self.id, self.key, title, url, said.updated, said.created, done_at, self.not_done, fields)


def field_ids(needs: Collection[str], listed: Callable[[], Sequence[ListedField]]) -> dict[str, str]:
    """The id behind each name that is needed.

    `listed` gives the server's fields; it is called only for a name that not every Jira has.
    """
    ids = {name: FIELD_IDS[name] for name in sorted(needs) if name in FIELD_IDS}
    for name in sorted(set(needs) - FIELD_IDS.keys()):
        fields = listed()
        found = ids_of(name, fields)
        if not found:
            raise UnknownField(name, FIELD_IDS.keys() | {field.name for field in fields})
        if len(found) > 1:
            raise ConfigError(f"{len(found)} fields are named {name!r}; write one's id instead: {', '.join(found)}")
        ids[name] = found[0]
    return ids


def ids_of(name: str, fields: Collection[ListedField]) -> list[str]:
    """The fields that a name may mean: an id itself, a name as it is written, a name in other case."""
    return (
        [field.id for field in fields if field.id == name]
        or [field.id for field in fields if field.name == name]
        or [field.id for field in fields if field.name.casefold() == name.casefold()]
    )


def elements(value: Any) -> list[Scalar]:
    """A field's elements, from whatever JSON it is: lists one by one, objects by the name that people see.

    A cascading option is its own and its child's; an object that has no name is nothing that a filter can name.
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
