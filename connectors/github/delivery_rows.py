"""Models of GitHub's rows about deployments, workflow runs, tags and commits, with the parts that syncd reads.

Shapes: GitHub's OpenAPI description, API version 2022-11-28.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import AliasPath, AwareDatetime, BaseModel, BeforeValidator, Field, TypeAdapter

from connectors.github.rows import Pull, Row, User, Whole, author_fields, make_record
from syncd.sdk import Record, Scalar

_UNDERWAY = frozenset({None, "pending", "queued", "in_progress", "waiting"})
_ENDED = frozenset({"success", "failure", "error"})


class Status(BaseModel):
    """A status of a deployment."""

    id: Whole
    state: str
    created_at: AwareDatetime
    log_url: str | None = None
    target_url: str | None = None

    @property
    def address(self) -> str:
        """The address of a page about the status; "" if there is none. The program that adds a status may write any
        text there.
        """
        addresses = (self.log_url or "", self.target_url or "")
        return next((address for address in addresses if address.startswith(("https://", "http://"))), "")

    @property
    def stable_id(self) -> str:
        """The id as a text."""
        return str(self.id)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a deployment.

    `conclusion` is the state of the last status; None if there is no status. A status `inactive` does not count: GitHub
    adds it when another deployment replaces a successful deployment.
    """

    conclusion: str | None
    succeeded_at: datetime | None
    ended_at: datetime | None
    """The time of the first success; the time of the last failure if the deployment never succeeded."""
    updated_at: datetime | None
    url: str

    @property
    def conclusions(self) -> Sequence[str]:
        """The conclusions of the deployment. A deployment that first succeeded and later failed has both."""
        succeeded = ["success"] if self.succeeded_at else []
        return list(dict.fromkeys([*succeeded, *([self.conclusion] if self.conclusion else [])]))

    @property
    def is_final(self) -> bool:
        """Whether the outcome is not expected to change."""
        return self.conclusion not in _UNDERWAY

    @classmethod
    def of(cls, statuses: Iterable[Status]) -> Outcome:
        """The outcome that follows from these statuses, which may be in any order."""
        ordered = sorted(statuses, key=lambda status: (status.created_at, status.id))
        telling = [status for status in ordered if status.state != "inactive"] or ordered
        last = telling[-1] if telling else None
        succeeded_at = next((status.created_at for status in ordered if status.state == "success"), None)
        return cls(
            last.state if last else None,
            succeeded_at,
            succeeded_at or (last.created_at if last and last.state in _ENDED else None),
            ordered[-1].created_at if ordered else None,
            last.address if last else "",
        )


class Deployment(Row):
    """A deployment. The row does not show the outcome of the deployment. The outcome comes from the deployment's
    statuses.
    """

    row_keys: ClassVar[Mapping[str, str]] = {
        "author": "creator",
        "author_is": "creator",
        "ref": "ref",
        "task": "task",
        "title": "description",
    }

    sha: str
    ref: str
    task: str = ""
    environment: str
    description: str | None = None
    creator: User | None = None
    updated_at: AwareDatetime

    def record(self, repo: str, outcome: Outcome, *, if_ended: bool) -> Record:
        """The record of a deployment, done at its first success. With `if_ended`, a deployment that never succeeded is
        done at its end.
        """
        self.html_url = outcome.url
        fields: dict[str, Sequence[Scalar]] = {
            **author_fields(self.creator),
            "environment": [self.environment],
            "conclusion": outcome.conclusions,
            "ref": [self.ref],
            "task": [self.task] if self.task else [],
            "title": [self.description] if self.description else [],
        }
        state = (outcome.conclusion or "").replace("_", " ")
        done_at = outcome.ended_at if if_ended else outcome.succeeded_at
        short_of = "ended" if if_ended else "successful"
        not_done = None if done_at else (f"not {short_of}, but {state}" if state else "without a status")
        title, updated_at = (
            f"{self.ref} to {self.environment}",
            max(filter(None, (self.updated_at, outcome.updated_at))),
        )
        suffix = f" deployment {self.id}"
        return make_record(self, repo, "deployment", suffix, title, updated_at, done_at, not_done, fields)


class WorkflowRun(Row):
    """A run of a workflow. A re-run is another attempt of the same run."""

    row_keys: ClassVar[Mapping[str, str]] = {
        "author": "actor",
        "author_is": "actor",
        "workflow": "name",
        "branch": "head_branch",
        "title": "display_title",
    }

    name: str | None = None
    run_number: Whole
    display_title: str = ""
    head_branch: str | None = None
    event: str
    status: str | None
    conclusion: str | None
    actor: User | None = None
    updated_at: AwareDatetime

    @property
    def is_completed(self) -> bool:
        """Whether the run has ended."""
        return self.status == "completed"

    def record(self, repo: str) -> Record:
        """The record of a run. The time of the last update of a completed run counts as the time when it was done."""
        fields: dict[str, Sequence[Scalar]] = {
            **author_fields(self.actor),
            "workflow": [self.name] if self.name else [],
            "conclusion": [self.conclusion] if self.conclusion else [],
            "branch": [self.head_branch] if self.head_branch else [],
            "event": [self.event],
            "title": [self.display_title],
            "number": [self.run_number],
        }
        not_done = None if self.is_completed else (self.status or "not completed").replace("_", " ")
        done_at = self.updated_at if self.is_completed else None
        suffix, title = f" {self.name or 'run'} #{self.run_number}", self.display_title
        return make_record(self, repo, "workflow run", suffix, title, self.updated_at, done_at, not_done, fields)


class TagRef(BaseModel):
    """A ref that names a tag. The ref points to the object of an annotated tag, or directly to a commit."""

    ref: str
    sha: str = Field(validation_alias=AliasPath("object", "sha"))
    type: str = Field(validation_alias=AliasPath("object", "type"))

    @property
    def name(self) -> str:
        """The tag's name."""
        return self.ref.removeprefix("refs/tags/")

    @property
    def stable_id(self) -> str:
        """The name of the tag, and the SHA that the tag points to. A moved tag is therefore another record."""
        return f"{self.name} {self.sha}"


class AnnotatedTag(BaseModel):
    """The object of an annotated tag."""

    message: str = ""
    tagged_at: AwareDatetime | None = Field(None, validation_alias=AliasPath("tagger", "date"))
    of: str = Field(validation_alias=AliasPath("object", "sha"))
    type: str = Field(validation_alias=AliasPath("object", "type"))


class GitCommit(BaseModel):
    """A commit of the Git database."""

    committed_at: AwareDatetime = Field(validation_alias=AliasPath("committer", "date"))


class Commit(BaseModel):
    """A commit in a list."""

    sha: str
    authored_at: AwareDatetime | None = Field(None, validation_alias=AliasPath("commit", "author", "date"))

    @property
    def stable_id(self) -> str:
        """The SHA."""
        return self.sha


class MergedPull(Pull):
    """A pull request of /pulls with its merge commit."""

    merge_commit_sha: str | None = None


class CountedRows(BaseModel):
    """A list that GitHub wraps in an object, together with the number of all rows."""

    total: Whole
    rows: list[Any]


def _runs(answer: object) -> object:
    return _counted(answer, "total_count", "workflow_runs")


def _compared(answer: object) -> object:
    return _counted(answer, "total_commits", "commits")


def _counted(answer: object, total: str, rows: str) -> object:
    return {"total": answer.get(total), "rows": answer.get(rows)} if isinstance(answer, dict) else answer


class _Runs(CountedRows):
    rows: list[WorkflowRun]


class _Compared(CountedRows):
    rows: list[Commit]


DELIVERY_ROWS: Mapping[str, TypeAdapter[Any]] = {
    "deployments": TypeAdapter(list[Deployment]),
    "statuses": TypeAdapter(list[Status]),
    "runs": TypeAdapter(Annotated[_Runs, BeforeValidator(_runs)]),
    "tags": TypeAdapter(list[TagRef]),
    "compared": TypeAdapter(Annotated[_Compared, BeforeValidator(_compared)]),
    "merges": TypeAdapter(list[MergedPull]),
    "commits": TypeAdapter(list[Commit]),
}

RUN = TypeAdapter(WorkflowRun)
MERGE = TypeAdapter(MergedPull)
ANNOTATED_TAG = TypeAdapter(AnnotatedTag)
GIT_COMMIT = TypeAdapter(GitCommit)
