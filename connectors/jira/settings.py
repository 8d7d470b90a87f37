"""The YAML keys of a Jira connection, of its measures, and of check-ins to issues."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from connectors.jira.jql import balanced, named_projects, never_done, unordered
from syncd.sdk import (
    ConnectionSettings,
    Duration,
    FieldType,
    Json,
    PublishKeys,
    RecordKeys,
    Secret,
    Stated,
    WebAddress,
    WebSettings,
)
from syncd.sdk.block import SHOWN
from syncd.sdk.key_rules import refuse, text

_IN_ANY_CASE = frozenset({"type", "issuetype", "issue type", "status", "priority", "resolution"})

_TEXTS = "type status priority label component assignee resolution created updated resolutiondate duedate summary"
_FIELD_TYPES: Mapping[str, FieldType] = {
    **dict.fromkeys(_TEXTS.split(), "text"),
    "lead_time": "days",
    "cycle_time": "days",
}

WITHOUT_EMAIL = "an API token of Jira Cloud needs the account's address: write email beside token"


def _project_key(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", value):
        raise ValueError(f"is {value!r}, which is not the key of a project; write a key such as KB")
    return value.upper()


class JiraSettings(WebSettings):
    """A Jira site."""

    asked = ("url", "email", "token")

    url: WebAddress = Field(
        description="The address of the site, as in a browser; for a scoped token https://api.atlassian.com/ex/jira/ID."
    )
    email: str | None = Field(None, description="The email address of the account, for an API token of Jira Cloud.")
    token: Secret = Field(
        description="An API token of Jira Cloud (with `email`), or a personal access token of Data Center (without "
        "`email`)."
    )
    reconcile: Duration = Field(timedelta(hours=1), description="How often to check for deleted records.")
    allow: list[Annotated[str, AfterValidator(_project_key)]] | None = Field(
        None, min_length=1, description="The keys of the projects that mappings may read. By default all."
    )
    delivered_unless: list[str] | None = Field(
        None,
        description="The resolutions of issues that do not count, such as Won't Do. With `[]`, issues with any "
        "resolution count.",
    )

    work: list[Annotated[str, AfterValidator(_project_key)]] = Field(
        [], description="The keys of projects whose done issues count as work even if no measure counts them."
    )

    @field_validator("work")
    @classmethod
    def _allowed_too(cls, value: list[str], info: ValidationInfo) -> list[str]:
        allow: Sequence[str] | None = info.data.get("allow")
        for project in value if allow is not None else ():
            if project not in (allow or ()):
                raise ValueError(f"has {project}, which 'allow' leaves out; add {project} to 'allow', or drop it here")
        return value

    def work_lists(self) -> Iterator[Mapping[str, Json]]:
        """The lists of work that Jira has: a query for each project."""
        for project in self.work:
            yield {"jql": f'project = "{project}"'}

    def warnings(self) -> Iterator[tuple[str, str]]:
        """Warns of an API token without the account's e-mail address, which Jira Cloud needs."""
        if self.email is None and self.is_cloud:
            yield "token", WITHOUT_EMAIL

    @property
    def is_cloud(self) -> bool:
        """Whether the address belongs to a site of Jira Cloud."""
        return (urlsplit(self.url).hostname or "").endswith((".atlassian.net", ".jira.com", ".jira-dev.com"))


_NO_BOTS = "is not known in Jira; name the accounts, as in not_Reporter: [Automation, '*bot*']"
_JQL = text(
    r"^(?!\s*([oO][rR][dD][eE][rR]\s+[bB][yY]\b|$))", "restricts nothing; write which issues, as in project = KB"
)


class JiraMeasure(RecordKeys):
    """The keys that a `jira` connection adds to a measure."""

    rules = tuple(
        refuse({"required": ["where"], "properties": {"where": {"required": [key]}}}, f"{key} {_NO_BOTS}")
        for key in ("author_is", "not_author_is")
    )
    field_types = _FIELD_TYPES

    jql: Annotated[str, WithJsonSchema(_JQL)] = Field(
        description="A query for issues, as in Jira's search. Of these issues, the done ones count."
    )

    @field_validator("jql")
    @classmethod
    def _restricts(cls, value: str) -> str:
        if not unordered(value):
            raise ValueError(f"is {value!r}, which restricts nothing; write which issues, as in project = KB")
        if not balanced(value):
            raise ValueError(f"is {value!r}, whose brackets do not match")
        return value

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """The stream: the query without its ORDER BY, because syncd sets the order."""
        return [unordered(self.jql)]

    def refusal(self, settings: ConnectionSettings) -> tuple[str, str] | None:
        """The refusal, if the query names a project key that the connection does not allow. A project's name or id is
        checked during the pull.
        """
        assert isinstance(settings, JiraSettings)
        for project in named_projects(self.jql) if settings.allow is not None else ():
            if project.is_key and project.name not in (settings.allow or ()):
                allowed = " or ".join(settings.allow or ())
                return "jql", (
                    f"asks for the project {project.name}, and its connection allows {allowed}; write an allowed "
                    f"project, or whoever owns syncd.yaml may add {project.name} to 'allow'"
                )
        return None

    def restriction(self, settings: ConnectionSettings) -> str | None:
        """The projects that its connection allows."""
        assert isinstance(settings, JiraSettings)
        if settings.allow is None:
            return None
        word = "project" if len(settings.allow) == 1 else "projects"
        return f"only of the {word} {', '.join(settings.allow)}, which 'allow' of the connection lists"

    def fields(self) -> None:
        """None, because a measure may use any field of the server by name or id."""

    def ignores_case(self, field: str) -> bool:
        """Whether comparisons of a field ignore case, as Jira and JQL do in types, statuses, priorities and
        resolutions.
        """
        return field.casefold() in _IN_ANY_CASE

    def objection(self, field: str, values: Collection[str | None]) -> str | None:
        """Refuses `author_is`: an issue has a reporter and an assignee, and Data Center does not mark apps."""
        if field != "author_is":
            return None
        return _NO_BOTS

    def never(self, asked: Mapping[str, Collection[str | None]]) -> str | None:
        """The reason why the query can never count an issue, because only done issues count and the query excludes
        them; None if it can.
        """
        condition = never_done(self.jql)
        return f"asks for {condition}, and only what is done counts" if condition else None


def _issue_key(value: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]+-\d+", value):
        raise ValueError(f"is {value!r}, which is not an issue key; write a key such as SUP-12")
    return value


class Visibility(BaseModel):
    """Who sees the comment, besides administrators: the members of a project role or of a group."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: str | None = Field(None, min_length=1, description="A role of the project, such as Developers.")
    group: str | None = Field(None, min_length=1, description="A group of the site, such as jira-developers.")

    @model_validator(mode="after")
    def _is_role_or_group(self) -> Visibility:
        if (self.role is None) == (self.group is None):
            raise ValueError("takes a role or a group; write such as {role: Developers}")
        return self


class JiraPublish(PublishKeys):
    """Which issues check-ins are written to, and which parts of them."""

    issues: Mapping[str, Annotated[str, AfterValidator(_issue_key)]] = Field(
        min_length=1, description="The issue for each key result, by the id of the key result: `{calls: SUP-12}`."
    )
    fields: Mapping[Stated, Annotated[str, Field(min_length=1)]] = Field(
        {}, description="The field for each value, by the name or id of the field: `{value: Current value}`."
    )
    comment: bool = Field(
        False, strict=True, description="Whether to write a comment on the issue and keep it up to date."
    )
    internal: bool = Field(
        False,
        strict=True,
        description="Whether the comment is hidden from the customers of a service project (Jira Service Management).",
    )
    visibility: Visibility | None = Field(
        None,
        description="Who sees the comment: `{role: Developers}` or `{group: jira-developers}`. By default everybody.",
    )
    notify: bool = Field(
        True,
        strict=True,
        description="Whether Jira notifies people of edits. `false` needs an account that administers the project.",
    )

    @field_validator("fields")
    @classmethod
    def _distinct_fields(cls, value: Mapping[Stated, str]) -> Mapping[Stated, str]:
        for field, names in shared(value.items()):
            raise ValueError(f"write another field for one of {' and '.join(names)}: {field!r} holds one value")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> JiraPublish:
        if not self.fields and not self.comment:
            raise ValueError("write what the issues get: fields, or comment: true, or both")
        if not self.comment and (self.internal or self.visibility is not None):
            key = "internal" if self.internal else "visibility"
            raise ValueError(f"{key} says who sees the comment; write comment: true too, or leave it out")
        for issue, names in shared(self.issues.items()) if self.fields else ():
            same = " and ".join(names)
            raise ValueError(f"write another issue for one of {same}: the fields of {issue} hold one key result each")
        return self

    def names(self) -> Collection[str]:
        """The key results that have an issue."""
        return self.issues.keys()

    def uses(self) -> Collection[str]:
        """The parts of a check-in that the fields and the comment show."""
        return {*self.fields, *(SHOWN if self.comment else ())}

    def daily(self) -> Collection[str]:
        """The parts that change daily: `as_of`, if a field is configured for it."""
        return {"as_of"} & self.fields.keys()

    def target(self, key_result: str) -> str:
        """The target, such as `SUP-12 (calls)`. The target names the key result, because an issue may have comments for
        several key results.
        """
        return f"{self.issues[key_result]} ({key_result})"

    def how(self, key_result: str) -> Json:
        """All keys except `issues`, because a change of another key result's issue makes no difference."""
        keys: Json = self.model_dump(mode="json", exclude={"issues"}, exclude_defaults=True)
        return keys


def shared(names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Each value that several names share, with those names. `names` are pairs of a name and its value."""
    by_value: dict[str, list[str]] = {}
    for name, value in names:
        by_value.setdefault(value, []).append(name)
    return ((value, sharing) for value, sharing in by_value.items() if len(sharing) > 1)
