"""GitHub through PyGithub and its REST API: reads pull requests, issues, releases and deployments, and writes check-ins
to issues.

`settings` has the YAML keys. `rows` has the parts of GitHub's responses that syncd reads. `client` opens the
connection, and `api` sends the requests. `source` pulls lists. `issues_walk`, `pulls_walk` and `walks` read lists that
change while they are read. `deployments_walk`, `runs_walk` and `tags` read the lists whose rows are in `delivery_rows`.
`deployed_walk` finds out when a pull request was first deployed; `contents` finds the commits of each deployment.
`publisher` writes check-ins through `issues`. `marked` puts a check-in between marks in a text, and `markdown` prevents
texts from notifying people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from connectors.github.settings import GitHubMeasure, GitHubPublish, GitHubSettings
from syncd.sdk import Context, Webhook

if TYPE_CHECKING:
    from connectors.github.publisher import GitHubPublisher
    from connectors.github.source import GitHubSource


class GitHub:
    """The connector."""

    summary: ClassVar[str] = "pull requests, issues, releases and deployments of GitHub; check-ins to issues"
    Settings = GitHubSettings
    Measure = GitHubMeasure
    Publish = GitHubPublish
    webhook = Webhook(signature="x-hub-signature-256", delivery="x-github-delivery")

    @staticmethod
    def open(settings: GitHubSettings, context: Context) -> GitHubSource:
        """Opens a source. Makes no request yet."""
        from connectors.github.source import GitHubSource

        return GitHubSource(settings, context)

    @staticmethod
    def publisher(settings: GitHubSettings, context: Context, keys: GitHubPublish) -> GitHubPublisher:
        """Opens a publisher. Makes no request yet."""
        from connectors.github.publisher import GitHubPublisher

        return GitHubPublisher(settings, context, keys)
