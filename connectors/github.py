"""GitHub through PyGithub: merged pull requests, closed issues and releases, by REST alone.

Requests go through `Requester.requestJson` on a connection of ours, for three reasons found in PyGithub 2.10: lists
have no conditional requests, a 301 (a renamed repository) loses its query, and objects for 20,000 pulls take 1.6 GB.
One client a thread: PyGithub keeps the request's verb and address on the client.

Each list goes on from the newest update that the last walk met, less an overlap; one that has not changed answers 304,
which costs no quota.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError, field_validator, model_validator

from syncd.sdk import (
    Check,
    ConfigError,
    ConnectionSettings,
    Context,
    Duration,
    Json,
    Page,
    Record,
    RecordKeys,
    RetryLater,
    Scalar,
    Secret,
    SourceBroken,
    Stream,
    failure,
    network_failure,
    parse_link,
    quota_and_clock,
)

if TYPE_CHECKING:
    from github import Github as Client

What = Literal["merged_pull_requests", "closed_issues", "releases"]
_LISTS: Mapping[str, str] = {"merged_pull_requests": "pulls", "closed_issues": "issues", "releases": "releases"}
_FIELDS: Mapping[str, frozenset[str]] = {
    "pulls": frozenset({"author", "label", "base", "milestone", "draft", "title", "number", "lead_time"}),
    "issues": frozenset({"author", "label", "milestone", "state_reason", "title", "number", "lead_time"}),
    "releases": frozenset({"author", "title", "draft", "prerelease", "tag", "base", "lead_time"}),
}
_QUERIES: Mapping[str, Mapping[str, str]] = {
    "pulls": {"state": "all", "sort": "updated", "direction": "desc"},
    "issues": {"state": "all", "sort": "updated", "direction": "asc"},
}
_NOT_DELIVERED = {"not_planned": "closed as not planned", "duplicate": "closed as duplicate"}
_SECOND = timedelta(seconds=1)
_OVERLAP = timedelta(minutes=2)  # equal timestamps and servers that disagree on the time
_PER_PAGE = 100
_REDIRECTS = 5
_HEAD_READS = 5  # a list whose head moves faster than this is read is left to the next cycle


class GitHubSettings(ConnectionSettings):
    """A GitHub or GitHub Enterprise account."""

    url: str = Field("https://api.github.com", description="The API; for GitHub Enterprise https://HOST/api/v3.")
    token: Secret | None = Field(None, description="A personal access token.")
    app_id: int | str | None = Field(None, description="A GitHub App's id, with installation_id and private_key.")
    installation_id: int | str | None = Field(None, description="The App's installation.")
    private_key: str | None = Field(None, description="The file with the App's private key (PEM), or ${NAME}.")
    timeout: float = Field(30, gt=0, description="Seconds to wait for an answer.")
    reconcile: Duration = Field(timedelta(days=1), description="How often to look for what vanished in silence.")

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if not re.match(r"https?://|\$\{", value):
            raise ValueError(f"is {value!r}; write https://api.github.com or https://HOST/api/v3")
        return value.rstrip("/")

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

    def streams(self) -> Sequence[str]:
        """One list for each repository."""
        repos = [self.repo] if isinstance(self.repo, str) else self.repo
        return list(dict.fromkeys(f"{_LISTS[self.what]} of {repo}" for repo in repos))

    def fields(self) -> Collection[str]:
        """The fields of what is counted."""
        return _FIELDS[_LISTS[self.what]]


class GitHub:
    """The connector."""

    summary: ClassVar[str] = "merged pull requests, closed issues and releases of GitHub and GitHub Enterprise"
    Settings = GitHubSettings
    Measure = GitHubMeasure

    @staticmethod
    def open(settings: GitHubSettings, context: Context) -> GitHubSource:
        """A source; makes no request yet."""
        return GitHubSource(settings, context)


# What of GitHub's rows is read. Everything else is dropped while parsing, which keeps 20,000 of them small.


class _User(BaseModel):
    login: str


class _Named(BaseModel):
    name: str


class _Titled(BaseModel):
    title: str


class _Base(BaseModel):
    ref: str


class _Row(BaseModel):
    id: int
    node_id: str | None = None
    html_url: str = ""
    created_at: AwareDatetime

    @property
    def wanted(self) -> bool:
        """Whether it is what was asked for."""
        return True

    @property
    def stable_id(self) -> str:
        """The id that stays when the repository is renamed."""
        return self.node_id or str(self.id)


class _Numbered(_Row):
    number: int
    title: str = ""
    state: str
    user: _User | None = None
    labels: list[_Named | str] | None = None
    milestone: _Titled | None = None
    updated_at: AwareDatetime
    closed_at: AwareDatetime | None = None

    def shared_fields(self) -> dict[str, Sequence[Scalar]]:
        """The fields that issues and pulls both have."""
        return {
            "author": [self.user.login] if self.user else [],
            "label": [label if isinstance(label, str) else label.name for label in self.labels or ()],
            "milestone": [self.milestone.title] if self.milestone else [],
            "title": [self.title],
            "number": [self.number],
        }


class _Pull(_Numbered):
    merged_at: AwareDatetime | None = None
    draft: bool | None = None
    base: _Base | None = None

    def record(self, repo: str) -> Record:
        """A merge is final; a pull closed unmerged is not delivered."""
        fields = self.shared_fields()
        fields["base"] = [self.base.ref] if self.base else []
        fields["draft"] = [str(bool(self.draft)).lower()]
        not_done = None if self.merged_at else ("open" if self.state == "open" else "closed without merging")
        return _record(self, f"{repo}#{self.number}", self.title, self.updated_at, self.merged_at, not_done, fields)


class _Issue(_Numbered):
    state_reason: str | None = None
    pull_request: dict[str, Any] | None = None

    @property
    def wanted(self) -> bool:
        """Whether it is an issue: GitHub lists pull requests among them."""
        return self.pull_request is None

    def record(self, repo: str) -> Record:
        """Done where it is closed now, and closed as delivered. A reopened one may still carry its closed_at."""
        fields = self.shared_fields()
        fields["state_reason"] = [self.state_reason] if self.state_reason else []
        not_done = _NOT_DELIVERED.get(self.state_reason or "")
        if self.state != "closed":
            not_done = "reopened" if self.state_reason == "reopened" else "open"
        elif self.closed_at is None:
            not_done = "closed, with no time of closing"
        done_at = self.closed_at if not_done is None else None
        return _record(self, f"{repo}#{self.number}", self.title, self.updated_at, done_at, not_done, fields)


class _Release(_Row):
    tag_name: str = ""
    name: str | None = None
    draft: bool | None = None
    prerelease: bool | None = None
    target_commitish: str = ""
    author: _User | None = None
    published_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None

    def record(self, repo: str) -> Record:
        """A draft is not a release."""
        title = self.name or self.tag_name
        fields: dict[str, Sequence[Scalar]] = {
            "author": [self.author.login] if self.author else [],
            "title": [title],
            "tag": [self.tag_name],
            "draft": [str(bool(self.draft)).lower()],
            "prerelease": [str(bool(self.prerelease)).lower()],
            "base": [self.target_commitish] if self.target_commitish else [],
        }
        not_done = "a draft" if self.draft else (None if self.published_at else "not published")
        done_at = self.published_at if not_done is None else None
        updated_at = max(filter(None, (self.updated_at, self.published_at, self.created_at)))
        return _record(self, f"{repo} {self.tag_name}", title, updated_at, done_at, not_done, fields)


class _Repository(BaseModel):
    full_name: str


def _record(
    row: _Row,
    label: str,
    title: str,
    updated_at: datetime,
    done_at: datetime | None,
    not_done: str | None,
    fields: dict[str, Sequence[Scalar]],
) -> Record:
    if done_at is not None:
        fields["lead_time"] = [(done_at - row.created_at).total_seconds() / 86400]
    return Record(row.stable_id, label, title, row.html_url, updated_at, row.created_at, done_at, not_done, fields)


_ROWS: Mapping[str, TypeAdapter[Any]] = {
    "pulls": TypeAdapter(list[_Pull]),
    "issues": TypeAdapter(list[_Issue]),
    "releases": TypeAdapter(list[_Release]),
    "repos": TypeAdapter(list[_Repository]),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Answer:
    """One page: its rows, None where the server says that they have not changed; the query of the next.

    `unlinked` says that the server links nothing at all.
    """

    rows: list[Any] | None
    etag: str | None
    next: dict[str, str] | None = None
    unlinked: bool = False

    @property
    def last(self) -> bool:
        """Whether no page is behind it."""
        return self.next is None and not (self.unlinked and len(self.rows or ()) >= _PER_PAGE)


def _ascends(rows: list[Any]) -> bool:
    return all(before.updated_at <= after.updated_at for before, after in pairwise(rows))


class GitHubSource:
    """An opened account."""

    def __init__(self, settings: GitHubSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._client = _client(settings, context.folder)
        self._connection = _connection(settings)

    def verify(self, stream: Stream) -> None:
        """Every field that a measure may name is known without asking."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """The rows that changed since the cursor; without one, all that were updated since the window's start."""
        kind, repo = _parsed(stream)
        if not repo.endswith("/*"):
            yield from self._pull_one(kind, repo, stream, dict(cursor or {}))
            return
        # Every repository of an owner: the records of all in one stream, a cursor for each within the stream's.
        cursors: dict[str, Any] = dict((cursor or {}).get("repos") or {})  # type: ignore[arg-type]
        present: set[str] = set()
        for name in self._repositories(repo.removesuffix("/*")):
            # Releases are listed whole, and what any repository still has must be among what is present.
            known = cursors.get(name, {}) if kind != "releases" else {}
            for page in self._pull_one(kind, name, stream, known):
                present |= page.present or frozenset()
                if page.cursor is not None:
                    cursors[name] = page.cursor
                yield Page(page.records, cursor={"repos": dict(cursors)})
        if kind == "releases":
            yield Page(present=frozenset(present))

    def census(self, stream: Stream) -> Iterator[Collection[str]]:
        """The ids of everything that was updated since the window's start."""
        kind, repo = _parsed(stream)
        for name in self._repositories(repo.removesuffix("/*")) if repo.endswith("/*") else [repo]:
            for page in self._pull_one(kind, name, stream, {}):
                yield [record.id for record in page.records]

    def check(self) -> Iterator[Check]:
        """Reachable, authenticated, with which scopes, how much quota, whose clock."""
        headers: Mapping[str, str] = {}
        with suppress(NotThere):  # GitHub Enterprise without limits: it answers 404, and not 401
            _, headers, _ = self._request("/rate_limit", {})
        yield Check("reachable", True, self._settings.url)
        if self._settings.token is None and self._settings.app_id is None:
            yield Check("authenticated", False, "no token: public repositories only, 60 requests an hour")
        else:
            yield Check("authenticated", True, "the credentials are accepted")
        if scopes := headers.get("x-oauth-scopes"):
            wide = sorted({"admin:org", "delete_repo", "repo", "workflow"} & set(re.split(r",\s*", scopes)))
            advice = f"; pulling needs to read only, not {', '.join(wide)}" if wide else ""
            yield Check("least scopes", not wide, scopes + advice)
        yield from quota_and_clock(headers, self._context.now())

    def close(self) -> None:
        """Closes the sockets."""
        self._client.close()
        self._connection.close()

    def _pull_one(self, kind: str, repo: str, stream: Stream, cursor: Mapping[str, Any]) -> Iterator[Page]:
        if kind == "releases":
            return self._releases(repo, cursor)
        floor = stream.since or _EPOCH
        if cursor.get("mark"):
            mark = datetime.fromisoformat(cursor["mark"]) - _OVERLAP
            # The last question again, where it reaches back far enough: unchanged, it is answered by 304.
            floor = max(floor, min(mark, datetime.fromisoformat(cursor.get("since", cursor["mark"]))))
        return self._issues(repo, floor, cursor) if kind == "issues" else self._pulls(repo, floor, cursor)

    def _issues(self, repo: str, floor: datetime, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """From the oldest update on, each page asked for by the last update of the one before.

        No page is asked for by number, so nothing can slip over its edge: a bumped row is met again at the end, and one
        that leaves takes no other with it. Each page moves the mark: a walk that breaks off goes on from there.
        """
        mark = since = floor
        while True:
            asked = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            etag = cursor.get("etag") if cursor.get("since") == asked else None
            moved = False
            for answer in self._pages(f"/repos/{repo}/issues", {**_QUERIES["issues"], "since": asked}, "issues", etag):
                if answer.rows is None:
                    return
                in_order = _ascends(answer.rows)
                if in_order:
                    mark = max([mark, *(row.updated_at for row in answer.rows[-1:])])
                # The etag is of this very question, and says that nothing is new where its answer is all there is.
                known = {"mark": mark.isoformat()}
                if answer.last:
                    known |= {"since": asked, "etag": answer.etag or ""}
                yield Page(self._records(repo, answer.rows), cursor=known if in_order else None)
                # A second earlier: some servers leave out what was updated at `since` itself.
                if not answer.last and in_order and mark - _SECOND >= since + _SECOND:
                    since, moved = mark - _SECOND, True
                    break
            if not moved:
                return

    def _pulls(self, repo: str, floor: datetime, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """From the newest update down to the floor, then the head again until it is still: /pulls knows no `since`.

        What is bumped while pages are read stands at the head. Open pulls are listed too: with closed ones alone, one
        that is reopened would leave the list and hide another behind a page's edge. The mark moves at the end.
        """
        etag, top = cursor.get("etag"), None
        for read in range(_HEAD_READS):
            pages, before = 0, top
            for answer in self._down(repo, floor, etag):
                if answer.rows is None:
                    break
                if pages == 0:
                    etag, top = answer.etag, max((row.updated_at for row in answer.rows), default=top)
                pages += 1
                yield Page(self._records(repo, answer.rows))
            if pages == 0 and read == 0:
                return
            if pages == 0 or top is None or (read == 0 and pages == 1) or top == before:
                break
            floor = top - _OVERLAP
        yield Page(cursor={"mark": top.isoformat() if top else cursor.get("mark"), "etag": etag})

    def _down(self, repo: str, floor: datetime, etag: str | None) -> Iterator[_Answer]:
        """The pages that may hold pulls newer than the floor.

        A server that does not sort as asked is walked to the end: stopping early would miss rows.
        """
        last: datetime | None = None
        in_order = True
        for answer in self._pages(f"/repos/{repo}/pulls", _QUERIES["pulls"], "pulls", etag):
            yield answer
            for row in answer.rows or []:
                in_order = in_order and (last is None or row.updated_at <= last)
                last = row.updated_at
            if in_order and last is not None and last < floor:
                return

    def _records(self, repo: str, rows: list[Any]) -> list[Record]:
        return [row.record(repo) for row in rows if row.wanted]

    def _releases(self, repo: str, cursor: Mapping[str, Any]) -> Iterator[Page]:
        """All of them: the list has no order by update, and an old one may be published, edited or deleted.

        Only a list of one page can say by its ETag that nothing changed.
        """
        present: set[str] = set()
        etags: list[str | None] = []
        for answer in self._pages(f"/repos/{repo}/releases", {}, "releases", cursor.get("etag")):
            if answer.rows is None:
                return
            records = self._records(repo, answer.rows)
            present |= {record.id for record in records}
            etags.append(answer.etag)
            yield Page(records)
        yield Page(cursor={"etag": etags[0] if len(etags) == 1 else None}, present=frozenset(present))

    def _repositories(self, owner: str) -> list[str]:
        """The full names of an owner's repositories, whether it is an organisation or a person."""
        try:
            answers = list(self._pages(f"/orgs/{owner}/repos", {"type": "all"}, "repos", None))
        except NotThere:
            answers = list(self._pages(*self._of_a_person(owner), "repos", None))
        return sorted(row.full_name for answer in answers for row in answer.rows or [])

    def _of_a_person(self, owner: str) -> tuple[str, dict[str, str]]:
        """Where a person's repositories are listed: the private ones only to that person."""
        with suppress(SourceBroken):
            _, _, body = self._request("/user", {})
            if _User.model_validate_json(body).login.lower() == owner.lower():
                return "/user/repos", {"affiliation": "owner"}
        return f"/users/{owner}/repos", {"type": "owner"}

    def _pages(self, path: str, query: Mapping[str, str], kind: str, etag: str | None) -> Iterator[_Answer]:
        """A list's pages, as its links lead; one answer without rows where the first is as `etag` says.

        Of a link only its query is taken: behind a proxy or a replay its host is not ours. A full page from a server
        that links nothing may have another behind it, which is asked for by number.
        """
        asked: dict[str, str] = {**query, "per_page": str(_PER_PAGE)}
        seen: set[str] = set()
        while True:
            place = repr(sorted(asked.items()))
            if place in seen:
                raise SourceBroken(f"its pages go round in a circle (page {len(seen) + 1})")
            seen.add(place)
            answer = self._list(path, asked, kind, etag if len(seen) == 1 else None)
            yield answer
            if answer.next is not None:
                asked = {**asked, **answer.next}
            elif answer.unlinked and not answer.last:
                asked = {**asked, "page": str(len(seen) + 1)}
            else:
                return

    def _list(self, path: str, query: Mapping[str, str], kind: str, etag: str | None) -> _Answer:
        def ask() -> _Answer:
            status, headers, body = self._once(path, query, {"If-None-Match": etag} if etag else {})
            if status == 304 and etag is None:
                raise RetryLater("it says that nothing changed to one who never asked before")  # a cache in between
            if status == 304:
                return _Answer(None, etag)
            try:
                rows = _ROWS[kind].validate_json(body)
            except ValidationError as error:
                where = ".".join(str(part) for part in error.errors()[0]["loc"])
                said = f"its answer is not what GitHub documents: {where or 'the whole'}: {error.errors()[0]['msg']}"
                raise RetryLater(said) from None
            link = parse_link(headers.get("link", "")).get("next")
            following = {name: values[-1] for name, values in parse_qs(urlsplit(link).query).items()} if link else None
            return _Answer(rows, headers.get("etag"), following, "link" not in headers)

        return self._context.retry.call(ask)

    def _request(self, path: str, query: Mapping[str, str]) -> tuple[int, Mapping[str, str], str]:
        return self._context.retry.call(lambda: self._once(path, query, {}))

    def _once(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], str]:
        import requests
        from github import GithubException

        try:
            status, answered, body = self._client.requester.requestJson(
                "GET", path, dict(query), dict(headers), cnx=self._connection
            )
        except requests.exceptions.RequestException as error:
            raise network_failure(error) from None
        except GithubException as error:  # the App's own request for a token
            raise failure(error.status, error.headers or {}, str(error.data), self._context.now()) from None
        named = {name.lower(): str(value) for name, value in answered.items()}
        if status in (404, 410):
            raise NotThere(str(failure(status, named, body, self._context.now())))
        if status != 304 and status >= 300:
            raise failure(status, named, body, self._context.now())
        return status, named, body


class NotThere(SourceBroken):
    """Nothing is there, or nothing that these credentials may see."""


def _client(settings: GitHubSettings, folder: str) -> Client:
    from github import Auth, Github

    auth: Auth.Auth | None = None
    if settings.token is not None:
        auth = Auth.Token(settings.token.get_secret_value())
    elif settings.private_key is not None:
        key = settings.private_key
        if "-----BEGIN" not in key:
            try:
                key = (Path(folder) / key).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                why = getattr(error, "strerror", None) or "it is not text"
                raise ConfigError(f"private_key names {key}, which cannot be read: {why.lower()}") from None
        app = Auth.AppAuth(settings.app_id or "", key)
        auth = app.get_installation_auth(int(settings.installation_id or 0))
    return Github(
        base_url=settings.url,
        auth=auth,
        timeout=int(settings.timeout),
        retry=None,
        seconds_between_requests=None,
        per_page=_PER_PAGE,
        user_agent="syncd",
    )


def _connection(settings: GitHubSettings) -> Any:
    """PyGithub's connection, following redirects with their query.

    Only at our own address: behind a proxy or a replay, a renamed repository's new address names another host, and our
    token is for none but the one configured.
    """
    from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, RequestsResponse

    parts = urlsplit(settings.url)
    base: Any = HTTPSRequestsConnectionClass if parts.scheme == "https" else HTTPRequestsConnectionClass

    class Following(base):  # type: ignore[misc]
        def getresponse(self) -> RequestsResponse:
            for _ in range(_REDIRECTS):
                answer = super().getresponse()
                location = {name.lower(): value for name, value in answer.getheaders()}.get("location")
                if answer.status not in (301, 302, 307, 308) or location is None:
                    return answer
                to = urlsplit(location)
                root = parts.path if to.hostname not in (None, parts.hostname) else ""
                self.url = f"{root}{to.path}" + (f"?{to.query}" if to.query else "")
            raise SourceBroken("it redirects in a circle")

    return Following(parts.hostname, parts.port, timeout=settings.timeout, retry=0)


def _parsed(stream: Stream) -> tuple[str, str]:
    kind, _, repo = stream.key.partition(" of ")
    return kind, repo
