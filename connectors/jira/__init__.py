"""Jira, Cloud and Data Center, through the jira library: the issues of a JQL query, and check-ins to issues.

`source` pulls issues and takes their census by a `walk` over the list. `client` sends the requests, `jql` adds a time
bound to the query, and `answers`, `fields` and `changelog` are the parts of the answers that are read. `publisher`
writes to the fields of an edit `screen`, and comments in Jira's `markup`. The library is imported at its first use.
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
    reconcile: Duration = Field(timedelta(hours=1), description="How often to check for deleted records.")


class JiraMeasure(RecordKeys):
    """The keys that a `jira` connection adds to a measure."""

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
        """The query without its ORDER BY: syncd decides the order."""
        return [unordered(self.jql)]

    def fields(self) -> None:
        """None: any field by name or id, and only the server knows which there are."""

    def never(self, asked: Mapping[str, Collection[str | None]]) -> str | None:
        """Only issues that are done count, and a query may exclude all of them."""
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
