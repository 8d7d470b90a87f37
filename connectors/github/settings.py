"""The YAML keys of GitHub connections and measures."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from syncd.sdk import ConnectionSettings, Duration, RecordKeys, Secret, WebAddress

What = Literal["merged_pull_requests", "closed_issues", "releases"]
_KINDS: Mapping[What, str] = {
    "merged_pull_requests": "pull request",
    "closed_issues": "issue",
    "releases": "release",
}
_FIELDS: Mapping[What, frozenset[str]] = {
    "merged_pull_requests": frozenset(
        {"author", "label", "base", "milestone", "draft", "title", "number", "lead_time"}
    ),
    "closed_issues": frozenset({"author", "label", "milestone", "state_reason", "title", "number", "lead_time"}),
    "releases": frozenset({"author", "title", "draft", "prerelease", "tag", "base", "lead_time"}),
}
_NEVER_DONE: Mapping[What, tuple[str, frozenset[str | None]]] = {
    "merged_pull_requests": ("draft", frozenset({"true"})),  # GitHub refuses to merge one
    "closed_issues": ("state_reason", frozenset({"not_planned", "duplicate"})),
    "releases": ("draft", frozenset({"true"})),
}
_OF_PULLS_ALONE = frozenset({"base", "draft"})


class GitHubSettings(ConnectionSettings):
    """A GitHub or GitHub Enterprise account."""

    url: WebAddress = Field("https://api.github.com", description="The API; for GitHub Enterprise https://HOST/api/v3.")
    token: Secret | None = Field(None, description="A personal access token.")
    app_id: int | str | None = Field(None, description="A GitHub App's id, with installation_id and private_key.")
    installation_id: int | str | None = Field(None, description="The App's installation.")
    private_key: str | None = Field(
        None, description="The file with the App's private key (PEM), or ${NAME} with the key."
    )
    timeout: float = Field(30, gt=0, description="Seconds to wait for an answer.")
    reconcile: Duration = Field(timedelta(days=1), description="How often to look for what vanished in silence.")

    @field_validator("private_key")
    @classmethod
    def _not_the_key_itself(cls, value: str | None, info: ValidationInfo) -> str | None:
        resolved = bool(info.context and info.context.get("resolved"))
        if value is not None and not resolved and "PRIVATE KEY-----" in value:
            raise ValueError("is a secret written out; name the file that holds it")
        return value

    @model_validator(mode="after")
    def _whole_app(self) -> GitHubSettings:
        app = (self.app_id, self.installation_id, self.private_key)
        if any(app) and not all(app):
            raise ValueError("needs app_id, installation_id and private_key, all three")
        if any(app) and self.token:
            raise ValueError("has a token and an App; keep one of them")
        return self


class GitHubMeasure(RecordKeys):
    """What GitHub adds to a measure."""

    what: What = Field(description="What is counted.")
    repo: str | list[str] = Field(description="OWNER/NAME, a list of them, or OWNER/* for every repository.")

    @field_validator("repo")
    @classmethod
    def _owner_and_name(cls, value: str | list[str]) -> str | list[str]:
        for repo in [value] if isinstance(value, str) else value:
            if not re.fullmatch(r"[\w.-]+/(\*|[\w.-]+)", repo):
                raise ValueError(f"is {repo!r}; write OWNER/NAME, or OWNER/* for every repository")
        if not value:
            raise ValueError("is empty; write OWNER/NAME")
        return value

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """One list for each repository.

        Issues and pull requests are read from /issues, which weighs a fifth of /pulls and knows `since`; pull requests
        of which a measure asks what /pulls alone has are read from there.
        """
        repos = [self.repo] if isinstance(self.repo, str) else self.repo
        if self.what == "releases":
            of = "releases"
        else:
            of = "pulls" if self.what == "merged_pull_requests" and _OF_PULLS_ALONE & set(fields) else "issues"
        return list(dict.fromkeys(f"{of} of {repo}" for repo in repos))

    def fields(self) -> Collection[str]:
        """The fields of what is counted."""
        return _FIELDS[self.what]

    def record_kind(self) -> str:
        """A list of issues holds pull requests too."""
        return _KINDS[self.what]

    def never(self, asked: Mapping[str, Collection[str | None]]) -> str | None:
        """Drafts are neither merged nor published, and what is closed as not planned or as a duplicate is not done."""
        field, undone = _NEVER_DONE[self.what]
        if field not in asked or not undone.issuperset(asked[field]):
            return None
        values = " or ".join(str(value) for value in sorted(asked[field], key=str))
        return f"asks for {self.what} whose {field} is {values}, and none such counts"
