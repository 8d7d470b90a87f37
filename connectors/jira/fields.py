"""What of an issue is read: its place in a walk, whether it is done and since when, the fields that measures name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

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
}
ALWAYS = ("summary", "status", "resolution", "resolutiondate", "statuscategorychangedate", "created", "updated")

# How Data Center writes a sprint: com.atlassian.greenhopper.service.sprint.Sprint@1f[id=4,state=ACTIVE,name=Sprint 4,…]
_SPRINT = re.compile(r"com\.atlassian\.greenhopper\.[\w.]*Sprint@\w+\[(?:.*?,)?name=([^,\]]*)", re.DOTALL)


class _Updated(Answer):
    updated: AwareDatetime


class Id(Answer):
    """An issue, as far as a census asks on a single page."""

    id: str


class Place(Id):
    """An issue's place in the walk; all that a census asks for that is walked."""

    fields: _Updated

    @property
    def updated(self) -> datetime:
        """Its newest edit."""
        return self.fields.updated


class _Category(Answer):
    key: str


class _Status(Answer):
    name: str
    status_category: _Category


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

    def record(self, site: str, ids: Mapping[str, str]) -> Record:
        """Done where its status category says so now. A reopened issue may still carry its resolution."""
        said = self.fields
        done_at = not_done = None
        if said.status.status_category.key == "done":
            done_at = said.resolutiondate or said.statuscategorychangedate
            if done_at is None:
                not_done = "Done, with neither a resolution date nor a status category change date"
        else:
            not_done = f"status is {said.status.name}"
            if said.resolution or said.resolutiondate:
                not_done = f"resolved, yet its {not_done}"
        fields: dict[str, Sequence[Scalar]] = {name: elements(said.raw.get(ids[name])) for name in ids}
        if "lead_time" in ids:
            took = done_at - said.created if done_at and said.created else None
            fields["lead_time"] = [] if took is None else [took.total_seconds() / 86400]
        title, url = said.summary or self.key, f"{site}/browse/{self.key}"
        return Record(self.id, self.key, title, url, said.updated, said.created, done_at, not_done, fields)


def field_ids(needs: Collection[str], listed: Callable[[], Sequence[ListedField]]) -> dict[str, str]:
    """The id behind each name that is needed: an id itself, a name as it is written, a name in other case.

    `listed` gives the server's fields; it is called only for a name that not every Jira has.
    """
    ids = {name: FIELD_IDS[name] for name in sorted(needs) if name in FIELD_IDS}
    for name in sorted(set(needs) - FIELD_IDS.keys()):
        fields = listed()
        found = (
            [field.id for field in fields if field.id == name]
            or [field.id for field in fields if field.name == name]
            or [field.id for field in fields if field.name.casefold() == name.casefold()]
        )
        if not found:
            raise UnknownField(name, FIELD_IDS.keys() | {field.name for field in fields})
        if len(found) > 1:
            raise ConfigError(f"{len(found)} fields are named {name!r}; write one's id instead: {', '.join(found)}")
        ids[name] = found[0]
    return ids


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
