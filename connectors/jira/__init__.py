"""Jira, Cloud and Data Center, through the jira library: the issues of a JQL query, and check-ins to issues.

`source` pulls them and takes their census, by a `walk` over the list; `client` asks the site; `jql` bounds the query;
`answers`, `fields` and `changelog` are what is read of what it says. `publisher` writes: to the fields of an edit
`screen`, and comments in Jira's `markup`. The library is imported where it is first needed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import ClassVar

from pydantic import Field, field_validator

from connectors.jira.jql import balanced, never_done, unordered
from connectors.jira.publisher import JiraPublish, JiraPublisher
from connectors.jira.source import JiraSource
from syncd.sdk import ConnectionSettings, Context, Duration, RecordKeys, Secret, WebAddress

__all__ = ["Jira", "JiraMeasure", "JiraPublish", "JiraPublisher", "JiraSettings", "JiraSource"]


class JiraSettings(ConnectionSettings):
    """A Jira site."""

    url: WebAddress = Field(
        description="The site, as in a browser; for a scoped token https://api.atlassian.com/ex/jira/ID."
    )
    email: str | None = Field(None, description="The account's address, with an API token of Jira Cloud.")
    token: Secret = Field(description="An API token (with email), or a personal access token of Data Center (alone).")
    timeout: float = Field(30, gt=0, description="Seconds to wait for an answer.")
    reconcile: Duration = Field(timedelta(hours=1), description="How often to look for what vanished in silence.")


class JiraMeasure(RecordKeys):
    """What Jira adds to a measure."""

    jql: str = Field(description="Which issues, as in Jira's search. Those that are done count.")

    @field_validator("jql")
    @classmethod
    def _restricts(cls, value: str) -> str:
        if not unordered(value):
            raise ValueError(f"is {value!r}, which restricts nothing; write which issues, as in project = KB")
        if not balanced(value):
            raise ValueError(f"is {value!r}, whose brackets do not match")
        return value

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """The query itself; in what order it lists its issues is ours to say."""
        return [unordered(self.jql)]

    def fields(self) -> None:
        """Only the server knows them: any field, by name or id."""

    def never(self, asked: Mapping[str, Collection[str | None]]) -> str | None:
        """Only what is done counts, and a query may leave just that out."""
        condition = never_done(self.jql)
        return f"asks for {condition}, and only what is done counts" if condition else None


class Jira:
    """The connector."""

    summary: ClassVar[str] = "issues of Jira Cloud and Data Center that are done, by JQL; check-ins to issues"
    Settings = JiraSettings
    Measure = JiraMeasure
    Publish = JiraPublish

    @staticmethod
    def open(settings: JiraSettings, context: Context) -> JiraSource:
        """A source; makes no request yet."""
        return JiraSource(settings, context)

    @staticmethod
    def publisher(settings: JiraSettings, context: Context, keys: JiraPublish) -> JiraPublisher:
        """A publisher; makes no request yet."""
        return JiraPublisher(settings, context, keys)
