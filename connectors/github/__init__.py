"""GitHub through PyGithub: merged pull requests, closed issues and releases, by REST alone; check-ins on issues.

`settings` are its YAML keys, `rows` what is read of GitHub's answers, `client` the connection, `api` the requests,
`source` the walks; `publisher` writes to `issues`, by blocks that are `marked` in texts, in `markdown` that is inert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from connectors.github.settings import GitHubMeasure, GitHubPublish, GitHubSettings
from syncd.sdk import Context

if TYPE_CHECKING:
    from connectors.github.publisher import GitHubPublisher
    from connectors.github.source import GitHubSource


class GitHub:
    """The connector."""

    summary: ClassVar[str] = "merged pull requests, closed issues and releases of GitHub; check-ins to issues"
    Settings = GitHubSettings
    Measure = GitHubMeasure
    Publish = GitHubPublish

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
