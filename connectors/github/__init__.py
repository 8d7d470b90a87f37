"""GitHub through PyGithub and its REST API: pull requests, issues, releases and deliveries; check-ins on issues.

`settings` has the YAML keys, `rows` the parts of GitHub's answers that are read, `client` the connection and `api` the
requests. `source` pulls lists: `issues_walk`, `pulls_walk` and `walks` read them while they change;
`deployments_walk`, `runs_walk` and `tags` read those of `delivery_rows`, and `deployed_walk` tells by the `contents` of
deployments when a pull request was delivered. `publisher` writes to `issues`, in blocks that are `marked` in texts, as
`markdown` without side effects.
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
        """A source; makes no request yet."""
        from connectors.github.source import GitHubSource

        return GitHubSource(settings, context)

    @staticmethod
    def publisher(settings: GitHubSettings, context: Context, keys: GitHubPublish) -> GitHubPublisher:
        """A publisher; makes no request yet."""
        from connectors.github.publisher import GitHubPublisher

        return GitHubPublisher(settings, context, keys)
