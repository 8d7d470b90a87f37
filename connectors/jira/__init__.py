"""Jira, Cloud and Data Center, through the jira library: reads the issues of a JQL query, and writes check-ins to
issues.

`settings` has the YAML keys. `source` pulls issues and takes their census by a `walk` over the list. `client` sends the
requests, and `jql` adds a time bound to the query. `answers`, `fields` and `changelog` model the parts of Jira's
responses that syncd reads. `publisher` writes to the fields on an edit `screen`, and writes comments in Jira's
`markup`. `audience` sets who sees the comments. A process that only reads mappings imports only the keys. The jira
library is imported at its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from connectors.jira.settings import JiraMeasure, JiraPublish, JiraSettings
from syncd.sdk import Context, Webhook

if TYPE_CHECKING:
    from connectors.jira.publisher import JiraPublisher
    from connectors.jira.source import JiraSource


class Jira:
    """The connector."""

    summary: ClassVar[str] = "issues of Jira Cloud and Data Center that are done, by JQL; check-ins to issues"
    Settings = JiraSettings
    Measure = JiraMeasure
    Publish = JiraPublish
    webhook = Webhook(signature="x-hub-signature", delivery="x-atlassian-webhook-identifier")

    @staticmethod
    def open(settings: JiraSettings, context: Context) -> JiraSource:
        """Opens a source. Makes no request yet."""
        from connectors.jira.source import JiraSource

        return JiraSource(settings, context)

    @staticmethod
    def publisher(settings: JiraSettings, context: Context, keys: JiraPublish) -> JiraPublisher:
        """Opens a publisher. Makes no request yet."""
        from connectors.jira.publisher import JiraPublisher

        return JiraPublisher(settings, context, keys)
