"""Models of GitHub's rows with the parts that syncd reads, and the records that syncd makes from them.

Parsing drops all other parts of a row, to save memory. Shapes: GitHub's OpenAPI description, API version 2022-11-28. A
field that GitHub's description calls optional may be null or missing here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, TypeAdapter

from syncd.sdk import Record, Scalar, lead_time

_NOT_DELIVERED = {"not_planned": "closed as not planned", "duplicate": "closed as duplicate"}


class User(BaseModel):
    """An account. GitHub sends null in place of a deleted account."""

    login: str
    type: str = "User"

    @property
    def kind(self) -> str:
        """`bot` or `person`. The login of an app ends in [bot]."""
        return "bot" if self.type == "Bot" or self.login.endswith("[bot]") else "person"


class _Named(BaseModel):
    name: str


Labels = list[_Named | str]
"""Labels in GitHub's two forms: objects, or only names."""


class _Titled(BaseModel):
    title: str


class _Base(BaseModel):
    ref: str


Whole = Annotated[int, Field(ge=0, le=2**63 - 1)]


class Row(BaseModel):
    """A row of a list of GitHub. `row_keys` has, for each field that a measure may name, its key in GitHub's row."""

    row_keys: ClassVar[Mapping[str, str]] = {}

    id: Whole
    html_url: str = ""
    created_at: AwareDatetime

    def missing_key(self, needs: Collection[str]) -> str | None:
        """A key that a measure needs and the row lacks; None if the row has all needed keys. A key whose value is null
        is a blank field, not a missing key.
        """
        keys = [self.row_keys[name] for name in sorted(needs) if name in self.row_keys]
        keys += [self.done_key] if self.done_key else []
        return next((key for key in keys if key not in self.model_fields_set), None)

    @property
    def done_key(self) -> str | None:
        """The key for the time when the row was done; None if the row need not have this key."""
        return None

    @property
    def stable_id(self) -> str:
        """Identifies the row among the rows of its kind in its repository."""
        return str(self.id)


class _Numbered(Row):
    row_keys: ClassVar[Mapping[str, str]] = {
        "author": "user",
        "author_is": "user",
        "label": "labels",
        "milestone": "milestone",
        "title": "title",
    }

    number: Whole
    title: str = ""
    state: str
    user: User | None = None
    labels: Labels | None = None
    milestone: _Titled | None = None
    updated_at: AwareDatetime
    closed_at: AwareDatetime | None = None

    @property
    def stable_id(self) -> str:
        """The number. syncd does not use `id`, because /issues and /pulls show different ids for a pull request, or
        `node_id`, because GitHub has changed its form.
        """
        return str(self.number)

    @property
    def version(self) -> str:
        """A text that identifies the row and its last update. These texts sort by the time of the update."""
        return f"{self.updated_at.astimezone(UTC).isoformat()} {self.stable_id}"

    def shared_fields(self) -> dict[str, Sequence[Scalar]]:
        """The fields that issues and pull requests have in common."""
        return {
            **author_fields(self.user),
            "label": _names(self.labels or ()),
            "milestone": [self.milestone.title] if self.milestone else [],
            "title": [self.title],
            "number": [self.number],
        }


class Pull(_Numbered):
    """A pull request of /pulls. Old servers have no `draft`."""

    row_keys: ClassVar[Mapping[str, str]] = {**_Numbered.row_keys, "base": "base"}

    merged_at: AwareDatetime | None = None
    draft: bool | None = None
    base: _Base | None = None

    @property
    def done_key(self) -> str | None:
        """`merged_at` if the pull request is closed, else None."""
        return "merged_at" if self.state == "closed" else None

    def record(self, repo: str) -> Record:
        """The record of a pull request."""
        fields = self.shared_fields()
        fields["base"] = [self.base.ref] if self.base else []
        fields["draft"] = _flag(self.draft)
        return _pull_request(self, repo, self.merged_at, fields)


class _Merge(BaseModel):
    merged_at: AwareDatetime | None = None


class Issue(_Numbered):
    """A row of /issues: an issue, or a pull request with the time of its merge."""

    row_keys: ClassVar[Mapping[str, str]] = {**_Numbered.row_keys, "type": "type"}

    state_reason: str | None = None
    type: _Named | None = None
    pull_request: _Merge | None = None

    def missing_key(self, needs: Collection[str]) -> str | None:
        """The missing key, as in `Row`. A pull request needs no type."""
        return super().missing_key(needs if self.pull_request is None else set(needs) - {"type"})

    @property
    def tells_merge(self) -> bool:
        """Whether the row shows if and when the pull request was merged. /issues has shown this since 2021."""
        merge = self.pull_request
        return merge is None or self.state != "closed" or "merged_at" in merge.model_fields_set

    def record(self, repo: str) -> Record:
        """The record of an issue or a pull request. An issue is done if it is closed as delivered.

        A reopened issue may keep its `closed_at`.
        """
        fields = self.shared_fields()
        if self.pull_request is not None:
            return _pull_request(self, repo, self.pull_request.merged_at, fields)
        fields["state_reason"] = [self.state_reason] if self.state_reason else []
        fields["type"] = [self.type.name] if self.type else []
        not_done = _NOT_DELIVERED.get(self.state_reason or "")
        if self.state != "closed":
            not_done = "reopened" if self.state_reason == "reopened" else "open"
        elif self.closed_at is None:
            not_done = "closed, with no time of closing"
        done_at = self.closed_at if not_done is None else None
        return make_record(
            self, repo, "issue", f"#{self.number}", self.title, self.updated_at, done_at, not_done, fields
        )


class Release(Row):
    """A release, or the draft of one."""

    row_keys: ClassVar[Mapping[str, str]] = {
        "author": "author",
        "author_is": "author",
        "base": "target_commitish",
        "draft": "draft",
        "prerelease": "prerelease",
        "tag": "tag_name",
    }

    tag_name: str = ""
    name: str | None = None
    draft: bool | None = None
    prerelease: bool | None = None
    target_commitish: str = ""
    author: User | None = None
    published_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None

    @property
    def done_key(self) -> str | None:
        """`published_at`, unless it is a draft."""
        return None if self.draft else "published_at"

    def record(self, repo: str) -> Record:
        """The record of a release. A draft is not done."""
        title = self.name or self.tag_name
        fields: dict[str, Sequence[Scalar]] = {
            **author_fields(self.author),
            "title": [title],
            "tag": [self.tag_name],
            "draft": _flag(self.draft),
            "prerelease": _flag(self.prerelease),
            "base": [self.target_commitish] if self.target_commitish else [],
        }
        not_done = "a draft" if self.draft else (None if self.published_at else "not published")
        done_at = self.published_at if not_done is None else None
        updated_at = max(filter(None, (self.updated_at, self.published_at, self.created_at)))
        return make_record(self, repo, "release", f" {self.tag_name}", title, updated_at, done_at, not_done, fields)


class Repository(BaseModel):
    """A repository, as GitHub shows it in a list or by itself."""

    id: Whole | None = None
    full_name: str
    archived: bool | None = None
    fork: bool | None = None
    has_issues: bool | None = None
    has_pull_requests: bool | None = None

    @property
    def stable_id(self) -> str:
        """The name, which identifies the repository within a list."""
        return self.full_name

    @property
    def key(self) -> str:
        """The repository's name in lower case, which identifies records. GitHub ignores case in names."""
        return self.full_name.lower()


def _repositories(answer: object) -> object:
    """The repositories in a response of /installation/repositories, which GitHub wraps in an object."""
    return answer.get("repositories") if isinstance(answer, dict) else answer


class IssueText(BaseModel):
    """The parts of an issue that syncd writes: its text and its labels."""

    body: str | None
    labels: Labels

    @property
    def label_names(self) -> Sequence[str]:
        """The names of the labels."""
        return _names(self.labels)


class Comment(BaseModel):
    """A comment on an issue."""

    id: int
    url: str
    body: str | None

    @property
    def path(self) -> str:
        """The path for requests about the comment. After a transfer, the comment's issue is in another repository than
        the configured one.
        """
        return f"/repos/{self.url.partition('/repos/')[2]}"

    @property
    def stable_id(self) -> str:
        """The id as a text."""
        return str(self.id)


def author_fields(user: User | None) -> dict[str, Sequence[Scalar]]:
    """The fields about an account; empty if the account was deleted."""
    return {"author": [user.login], "author_is": [user.kind]} if user else {"author": [], "author_is": []}


def _names(labels: Iterable[_Named | str]) -> list[str]:
    return [label if isinstance(label, str) else label.name for label in labels]


def _flag(value: bool | None) -> Sequence[Scalar]:
    return [str(bool(value)).lower()]


def _pull_request(row: _Numbered, repo: str, merged_at: datetime | None, fields: dict[str, Sequence[Scalar]]) -> Record:
    """The record of a pull request. A merged pull request is done for good. A pull request that was closed without a
    merge is not delivered.
    """
    not_done = None if merged_at else ("open" if row.state == "open" else "closed without merging")
    return make_record(
        row, repo, "pull request", f"#{row.number}", row.title, row.updated_at, merged_at, not_done, fields
    )


def make_record(
    row: Row,
    repo: str,
    kind: str,
    suffix: str,
    title: str,
    updated_at: datetime,
    done_at: datetime | None,
    not_done: str | None,
    fields: dict[str, Sequence[Scalar]],
) -> Record:
    """The record of a row of a repository. The record's label is the repository's name, followed by `suffix`."""
    if done_at is not None:
        fields["lead_time"] = lead_time(row.created_at, done_at)
    id_, label = f"{repo.lower()} {kind} {row.stable_id}", f"{repo}{suffix}"
    return Record(id_, label, title, row.html_url, updated_at, row.created_at, done_at, not_done, fields, kind)


ROWS: Mapping[str, TypeAdapter[Any]] = {
    "pulls": TypeAdapter(list[Pull]),
    "issues": TypeAdapter(list[Issue]),
    "releases": TypeAdapter(list[Release]),
    "repos": TypeAdapter(Annotated[list[Repository], BeforeValidator(_repositories)]),
    "comments": TypeAdapter(list[Comment]),
}

REPOSITORY = TypeAdapter(Repository)
USER = TypeAdapter(User)
