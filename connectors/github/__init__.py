"""GitHub through PyGithub: merged pull requests, closed issues and releases, by REST alone.

`settings` are its YAML keys, `rows` what is read of GitHub's answers, `api` the requests, `source` the walks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from connectors.github.settings import GitHubMeasure, GitHubSettings
from syncd.sdk import Context

if TYPE_CHECKING:
    from connectors.github.source import GitHubSource


class GitHub:
    """The connector."""

    summary: ClassVar[str] = "merged pull requests, closed issues and releases of GitHub and GitHub Enterprise"
    Settings = GitHubSettings
    Measure = GitHubMeasure

    @staticmethod
    def open(settings: GitHubSettings, context: Context) -> GitHubSource:
        """A source; makes no request yet."""
        from connectors.github.source import GitHubSource

        return GitHubSource(settings, context)
