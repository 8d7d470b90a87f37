"""Answers in the shapes that the real services send, played back by a loopback server.

The answers are written here; their shapes were studied in public recordings (PyGithub's ReplayData, gspread's
cassettes, DevLake's raw tables, captured Jira searches). Links name https://api.github.com, as recordings do, while we
talk to the loopback.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.github import GitHub
from connectors.github.source import GitHubSource
from connectors.jira import Jira
from connectors.jira.source import JiraSource
from connectors.sheets import Sheets
from connectors.sheets.source import SheetsSource
from syncd.sdk import Context, Page, Record, RetryLater, Snapshot, SourceBroken, SourceError, Stream

SINCE = datetime(2026, 10, 1, tzinfo=UTC)
REAL = "https://api.github.com"
HTML = "<!DOCTYPE html>\n<html><head><title>Unicorn!</title></head><body><p>We had issues.</p></body></html>"


@dataclass(frozen=True)
class Asked:
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def page(self) -> int:
        return int(self.query.get("page", "1"))


@dataclass(frozen=True)
class Answer:
    """An answer. A `body` that is a text is sent as it is, any other as JSON; `headers` keep their case."""

    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


Script = Callable[[Asked], Answer]


class Replay:
    """Answers by a script and keeps the requests in `asked`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.script: Script = lambda _: Answer(status=404)
        replay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
                asked = Asked(parts.path, query, {key.lower(): text for key, text in self.headers.items()})
                replay.asked.append(asked)
                answer = replay.script(asked)
                text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
                raw = b"" if answer.status == 304 else text.encode()
                self.send_response(answer.status)
                for name, value in {"content-type": "application/json; charset=utf-8", **answer.headers}.items():
                    self.send_header(name, value)
                if answer.status != 304:
                    self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextlib.contextmanager
    def running(self) -> Iterator[Replay]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True)
        thread.start()
        yield self
        self._server.shutdown()
        thread.join()
        self._server.server_close()


@pytest.fixture
def replay() -> Iterator[Replay]:
    with Replay().running() as server:
        yield server


# -- GitHub


@pytest.fixture
def github(replay: Replay, context: Context) -> Iterator[GitHubSource]:
    settings = {"type": "github", "url": replay.url, "token": "t"}
    source = GitHub.open(GitHub.Settings.model_validate(settings, context={"resolved": True}), context)
    yield source
    source.close()


def gathered(source: GitHubSource, kind: str, cursor: Any = None, repo: str = "acme/web") -> dict[str, Record]:
    pages = source.pull(Stream(f"{kind} of {repo}", "records", frozenset(), SINCE), cursor)
    return {record.label: record for page in pages for record in page.records}


def row(number: int, at: str = "2026-10-05T08:00:00Z", **keys: Any) -> dict[str, Any]:
    """A pull request in a list, with some of the keys that syncd does not read."""
    return {
        "url": f"{REAL}/repos/acme/web/pulls/{number}",
        "id": 1_000_000_000 + number,
        "node_id": f"PR_{number}",
        "html_url": f"https://github.com/acme/web/pull/{number}",
        "number": number,
        "state": "closed",
        "locked": False,
        "title": f"Change {number}",
        "user": {"login": "ana", "id": 1, "type": "User"},
        "body": None,
        "labels": [],
        "milestone": None,
        "draft": False,
        "created_at": "2026-10-01T08:00:00Z",
        "updated_at": at,
        "closed_at": at,
        "merged_at": at,
        "assignee": None,
        "head": {"label": "ana:x", "ref": "x", "user": None, "repo": None},
        "base": {"label": "acme:main", "ref": "main"},
        **keys,
    }


def without(item: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in names}


def paged(rows: list[dict[str, Any]], link: Callable[[Asked, int], str] | None) -> Script:
    def script(asked: Asked) -> Answer:
        size = int(asked.query.get("per_page", "30"))
        number = int(asked.query.get("after", asked.page))
        part = rows[(number - 1) * size : number * size]
        more = number * size < len(rows)
        if link is None:
            return Answer(part)
        first = f'<{link(asked, 1)}>; rel="first"'
        return Answer(part, {"link": f'<{link(asked, number + 1)}>; rel="next", {first}' if more else first})

    return script


LINKS: Mapping[str, Callable[[Asked, int], str]] = {
    "by the repository's id": lambda asked, page: (
        f"{REAL}/repositories/1296269/pulls?"
        + "&".join(f"{name}={value}" for name, value in {**asked.query, "page": str(page)}.items())
    ),
    "by a cursor": lambda asked, page: (
        f"{REAL}/repositories/1296269/pulls?"
        + "&".join(f"{name}={value}" for name, value in {**asked.query, "after": str(page), "page": "2"}.items())
    ),
    "of an enterprise server": lambda asked, page: (
        "https://github.acme.example/api/v3/repositories/1/pulls?"
        + "&".join(f"{name}={value}" for name, value in {**asked.query, "page": str(page)}.items())
    ),
}


@pytest.mark.parametrize("form", LINKS)
def test_links_that_name_the_real_host_are_followed_at_the_configured_host(
    replay: Replay, github: GitHubSource, form: str
) -> None:
    rows = [row(number) for number in range(250, 0, -1)]
    replay.script = paged(rows, LINKS[form])
    assert len(gathered(github, "pulls")) == 250
    assert {asked.path for asked in replay.asked} == {"/repos/acme/web/pulls"}
    assert len({asked.query["state"] for asked in replay.asked}) == 1


def test_links_that_name_only_the_page_keep_the_query(replay: Replay, github: GitHubSource) -> None:
    """As GitHub's links did in its first years. Every page must be requested with the whole query."""
    rows = [row(number) for number in range(250, 0, -1)]
    replay.script = paged(rows, lambda _, page: f"{REAL}/repos/acme/web/pulls?page={page}")
    assert len(gathered(github, "pulls")) == 250
    assert all("state" in asked.query and asked.query["per_page"] == "100" for asked in replay.asked)


def test_a_server_without_links_is_paged_by_number(replay: Replay, github: GitHubSource) -> None:
    replay.script = paged([row(number) for number in range(250, 0, -1)], None)
    assert len(gathered(github, "pulls")) == 250


@pytest.mark.parametrize("kind", ["pulls", "issues"])
def test_a_server_that_does_not_sort_is_read_to_the_end(replay: Replay, github: GitHubSource, kind: str) -> None:
    """The newest update is on the last page, after rows older than the window."""
    days = ["2026-09-02", *("2026-10-05", "2026-09-03") * 120, "2026-10-20"]
    rows = [row(number, f"{day}T08:00:00Z") for number, day in enumerate(days, start=1)]
    replay.script = paged(rows, LINKS["by the repository's id"])
    records = gathered(github, kind)
    assert sum(record.done_at is not None and record.done_at >= SINCE for record in records.values()) == 121


def test_a_server_that_ignores_since_is_read_to_the_end(replay: Replay, github: GitHubSource) -> None:
    """As the emulator backlot does: each page holds rows older than `since` too."""
    days = [f"2026-{month:02}-{day:02}T08:00:00Z" for month in (8, 9, 10) for day in range(1, 31) for _ in range(4)]
    rows = [row(number, day) for number, day in enumerate(days, start=1)]

    def script(asked: Asked) -> Answer:
        down = asked.query["direction"] == "desc"
        return paged(rows[::-1] if down else rows, LINKS["by the repository's id"])(asked)

    replay.script = script
    records = gathered(github, "issues")
    assert sum(record.done_at is not None and record.done_at >= SINCE for record in records.values()) == 120
    assert len(replay.asked) <= 20


@pytest.mark.parametrize("etag", ['W/"5d1f3c7e"', '"5d1f3c7e"'])
def test_etags_are_sent_back_as_they_came(replay: Replay, github: GitHubSource, etag: str) -> None:
    def script(asked: Asked) -> Answer:
        if asked.headers.get("if-none-match") == etag:
            return Answer(status=304, headers={"etag": etag})
        return Answer([row(1)], {"etag": etag})

    replay.script = script
    pages = list(github.pull(Stream("pulls of acme/web", "records", frozenset(), SINCE), None))
    cursor = pages[-1].cursor
    assert gathered(github, "pulls", cursor) == {}
    assert replay.asked[-1].headers["if-none-match"] == etag


def test_a_server_without_etags_is_pulled_again(replay: Replay, github: GitHubSource) -> None:
    replay.script = lambda asked: Answer([row(1)])
    pages = list(github.pull(Stream("pulls of acme/web", "records", frozenset(), SINCE), None))
    assert set(gathered(github, "pulls", pages[-1].cursor)) == {"acme/web#1"}
    assert "if-none-match" not in replay.asked[-1].headers


SHAPES: Mapping[str, dict[str, Any]] = {
    "a ghost": row(1, user=None),
    "labels as texts": row(1, labels=["bug", "ui"]),
    "labels as objects": row(1, labels=[{"id": 1, "name": "bug", "description": None}, {"name": "ui"}]),
    "a milestone": row(1, milestone={"title": "M1", "due_on": None, "creator": None}),
    "no draft, as of old servers": without(row(1), "draft"),
    "no node_id, as of old servers": without(row(1), "node_id"),
    "no labels, as of old lists of pulls": without(row(1), "labels"),
    "no title to read": without(row(1), "body", "head", "assignee"),
    "times with an offset": row(1, "2026-10-05T10:00:00+02:00"),
    "times with fractions": row(1, "2026-10-05T08:00:00.000Z"),
    "a base whose repository is gone": row(1, base={"ref": "main", "repo": None, "user": None}),
    "what a newer API adds": row(1, type={"name": "Bug"}, sub_issues_summary={"total": 0}, auto_merge=None),
    "draft null": row(1, draft=None),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_pulls_of_every_shape_become_records(replay: Replay, github: GitHubSource, shape: str) -> None:
    replay.script = lambda _: Answer([SHAPES[shape]])
    (record,) = gathered(github, "pulls").values()
    assert record.done_at == datetime(2026, 10, 5, 8, tzinfo=UTC)
    assert record.label == "acme/web#1"


@pytest.mark.parametrize(
    ("kind", "left_out", "needs"),
    [
        ("pulls", "labels", "label"),
        ("pulls", "user", "author"),
        ("pulls", "user", "author_is"),
        ("pulls", "milestone", "milestone"),
        ("pulls", "base", "base"),
        ("pulls", "title", "title"),
        ("pulls", "merged_at", "pull request"),
        ("pulls", "merged_at", "label"),
        ("issues", "labels", "label"),
        ("issues", "user", "author"),
        ("releases", "published_at", "release"),
        ("releases", "prerelease", "prerelease"),
        ("releases", "author", "author"),
    ],
)
def test_key_that_a_row_leaves_out_is_not_a_blank(
    replay: Replay, github: GitHubSource, kind: str, left_out: str, needs: str
) -> None:
    rest = without({"pulls": row(1), "issues": issue(1), "releases": release(1)}[kind], left_out)
    stream = Stream(f"{kind} of acme/web", "records", frozenset({needs}), SINCE)
    replay.script = lambda _: Answer([rest])
    with pytest.raises(SourceBroken, match=f"leaves out '{left_out}', which a measure needs"):
        list(github.pull(stream, None))


@pytest.mark.parametrize("blank", ["labels", "user", "milestone", "merged_at"])
def test_key_that_is_null_is_a_blank(replay: Replay, github: GitHubSource, blank: str) -> None:
    stream = Stream("pulls of acme/web", "records", frozenset({"label", "author", "milestone"}), SINCE)
    replay.script = lambda _: Answer([{**row(1), blank: None}])
    assert [record.label for page in github.pull(stream, None) for record in page.records] == ["acme/web#1"]


@pytest.mark.parametrize("key", ["id", "number"])
@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, "1e999", "-1", "[" * 300 + "]" * 300])
def test_number_beyond_any_row_is_not_what_github_documents(
    replay: Replay, github: GitHubSource, key: str, number: str
) -> None:
    text = json.dumps([row(1)]).replace(f'"{key}": {row(1)[key]}', f'"{key}": {number}')
    replay.script = lambda _: Answer(text)
    with pytest.raises(RetryLater, match="not what GitHub documents"):
        gathered(github, "pulls")


def test_key_that_no_measure_needs_may_be_left_out(replay: Replay, github: GitHubSource) -> None:
    bare = without(row(1), "labels", "user", "milestone", "base", "title", "draft")
    replay.script = lambda _: Answer([bare, without({**row(2), "state": "open"}, "merged_at")])
    assert set(gathered(github, "pulls")) == {"acme/web#1", "acme/web#2"}


def release(number: int, **keys: Any) -> dict[str, Any]:
    return {
        "id": number, "node_id": f"RE_{number}", "tag_name": f"v{number}", "target_commitish": "main",
        "name": f"Release {number}", "draft": False, "prerelease": False, "html_url": f"https://github.com/r/{number}",
        "author": {"login": "ana"}, "created_at": "2026-10-01T08:00:00Z", "published_at": "2026-10-05T08:00:00Z",
        "assets": [], "body": None, **keys,
    }  # fmt: skip


def issue(number: int, at: str | None = "2026-10-05T08:00:00Z", **keys: Any) -> dict[str, Any]:
    base = without(row(number, at or "2026-10-05T08:00:00Z"), "merged_at", "draft", "head", "base")
    return {**base, "closed_at": at, "state_reason": "completed", "author_association": "NONE", **keys}


def test_issues_of_every_shape_become_records(replay: Replay, github: GitHubSource) -> None:
    pull = {"url": f"{REAL}/repos/acme/web/pulls/9", "merged_at": "2026-10-05T08:00:00Z"}
    replay.script = lambda _: Answer(
        [
            issue(1),
            without(issue(2), "state_reason"),  # closed before GitHub had reasons, or on an old server
            issue(3, state_reason=None),
            issue(4, state_reason="not_planned"),
            issue(5, state_reason="duplicate"),
            issue(6, state="open", state_reason="reopened"),  # with its closed_at, as recorded
            issue(7, None, state="open", state_reason=None),
            issue(8, user=None, labels=["bug"], performed_via_github_app=None),
            issue(9, pull_request=pull, draft=False),
            issue(10, pull_request={"url": "u", "html_url": "h", "diff_url": "d", "patch_url": "p"}),  # no merged_at
            issue(11, None),  # closed at an unknown time
        ]
    )
    records = gathered(github, "issues")
    issues = {label for label, record in records.items() if record.done_at and record.kind == "issue"}
    assert issues == {f"acme/web#{n}" for n in (1, 2, 3, 8)}
    pulls = {label: record.done_at for label, record in records.items() if record.kind == "pull request"}
    assert pulls == {"acme/web#9": datetime(2026, 10, 5, 8, tzinfo=UTC), "acme/web#10": None}
    assert records["acme/web#11"].not_done is not None


def test_releases_of_every_shape_become_records(replay: Replay, github: GitHubSource) -> None:
    replay.script = lambda _: Answer(
        [
            release(1),
            release(2, author=None),
            release(3, name=None, immutable=True, updated_at=None),
            release(4, name="", updated_at="2026-10-06T08:00:00Z"),
            release(5, draft=True, published_at=None, tag_name="untagged-5f"),
            release(6, published_at=None),
            without(release(7), "node_id", "assets", "body", "name"),
            release(8, prerelease=True),
        ]
    )
    records = gathered(github, "releases")
    assert {label for label, record in records.items() if record.done_at} == {
        f"acme/web v{n}" for n in (1, 2, 3, 4, 7, 8)
    }
    assert records["acme/web v3"].title == records["acme/web v3"].fields["tag"][0] == "v3"


def test_a_redirect_that_names_the_real_host_stays_at_the_configured_host(replay: Replay, github: GitHubSource) -> None:
    """The redirect of a renamed repository. Following it to its host would leave the replay, or the proxy."""

    def script(asked: Asked) -> Answer:
        if asked.path == "/repos/acme/web/pulls":
            query = "&".join(f"{name}={value}" for name, value in asked.query.items())
            where = f"https://api.github.invalid/repositories/1296269/pulls?{query}"
            return Answer({"message": "Moved Permanently", "url": where}, {"location": where}, 301)
        if asked.path == "/repos/acme/web":
            return Answer({"id": 1296269, "full_name": "Acme/Web"})  # redirected, and not renamed
        return Answer([row(1)] if asked.query.get("per_page") == "100" else [])

    replay.script = script
    assert set(gathered(github, "pulls")) == {"acme/web#1"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(HTML, {"content-type": "text/html"}), RetryLater),
        (Answer(HTML, {"content-type": "text/html"}, 502), RetryLater),
        (Answer(HTML, {"content-type": "text/html"}, 404), SourceBroken),
        (Answer({"message": "Server Error"}), RetryLater),
        (Answer("", status=200), RetryLater),
        (Answer([without(row(1), "updated_at")]), RetryLater),
        (Answer([row(1, "yesterday")]), RetryLater),
        (Answer([row(1, "2026-10-05T08:00:00")]), RetryLater),  # a time without a zone is not a moment
        (Answer({"message": "Not Found", "documentation_url": "d", "status": "404"}, status=404), SourceBroken),
        (Answer({"message": "Bad credentials"}, status=401), SourceBroken),
        (Answer({"message": "Repository access blocked", "block": {"reason": "tos"}}, status=403), SourceBroken),
        (Answer({"message": "Repository access blocked", "block": {"reason": "dmca"}}, status=451), SourceBroken),
        (Answer({"message": "In order to list this, restrict it", "errors": []}, status=422), SourceBroken),
        (Answer({"message": "Abuse detection mechanism."}, {"retry-after": "30"}, 403), RetryLater),
        (Answer("", status=304), SourceError),  # the request had no ETag
    ],
    ids=lambda value: str(getattr(value, "status", "")) or value.__name__,
)
def test_an_answer_that_is_not_a_list_breaks_the_pull(
    replay: Replay, github: GitHubSource, answer: Answer, error: type[SourceError]
) -> None:
    replay.script = lambda _: answer
    pages: list[Page] = []
    with pytest.raises(error) as caught:
        pages.extend(github.pull(Stream("pulls of acme/web", "records", frozenset(), SINCE), None))
    assert all(not page.records and page.cursor is None for page in pages)
    assert "<" not in str(caught.value)


def test_an_empty_list_is_complete(replay: Replay, github: GitHubSource) -> None:
    replay.script = lambda _: Answer([])
    assert gathered(github, "pulls") == {}


def test_a_row_that_comes_twice_is_a_single_record(replay: Replay, github: GitHubSource) -> None:
    """A row that moves down a page comes twice, the second time unchanged or newer. It is a single record."""
    replay.script = lambda _: Answer([row(1), row(1, "2026-10-06T08:00:00Z"), row(1)])
    pages = github.pull(Stream("pulls of acme/web", "records", frozenset(), SINCE), None)
    assert len({record.id for page in pages for record in page.records}) == 1


def test_a_deployment_of_another_service_has_statuses_with_an_address(replay: Replay, github: GitHubSource) -> None:
    """As Vercel and Heroku write them: a SHA for a ref, a text for a payload, statuses in an order of their own."""
    deployment = {
        "url": f"{REAL}/repos/acme/web/deployments/1", "id": 1, "node_id": "DE_1", "task": "deploy",
        "original_environment": "Preview", "environment": "Preview – web", "description": None,
        "created_at": "2026-10-05T08:00:00Z", "updated_at": "2026-10-05T08:02:00Z", "payload": "{}",
        "creator": {"login": "vercel[bot]", "id": 35, "type": "Bot"}, "ref": "9f3c", "sha": "9f3c" * 10,
        "transient_environment": False, "production_environment": False, "performed_via_github_app": None,
    }  # fmt: skip
    states = [("success", "08:02", 12), ("pending", "08:00", 11)]
    statuses = [
        {"id": id_, "state": state, "description": "Deployment has completed", "environment": "Preview – web",
         "target_url": "https://web.example.app", "log_url": "javascript:alert(1)", "environment_url": "https://web.example.app",
         "created_at": f"2026-10-05T{at}:00Z", "updated_at": f"2026-10-05T{at}:00Z", "creator": None}
        for state, at, id_ in states
    ]  # fmt: skip
    replay.script = lambda asked: Answer(statuses if asked.path.endswith("/statuses") else [deployment])
    (record,) = gathered(github, "deployments").values()
    assert (record.done_at, record.url) == (datetime(2026, 10, 5, 8, 2, tzinfo=UTC), "https://web.example.app")
    assert (record.fields["author_is"], record.fields["environment"]) == (["bot"], ["Preview – web"])


def test_a_run_of_a_deleted_workflow_has_no_name(replay: Replay, github: GitHubSource) -> None:
    run = {
        "id": 30433642, "name": None, "node_id": "WFR_1", "head_branch": None, "head_sha": "acb5", "run_number": 562,
        "path": ".github/workflows/build.yml@main", "display_title": "Update README.md", "event": "push",
        "status": "completed", "conclusion": "timed_out", "workflow_id": 159038, "run_attempt": 1,
        "html_url": "https://github.com/acme/web/actions/runs/30433642", "pull_requests": [],
        "created_at": "2026-10-05T08:00:00Z", "updated_at": "2026-10-05T14:00:00Z", "actor": None,
    }  # fmt: skip
    replay.script = lambda _: Answer({"total_count": 1, "workflow_runs": [run]})
    (record,) = gathered(github, "workflow runs").values()
    assert (record.label, record.fields["workflow"], record.fields["author"]) == ("acme/web run #562", [], [])
    assert record.fields["lead_time"] == [0.25]
    assert replay.asked[0].query["created"] == ">=2026-07-28T00:00:00Z", (
        "65 days before: it may have been started again"
    )


def test_fewer_runs_than_are_counted_are_not_all(replay: Replay, github: GitHubSource) -> None:
    replay.script = lambda _: Answer({"total_count": 7, "workflow_runs": []})
    with pytest.raises(RetryLater, match="is not whole"):
        gathered(github, "workflow runs")


def test_a_server_that_cannot_filter_runs_by_their_creation_is_told(replay: Replay, github: GitHubSource) -> None:
    """GitHub Enterprise of before 2021 ignores `created`."""
    runs = [
        {"id": id_, "run_number": id_, "event": "push", "status": "completed", "conclusion": "success",
         "created_at": f"2026-10-0{id_}T08:00:00Z", "updated_at": "2026-10-09T08:00:00Z"} for id_ in (9, 2)
    ]  # fmt: skip
    replay.script = lambda _: Answer({"total_count": 5000, "workflow_runs": runs})
    with pytest.raises(SourceBroken, match="cannot list workflow runs by their creation"):
        gathered(github, "workflow runs")


def test_a_tag_without_a_tagger_has_the_date_of_its_commit(replay: Replay, github: GitHubSource) -> None:
    """As tags that Git itself made in its first years; and refs that only begin like the list's."""
    shas = {"tag": "940b" * 10, "commit": "c3d0" * 10}

    def script(asked: Asked) -> Answer:
        match asked.path.split("/")[4:]:
            case ["git", "matching-refs", "tags"]:
                refs = [("refs/tags/v0.1", "tag"), ("refs/tags-of-old/x", "commit")]
                return Answer([{"ref": ref, "object": {"type": kind, "sha": shas[kind]}} for ref, kind in refs])
            case ["git", "tags", _]:
                return Answer({"tag": "v0.1", "message": "", "object": {"type": "commit", "sha": shas["commit"]}})
        return Answer({"sha": shas["commit"], "committer": {"date": "2026-10-05T08:00:00Z"}})

    replay.script = script
    (record,) = gathered(github, "tags").values()
    assert record.done_at == datetime(2026, 10, 5, 8, tzinfo=UTC)


def test_comparisons_in_pages_are_read_whole(replay: Replay, github: GitHubSource) -> None:
    """Links of a comparison lead on while there are commits; the first page alone has files."""
    base, head = "a" * 40, "b" * 40
    commits = [f"{number:040x}" for number in range(150)]

    def script(asked: Asked) -> Answer:
        match asked.path.split("/")[4:]:
            case ["deployments"]:
                days = [("2026-10-07", head, 2), ("2026-09-20", base, 1)]
                return Answer([
                    {"id": id_, "sha": sha, "ref": "main", "environment": "production", "task": "deploy",
                     "created_at": f"{day}T08:00:00Z", "updated_at": f"{day}T08:00:00Z", "creator": None,
                     "description": None} for day, sha, id_ in days
                ])  # fmt: skip
            case ["deployments", id_, "statuses"]:
                day = {"1": "2026-09-20", "2": "2026-10-07"}[id_]
                return Answer([{"id": 5, "state": "success", "created_at": f"{day}T09:00:00Z"}])
            case ["compare", _]:
                part = commits[(asked.page - 1) * 100 : asked.page * 100]
                link = f'<{REAL}/repositories/1/compare/x?per_page=100&page=2>; rel="next"'
                content = {"status": "ahead", "total_commits": 150, "commits": [{"sha": sha} for sha in part]}
                return Answer(
                    content, {"Link": link} if asked.page == 1 else {"Link": f'<{REAL}/x?page=1>; rel="prev"'}
                )
        merged = row(7) | {"merged_at": "2026-10-06T08:00:00Z", "merge_commit_sha": commits[140]}
        return Answer([merged])

    replay.script = script
    (record,) = gathered(github, "pulls deployed to production").values()
    assert (record.done_at, record.remark) == (datetime(2026, 10, 7, 9, tzinfo=UTC), None)


# -- Jira


def jira_source(replay: Replay, context: Context, **keys: Any) -> JiraSource:
    settings = {"type": "jira", "url": replay.url, "email": "a@acme.example", "token": "t", **keys}
    return Jira.open(Jira.Settings.model_validate(settings, context={"resolved": True}), context)


def ticket(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "expand": "operations,versionedRepresentations,editmeta,changelog,renderedFields",
        "id": str(10_000 + number),
        "self": f"https://acme.atlassian.net/rest/api/2/issue/{10_000 + number}",
        "key": f"KB-{number}",
        "fields": {
            "summary": f"Ticket {number}",
            "status": {"name": "Fertig", "id": "10002", "statusCategory": {"id": 3, "key": "done", "name": "Fertig"}},
            "resolution": {"id": "10000", "name": "Done"},
            "resolutiondate": "2026-10-05T13:30:00.520+0530",
            "statuscategorychangedate": "2026-10-05T13:30:00.520+0530",
            "created": "2026-10-01T01:00:00.000-0700",
            "updated": "2026-10-06T08:00:00.000+0000",
            **fields,
        },
    }


def jira_script(search: Any, cloud: bool = True, status: int = 200, myself: Answer | None = None) -> Script:
    def script(asked: Asked) -> Answer:
        if asked.path.endswith("/serverInfo"):
            info = {"baseUrl": "https://acme.atlassian.net", "version": "9.12.1", "serverTitle": "Jira"}
            return Answer({**info, "deploymentType": "Cloud"} if cloud else info)
        if asked.path.endswith("/myself"):
            who = {"accountId": "5b"} if cloud else {"key": "JIRAUSER10100", "name": "bot"}
            return myself or Answer({**who, "displayName": "Bot", "timeZone": "Asia/Kolkata"})
        if asked.path.endswith("/search/jql" if cloud else "/search"):
            return Answer(search, status=status) if not isinstance(search, Answer) else search
        return Answer({"errorMessages": ["dead link"]}, status=404)

    return script


def tickets(source: JiraSource, *needs: str) -> dict[str, Record]:
    pages = source.pull(Stream("project = KB", "records", frozenset(needs), SINCE), None)
    return {record.label: record for page in pages for record in page.records}


def test_jira_times_of_every_offset_are_read(replay: Replay, context: Context) -> None:
    replay.script = jira_script({"issues": [ticket(1)], "isLast": True})
    (record,) = tickets(jira_source(replay, context)).values()
    assert record.done_at == datetime(2026, 10, 5, 8, 0, 0, 520_000, tzinfo=UTC)
    assert record.created_at == datetime(2026, 10, 1, 8, tzinfo=UTC)


JIRA_SHAPES: Mapping[str, tuple[dict[str, Any], bool]] = {
    "no resolution, yet Done": (ticket(1, resolution=None, resolutiondate=None), True),
    "no status category date, as on Data Center": (
        {**ticket(1), "fields": without(ticket(1)["fields"], "statuscategorychangedate")},
        True,
    ),
    "neither date": (ticket(1, resolution=None, resolutiondate=None, statuscategorychangedate=None), False),
    "reopened, with its resolution": (
        ticket(1, status={"name": "Offen", "statusCategory": {"id": 2, "key": "new", "name": "Zu erledigen"}}),
        False,
    ),
    "no category at all": (
        ticket(1, status={"name": "Odd", "statusCategory": {"id": 1, "key": "undefined", "name": "No Category"}}),
        False,
    ),
    "no summary": (ticket(1, summary=None), True),
    "nobody and nothing": (ticket(1, assignee=None, priority=None, labels=[], components=None, issuetype=None), True),
    "a user without a name": (ticket(1, assignee={"accountId": "5b", "active": False}), True),
    "an app as a user": (ticket(1, assignee={"accountId": "5b", "displayName": "Automation for Jira"}), True),
}


@pytest.mark.parametrize("cloud", [True, False], ids=["cloud", "data center"])
@pytest.mark.parametrize("shape", JIRA_SHAPES)
def test_tickets_of_every_shape_become_records(replay: Replay, context: Context, shape: str, cloud: bool) -> None:
    item, done = JIRA_SHAPES[shape]
    around = {"isLast": True} if cloud else {"startAt": 0, "maxResults": 50, "total": 1, "expand": "schema,names"}
    replay.script = jira_script({"issues": [item], **around}, cloud)
    keys = {} if cloud else {"email": None}
    (record,) = tickets(
        jira_source(replay, context, **keys), "assignee", "priority", "label", "component", "type"
    ).values()
    assert (record.done_at is not None) is done
    assert (record.not_done is None) is done


def test_a_jira_without_an_account_is_pulled(replay: Replay, context: Context) -> None:
    """As the emulator backlot does, and Jira for accounts that may not request it."""
    replay.script = jira_script({"issues": [ticket(1)], "isLast": True}, myself=Answer("no", status=404))
    assert set(tickets(jira_source(replay, context))) == {"KB-1"}


def test_a_search_without_is_last_is_complete(replay: Replay, context: Context) -> None:
    replay.script = jira_script({"issues": [ticket(1)], "names": None, "warningMessages": []})
    assert set(tickets(jira_source(replay, context))) == {"KB-1"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(HTML, {"content-type": "text/html"}), RetryLater),  # a login page
        (Answer(HTML, {"content-type": "text/html"}, 503), RetryLater),
        (Answer(HTML, {"content-type": "text/html"}, 401), SourceBroken),
        (
            Answer({"errorMessages": ["The value 'KB' does not exist for the field 'project'."]}, status=400),
            SourceBroken,
        ),
        (Answer({"errorMessages": ["The requested API has been removed."]}, status=410), SourceBroken),
        (Answer({"isLast": True}), RetryLater),
        (Answer({"issues": [without(ticket(1), "fields")], "isLast": True}), RetryLater),
        (Answer({"issues": [None], "isLast": True}), RetryLater),
        (Answer({"issues": [ticket(1, updated=None)], "isLast": True}), RetryLater),
        (Answer({"issues": [ticket(1)], "isLast": False}), RetryLater),  # another page, but not where
    ],
)
def test_an_answer_that_is_not_a_search_breaks_the_pull(
    replay: Replay, context: Context, answer: Answer, error: type[SourceError]
) -> None:
    replay.script = jira_script(answer)
    with pytest.raises(error) as caught:
        tickets(jira_source(replay, context))
    assert "<" not in str(caught.value)


# -- Google Sheets


@pytest.fixture
def sheets(replay: Replay, context: Context) -> Iterator[SheetsSource]:
    settings = {"type": "sheets", "url": replay.url, "token": "t"}
    source = Sheets.open(Sheets.Settings.model_validate(settings, context={"resolved": True}), context)
    yield source
    source.close()


def snapshot(source: SheetsSource, **keys: Any) -> Snapshot:
    part = Sheets.Measure.model_validate({"spreadsheet": "book", **keys}).part()
    (page,) = source.pull(Stream("book", "readings", frozenset({part})), None)
    return page.readings[part]


@pytest.mark.parametrize(
    ("reported", "where"),
    [
        ("'My Sheet'!B2", "'My Sheet'!B2"),
        ("'It''s ours'!B2", "'It''s ours'!B2"),
        ("'D3'!B2", "'D3'!B2"),
        ("'\U0001f335 2026'!B2", "'\U0001f335 2026'!B2"),
        ("Sheet1!B2", "Sheet1!B2"),
        ("'Sheet1'!B2:B2", "Sheet1!B2"),
    ],
)
def test_ranges_in_every_quoting_are_read(replay: Replay, sheets: SheetsSource, reported: str, where: str) -> None:
    value = {"range": reported, "majorDimension": "ROWS", "values": [[42]]}
    replay.script = lambda _: Answer({"spreadsheetId": "book", "valueRanges": [value]})
    (reading,) = snapshot(sheets, cell=where).readings
    assert (reading.number, reading.cell) == (42, where)


def test_an_all_blank_range_has_no_values(replay: Replay, sheets: SheetsSource) -> None:
    replay.script = lambda _: Answer(
        {"spreadsheetId": "book", "valueRanges": [{"range": "A!B2", "majorDimension": "ROWS"}]}
    )
    blank = snapshot(sheets, cell="A!B2")
    assert (len(blank.readings), blank.problem) == (0, None)


def test_a_series_with_ragged_rows_keeps_its_cells(replay: Replay, sheets: SheetsSource) -> None:
    dates = {"range": "A!A2:A1000", "majorDimension": "ROWS", "values": [[46300], [46307], [], [46321], ["2026-11-02"]]}
    values = {"range": "A!B2:B1000", "majorDimension": "ROWS", "values": [[1.5], [""], [9], ["#N/A"], [1e3]]}

    def script(asked: Asked) -> Answer:
        return Answer({"spreadsheetId": "book", "valueRanges": [dates, values]})

    replay.script = script
    series = snapshot(sheets, series={"dates": "A!A2:A", "values": "A!B2:B"})
    assert [(reading.cell, reading.number) for reading in series.readings] == [
        ("A!B2", 1.5),
        ("A!B5", None),
        ("A!B6", 1000),
    ]
    assert len(series.notes) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(HTML, {"content-type": "text/html"}), RetryLater),
        (Answer(HTML, {"content-type": "text/html"}, 502), RetryLater),
        (Answer(HTML, {"content-type": "text/html"}, 404), SourceBroken),
        (Answer({"spreadsheetId": "book"}), RetryLater),
        (Answer({"valueRanges": []}), RetryLater),
        (Answer({"valueRanges": [{"range": "A!B2", "values": [[{"a": 1}]]}]}), RetryLater),
        (Answer({"valueRanges": [{"range": "A!B2", "values": 5}]}), RetryLater),
        (
            Answer(
                {"error": {"code": 500, "message": "Internal error encountered.", "status": "INTERNAL"}}, status=500
            ),
            RetryLater,
        ),
        (Answer({"error": {"code": 503, "message": "The service is currently unavailable."}}, status=503), RetryLater),
        (
            Answer({"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}, status=429),
            RetryLater,
        ),
        (Answer({"error": {"code": 403, "message": "The caller does not have permission"}}, status=403), SourceBroken),
        (
            Answer({"error": {"code": 403, "message": "Google Sheets API has not been used in project 1"}}, status=403),
            SourceBroken,
        ),
        (
            Answer(
                {"error": {"code": 400, "message": "This operation is not supported for this document"}}, status=400
            ),
            SourceBroken,
        ),
    ],
)
def test_an_answer_without_values_breaks_the_pull(
    replay: Replay, sheets: SheetsSource, answer: Answer, error: type[SourceError]
) -> None:
    replay.script = lambda _: answer
    with pytest.raises(error) as caught:
        snapshot(sheets, cell="A!B2")
    assert "<" not in str(caught.value)
