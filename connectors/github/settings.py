"""The YAML keys of GitHub connections, measures and check-ins."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt, ValidationInfo, WithJsonSchema, field_validator, model_validator

from connectors.github.measure_rules import SINGLE_ENVIRONMENT, measure_rules
from syncd.sdk import (
    ConnectionSettings,
    ExcludedMembers,
    FieldType,
    Json,
    PublishKeys,
    RecordKeys,
    Secret,
    WebAddress,
    WebSettings,
    not_allowed,
)
from syncd.sdk.block import SHOWN
from syncd.sdk.key_rules import text

What = Literal[
    "merged_pull_requests",
    "closed_issues",
    "releases",
    "tags",
    "deployments",
    "workflow_runs",
    "deployed_pull_requests",
]
_KINDS: Mapping[What, str] = {
    "merged_pull_requests": "pull request",
    "closed_issues": "issue",
    "releases": "release",
    "tags": "tag",
    "deployments": "deployment",
    "workflow_runs": "workflow run",
    "deployed_pull_requests": "deployed pull request",
}
_OF_PULLS = frozenset({"author", "author_is", "label", "base", "milestone", "draft", "title", "number", "lead_time"})
_FIELDS: Mapping[What, frozenset[str]] = {
    "merged_pull_requests": _OF_PULLS,
    "closed_issues": frozenset(
        {"author", "author_is", "label", "milestone", "state_reason", "type", "title", "number", "lead_time"}
    ),
    "releases": frozenset({"author", "author_is", "title", "draft", "prerelease", "tag", "base", "lead_time"}),
    "tags": frozenset({"tag", "title", "annotated"}),
    "deployments": frozenset({"author", "author_is", "environment", "conclusion", "ref", "task", "title", "lead_time"}),
    "workflow_runs": frozenset(
        {"author", "author_is", "workflow", "conclusion", "branch", "event", "title", "number", "lead_time"}
    ),
    "deployed_pull_requests": _OF_PULLS | {"environment", "conclusion"},
}
_FIELD_TYPES: Mapping[str, FieldType] = {
    **dict.fromkeys(frozenset[str]().union(*_FIELDS.values()), "text"),
    "lead_time": "days",
    "number": "number",
    **dict.fromkeys(("annotated", "draft", "prerelease"), "truth"),
}
_IN_ANY_CASE = frozenset({"author", "author_is", "label", "type", "environment"})
_LISTS: Mapping[What, str] = {
    "releases": "releases",
    "tags": "tags",
    "deployments": "deployments",
    "workflow_runs": "workflow runs",
}
FINISHED = "finished deployments"
"""The prefix of a stream's name. In such a stream, deployments are done when they end, with any conclusion."""
DEPLOYED_TO = "pulls deployed to "
"""The prefix of the name of a stream of pull requests that were deployed to an environment."""
_PRODUCTION = "production"  # GitHub's own default for a deployment
_UNDERWAY = frozenset({"pending", "queued", "in_progress", "waiting", None})
_APPS = frozenset(  # apps whose logins end in [bot]
    {
        "allcontributors", "codecov", "copilot-swe-agent", "dependabot", "dependabot-preview", "github-actions",
        "greenkeeper", "imgbot", "mergify", "pre-commit-ci", "release-please", "renovate", "semantic-release", "snyk",
        "stale",
    }
)  # fmt: skip
_NEVER_DONE: Mapping[str, tuple[str, frozenset[str | None]]] = {
    "closed_issues": ("state_reason", frozenset({"not_planned", "duplicate"})),
    "releases": ("draft", frozenset({"true"})),
}
_OF_PULLS_ALONE = frozenset({"base", "draft"})
_LONGEST_PREFIX = 40  # a label has 50 characters at most; " off track" takes ten


class GitHubSettings(WebSettings):
    """A GitHub or GitHub Enterprise account."""

    asked = ("url", "token")

    url: WebAddress = Field(
        "https://api.github.com", description="The address of the API; for GitHub Enterprise https://HOST/api/v3."
    )
    token: Secret | None = Field(None, description="A personal access token.")
    app_id: StrictInt | str | None = Field(
        None, description="The id of a GitHub App; needs installation_id and private_key too."
    )
    installation_id: StrictInt | str | None = Field(None, description="The id of the App's installation.")
    private_key: str | None = Field(
        None, description="The file with the App's private key (PEM), or ${NAME} with the key."
    )
    allow: list[str] | None = Field(
        None,
        description="The repositories that mappings may read, such as acme/*. By default all.",
    )
    exclude: ExcludedMembers = Field(
        [], description="Repositories that OWNER/* excludes: names (`*` stands for any text), `archived`, `forks`."
    )
    work: list[str] = Field(
        [],
        description="Repositories, such as acme/*, whose merged pull requests and closed issues count as work even if"
        " no measure counts them.",
    )

    def credential_name(self) -> str | None:
        """The App and its installation, because all private keys of an App share one quota."""
        return f"app {self.app_id}, installation {self.installation_id}" if self.app_id is not None else None

    def work_lists(self) -> Iterator[Mapping[str, Json]]:
        """The lists of work that GitHub has: merged pull requests and closed issues."""
        for what in ("merged_pull_requests", "closed_issues") if self.work else ():
            yield {"what": what, "repo": self.work}

    @field_validator("private_key")
    @classmethod
    def _not_written_out(cls, value: str | None, info: ValidationInfo) -> str | None:
        resolved = bool(info.context and info.context.get("resolved"))
        if value is not None and not resolved and "PRIVATE KEY-----" in value:
            raise ValueError("is a secret written out; name the file that holds it")
        return value

    @model_validator(mode="after")
    def _single_credential(self) -> GitHubSettings:
        app = (self.app_id, self.installation_id, self.private_key)
        if any(app) and not all(app):
            raise ValueError("needs app_id, installation_id and private_key, all three")
        if self.installation_id is not None and not re.fullmatch(r"\d+|\$\{\w+\}", str(self.installation_id)):
            raise ValueError(f"has installation_id {self.installation_id!r}; write the number of the installation")
        if any(app) and self.token:
            raise ValueError("has a token and an App; keep one of them")
        return self


_OWNER_AND_NAME = text(r"^[\w.-]+/(\*|[\w.-]+)$", "write OWNER/NAME, or OWNER/* for every repository")
_Repo = Annotated[str, WithJsonSchema(_OWNER_AND_NAME)]


class GitHubMeasure(RecordKeys):
    """The keys that a `github` connection adds to a measure."""

    asked = ("what", "repo")
    rules = measure_rules(_FIELDS)
    field_types = _FIELD_TYPES

    what: What = Field(description="The kind of record to count.")
    repo: _Repo | list[_Repo] = Field(description="OWNER/NAME, a list of them, or OWNER/* for every repository.")
    environment: str | None = Field(
        None,
        min_length=1,
        description="For deployed_pull_requests: the environment that they are deployed to. By default the "
        "environment in `where`, or else production.",
    )

    @field_validator("repo")
    @classmethod
    def _owner_and_name(cls, value: str | list[str]) -> str | list[str]:
        for repo in [value] if isinstance(value, str) else value:
            if not re.fullmatch(r"[\w.-]+/(\*|[\w.-]+)", repo):
                raise ValueError(f"is {repo!r}; write OWNER/NAME, or OWNER/* for every repository")
        if not value:
            raise ValueError("is empty; write OWNER/NAME")
        return value

    @model_validator(mode="before")
    @classmethod
    def _environment_of_where(cls, keys: Any) -> Any:
        where = keys.get("where") if isinstance(keys, dict) and keys.get("what") == "deployed_pull_requests" else None
        if not isinstance(where, dict):
            return keys
        if "not_environment" in where:
            raise ValueError(f"has not_environment: {_written(where['not_environment'])}, and {SINGLE_ENVIRONMENT}")
        if "environment" not in where:
            return keys
        given = where["environment"]
        names = given if isinstance(given, list) else [given]
        if len(names) != 1 or not isinstance(names[0], str) or not names[0] or "*" in names[0]:
            raise ValueError(f"has environment: {_written(given)} under 'where', and {SINGLE_ENVIRONMENT}")
        return {"environment": names[0], **keys}

    @model_validator(mode="after")
    def _environment_of_what(self) -> GitHubMeasure:
        if self.environment is not None and self.what != "deployed_pull_requests":
            hint = "; write it under 'where'" if "environment" in self.fields() else ""
            raise ValueError(f"has an environment, which belongs to what: deployed_pull_requests{hint}")
        return self

    @property
    def _environment(self) -> str:
        """The environment whose deployments count, in lower case, because GitHub ignores case in the names of
        environments.
        """
        return (self.environment or _PRODUCTION).lower()

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """The streams: one list for each repository.

        Issues and pull requests are read from /issues, which supports `since` and whose responses are a fifth of the
        size of those of /pulls. Pull requests are read from /pulls only if a measure needs a field that /issues lacks.
        Deployments are done when they succeed. In the stream for measures that use `conclusion`, failed deployments are
        done too.
        """
        repos = [self.repo] if isinstance(self.repo, str) else self.repo
        if self.what == "deployments" and "conclusion" in fields:
            kind = FINISHED
        elif self.what in _LISTS:
            kind = _LISTS[self.what]
        elif self.what == "deployed_pull_requests":
            kind = f"{DEPLOYED_TO}{self._environment}"
        else:
            kind = "pulls" if self.what == "merged_pull_requests" and _OF_PULLS_ALONE & set(fields) else "issues"
        return list(dict.fromkeys(f"{kind} of {repo}" for repo in repos))

    def refusal(self, settings: ConnectionSettings) -> tuple[str, str] | None:
        """The refusal, if the connection does not allow a repository."""
        assert isinstance(settings, GitHubSettings)
        repos = [self.repo] if isinstance(self.repo, str) else self.repo
        return not_allowed("repo", repos, settings.allow, any_case=True)

    def fields(self) -> Collection[str]:
        """The fields that a record of the counted kind has."""
        return _FIELDS[self.what]

    def ignores_case(self, field: str) -> bool:
        """Whether comparisons of a field ignore case. On GitHub, two labels or two logins never differ only in case."""
        return field in _IN_ANY_CASE

    def objection(self, field: str, values: Collection[str | None]) -> str | None:
        """Refuses an `author_is` other than bot and person, and a second environment of deployed pull requests."""
        if field == "environment" and self.what == "deployed_pull_requests":
            elsewhere = sorted(value for value in values if value and value.lower() != self._environment)
            beside = f"and environment: {self.environment} stands beside what; keep one of them"
            return f"is {' or '.join(elsewhere)}, {beside}" if elsewhere else None
        others = sorted(value for value in values if value not in ("bot", "person", None))
        return f"is {' or '.join(others)}; write bot or person" if field == "author_is" and others else None

    def idle(self, excluded: Mapping[str, Collection[str | None]]) -> str | None:
        """A hint if an excluded login of an app lacks [bot] at its end."""
        authors = excluded.get("author", ())
        apps = [app for app in sorted(_APPS.intersection(authors)) if f"{app}[bot]" not in authors]
        if not apps:
            return None
        logins = " and ".join(f"{app}[bot]" for app in apps)
        return f"says not_author: {' and '.join(apps)}, and the login is {logins}; write that, or author_is: person"

    def record_kind(self) -> str:
        """The kind of record that is counted, because a list of issues also has pull requests."""
        return _KINDS[self.what]

    def is_work(self) -> bool:
        """Whether the records count as work. A release does not, because it consists of pull requests."""
        return self.what in ("merged_pull_requests", "closed_issues")

    def never(self, asked: Mapping[str, Collection[str | None]]) -> str | None:
        """The reason why the conditions can never count a record, such as conditions that require drafts of releases;
        None if they can.

        A draft of a pull request can count, because a push of its commits may merge it. A condition on deployments that
        are underway never counts a deployment, because a deployment counts only once it has ended.
        """
        if self.what == "deployments" and "conclusion" in asked and _UNDERWAY.issuperset(asked["conclusion"]):
            values = " or ".join(str(value) for value in sorted(asked["conclusion"], key=str))
            return f"asks for deployments whose conclusion is {values}, and a deployment counts once it has ended"
        field, undone = _NEVER_DONE.get(self.what, ("", frozenset()))
        if field not in asked or not undone.issuperset(asked[field]):
            return None
        values = " or ".join(str(value) for value in sorted(asked[field], key=str))
        return f"asks for {self.what} whose {field} is {values}, which never count"


def _written(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


class GitHubPublish(PublishKeys):
    """Where check-ins are written on GitHub issues."""

    issues: dict[str, str] = Field(min_length=1, description="The issue for each key result, as OWNER/NAME#NUMBER.")
    body: StrictBool = Field(
        False, description="Whether to write a block into the text of the issue. Two marks enclose the block."
    )
    comment: StrictBool = Field(False, description="Whether to write a comment on the issue and keep it up to date.")
    label: str | None = Field(None, description="The prefix of a label that shows the health, such as `health:`.")

    @field_validator("issues")
    @classmethod
    def _owner_name_and_number(cls, value: dict[str, str]) -> dict[str, str]:
        for key_result, issue in value.items():
            if not re.fullmatch(r"[\w.-]+/[\w.-]+#[1-9]\d*", issue, re.ASCII):
                raise ValueError(f"has {issue!r} for {key_result}; write OWNER/NAME#NUMBER, such as acme/search#42")
        return value

    @field_validator("label")
    @classmethod
    def _prefix(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(rf"[^\s,:][^,\r\n]{{0,{_LONGEST_PREFIX - 2}}}:", value):
            raise ValueError(
                f"is {value!r}; write a prefix that ends with a colon, such as 'health:', "
                f"of at most {_LONGEST_PREFIX} characters and without a comma"
            )
        return value

    @model_validator(mode="after")
    def _consistent(self) -> GitHubPublish:
        if self.body and self.comment:
            raise ValueError("has both body and comment; keep one")
        if not (self.body or self.comment or self.label):
            raise ValueError("needs body: true, comment: true or label: 'health:'")
        owners: dict[str, str] = {}
        for key_result, issue in self.issues.items() if self.label else ():
            other = owners.setdefault(issue.lower(), key_result)
            if other != key_result:
                raise ValueError(
                    f"has one label for {other} and {key_result}, which share {issue}; "
                    "give each an issue of its own, or leave out label"
                )
        return self

    def names(self) -> Collection[str]:
        """The key results that have an issue."""
        return self.issues

    def uses(self) -> Collection[str]:
        """The fields of a check-in that are shown. A label shows only the health."""
        return SHOWN if self.body or self.comment else {"health"}

    def target(self, key_result: str) -> str:
        """The issue and the key result, because several key results may share an issue."""
        return f"{self.issues[key_result]} ({key_result})"

    def how(self, key_result: str) -> Json:
        """All keys except `issues`, because a change of another key result's issue makes no difference."""
        keys: Json = self.model_dump(mode="json", exclude={"issues"}, exclude_defaults=True)
        return keys
