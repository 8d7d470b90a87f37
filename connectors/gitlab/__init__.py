"""Reads merged merge requests, closed issues, releases and deployments from the REST API of GitLab, self-managed or
gitlab.com.

`kinds` defines which of GitLab's rows become records. Sources: docs.gitlab.com, "REST API" (pagination, redirects of
renamed projects), "Projects API", "Groups API" and "Personal access tokens API".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import BaseModel, Field, field_validator

from connectors.gitlab.kinds import KINDS, Projects, What
from syncd.sdk import (
    Check,
    ConnectionSettings,
    Context,
    ExcludedMembers,
    FieldType,
    Json,
    JsonClient,
    Member,
    Members,
    MembersSource,
    Record,
    RecordKeys,
    Secret,
    SourceBroken,
    Stream,
    WebAddress,
    WebSettings,
    members_of_group,
    not_allowed,
    quota_and_clock,
    single_member,
)

_API = "/api/v4"
_BY_LIST = {kind.list: kind for kind in KINDS.values()}
_EARLIEST = datetime(2011, 1, 1, tzinfo=UTC)  # before any row: GitLab needs a bound if it sorts by update
_NO_GROUP = (
    "{group} is no group that the token may see ({error}); a person's own projects are no group: list them by name, "
    "such as `project: [{group}/web, {group}/api]`"
)
_PROJECTS = {"include_subgroups": "true", "with_shared": "false", "order_by": "id", "sort": "asc", "per_page": "100"}


class GitLabSettings(WebSettings):
    """An account of a GitLab site."""

    asked = ("url", "token")

    url: WebAddress = Field("https://gitlab.com", description="The address of the site, as in a browser.")
    token: Secret = Field(description="A personal, group or project access token with the scope read_api.")
    allow: list[str] | None = Field(
        None, description="The projects that mappings may read, such as acme/*. By default all."
    )
    exclude: ExcludedMembers = Field(
        [], description="Projects that GROUP/* excludes: names (`*` stands for any text), `archived`, `forks`."
    )
    work: list[str] = Field(
        [], description="Projects whose merge requests and issues count as work even if no measure counts them."
    )

    @field_validator("url")
    @classmethod
    def _is_the_site(cls, value: str) -> str:
        if re.search(r"/api(/v\d+)?$", value):
            raise ValueError(f"is {value!r}; write the site alone, without /api/v4")
        return value

    def work_lists(self) -> Iterator[Mapping[str, Json]]:
        """The lists of work that GitLab has: merged merge requests and closed issues."""
        for what in ("merged_merge_requests", "closed_issues") if self.work else ():
            yield {"what": what, "project": self.work}


class GitLabMeasure(RecordKeys):
    """The keys that a `gitlab` connection adds to a measure."""

    field_types: ClassVar[Mapping[str, FieldType]] = {
        **{name: "text" for kind in KINDS.values() for name in kind.names},
        "lead_time": "days",
        "number": "number",
        "draft": "truth",
    }

    what: What = Field(description="The kind of record to count.")
    project: Projects = Field(
        description="GROUP/NAME, a list of them, or GROUP/* for every project of a group and its subgroups."
    )

    @property
    def paths(self) -> Sequence[str]:
        """The paths of projects, and of groups with `/*`."""
        return [self.project] if isinstance(self.project, str) else self.project

    def streams(self, fields: Collection[str] = ()) -> Sequence[str]:
        """The streams: one list for each project, or for all projects of a group."""
        return list(dict.fromkeys(f"{KINDS[self.what].list} of {path}" for path in self.paths))

    def refusal(self, settings: ConnectionSettings) -> tuple[str, str] | None:
        """The refusal, if the connection does not allow a project."""
        assert isinstance(settings, GitLabSettings)
        return not_allowed("project", self.paths, settings.allow, any_case=True)

    def fields(self) -> Collection[str]:
        """The fields of the records that are counted."""
        return KINDS[self.what].names

    def record_kind(self) -> str:
        """The kind of record that is counted."""
        return KINDS[self.what].kind

    def is_work(self) -> bool:
        """Whether the records count as work. Releases and deployments do not, because they consist of merge
        requests.
        """
        return self.what in ("merged_merge_requests", "closed_issues")

    def ignores_case(self, field: str) -> bool:
        """Whether comparisons of a field ignore case. GitLab's usernames never differ only in case, but its labels
        may.
        """
        return field == "author"

    def never(self, asked: Mapping[str, Collection[str | None]]) -> str | None:
        """The reason why the conditions can never count a deployment, because only a deployment that succeeded counts;
        None if they can.
        """
        statuses = sorted(map(str, asked.get("status") or ["success"]))
        why = f"asks for deployments whose status is {' or '.join(statuses)}, which never count"
        return None if "success" in statuses else why


class _Project(BaseModel, extra="allow"):
    id: int
    path_with_namespace: str
    web_url: str
    archived: bool = False
    forked_from_project: object = None


class _Token(BaseModel):
    name: str
    scopes: list[str]
    expires_at: str | None = None


class GitLabSource(MembersSource):
    """Reads projects, and the projects of groups."""

    def __init__(self, settings: GitLabSettings, context: Context) -> None:
        headers = {"PRIVATE-TOKEN": settings.token.get_secret_value()}
        super().__init__(JsonClient(settings, context, headers, follows=True))
        self._exclude, self._now = settings.exclude, context.now

    def members(self, stream: Stream) -> Members:
        """The project, which GitLab also finds by its former path, or the projects of the group."""
        kind, _, path = stream.key.partition(" of ")

        def member(project: _Project) -> Member:
            about = {"archived": project.archived, "forks": project.forked_from_project is not None}
            access = (project.model_extra or {}).get(f"{_BY_LIST[kind].feature}_access_level")
            empty = f"its {kind.replace('_', ' ')} are turned off, so it has none" if access == "disabled" else None
            kinds = frozenset(word for word, applies in about.items() if applies)
            return Member(project.id, project.path_with_namespace, project.web_url, kinds, empty)

        def ask(project: str | int) -> Member:
            return member(self.api.read(f"{_API}/projects/{quote(str(project), safe='')}", _Project))

        group = path.removesuffix("/*")
        if group == path:
            return single_member(ask(path), path, stream.memory)
        address = f"{_API}/groups/{quote(group, safe='')}/projects"
        try:
            pages = list(self.api.pages(address, list[_Project], _PROJECTS))
        except SourceBroken as error:
            if error.status != 404:
                raise
            raise SourceBroken(_NO_GROUP.format(group=group, error=error)) from None
        if len(pages) > 1:  # twice, because a project that leaves the list shifts another to a page that was read
            pages += self.api.pages(address, list[_Project], _PROJECTS)
        listed = (member(project) for page in pages for project in page)
        under = f"{group.lower()}/"
        return members_of_group(listed, stream.memory, ask, lambda each: each.key.startswith(under), self._exclude)

    def is_whole(self, stream: Stream) -> bool:
        """Whether each pull reads the complete list. Each pull reads the complete list of releases, because releases
        have no time of update.
        """
        return stream.key.startswith("releases ")

    def records(self, stream: Stream, member: Member, since: datetime | None) -> Iterator[Sequence[Record]]:
        """The pages of a project's list."""
        kind = _BY_LIST[stream.key.partition(" of ")[0]]
        query = {"per_page": "100", "order_by": kind.updated_at, "sort": "desc", **kind.query}
        if not self.is_whole(stream):
            query["updated_after"] = (since or _EARLIEST).astimezone(UTC).isoformat()
        for rows in self.api.pages(f"{_API}/projects/{member.id}/{kind.list}", list[dict[str, Any]], query):
            yield [kind.record(row, member) for row in rows]

    def check(self) -> Iterator[Check]:
        """Checks whether the site is reachable and accepts the token. Also checks the token's scopes, the quota and the
        clock.
        """
        token, headers = self.api.answer(self.api.address(f"{_API}/personal_access_tokens/self"), _Token)
        yield Check("reachable", True, self.api.url)
        expiry = token.expires_at or "no day"
        yield Check("authenticated", True, f"by the token {token.name!r}, which expires on {expiry}")
        wide = [scope for scope in token.scopes if not scope.startswith("read_")]
        lacks = {"read_api", "api"}.isdisjoint(token.scopes)
        advice = f"; pulling needs read_api only, not {', '.join(wide)}" if wide else ""
        advice = "; pulling needs read_api, which the token lacks" if lacks else advice
        yield Check("least scopes", not wide and not lacks, ", ".join(token.scopes) + advice)
        yield from quota_and_clock(headers, self._now())


class GitLab:
    """The connector."""

    summary: ClassVar[str] = "merged merge requests, closed issues, releases and deployments of GitLab"
    Settings = GitLabSettings
    Measure = GitLabMeasure

    @staticmethod
    def open(settings: GitLabSettings, context: Context) -> GitLabSource:
        """Opens a source. Makes no request yet."""
        return GitLabSource(settings, context)
