"""GitHub: the connector through PyGithub against the sandbox."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from connectors.github import GitHub
from connectors.github.source import GitHubSource
from syncd.sandbox import Fault, Sandbox
from syncd.sdk import ConfigError, Context, Json, Page, Record, RetryLater, SourceBroken, SourceError, Stream

LAB = "acme/lab"
START = datetime(2026, 10, 1, 8, tzinfo=UTC)
SINCE = datetime(2026, 10, 1, 0, tzinfo=ZoneInfo("Europe/Berlin"))


def opened(box: Sandbox, context: Context, **keys: Any) -> GitHubSource:
    if not keys:
        keys = {"token": box.credentials["github"]}
    settings = {"type": "github", "url": box.github_url, **keys}
    return GitHub.open(GitHub.Settings.model_validate(settings, context={"resolved": True}), context)


@pytest.fixture
def lab(box: Sandbox) -> Sandbox:
    box.world.github.add_repo(LAB)
    return box


@pytest.fixture
def source(lab: Sandbox, context: Context) -> Iterator[GitHubSource]:
    github_source = opened(lab, context)
    yield github_source
    github_source.close()


def stream(kind: str, repo: str = LAB, since: datetime | None = SINCE) -> Stream:
    return Stream(f"{kind} of {repo}", "records", frozenset(), since)


def fill(box: Sandbox, kind: str, number: int) -> None:
    """Adds so many rows to the lab that are done, a minute apart, numbered from 1 on; the last is the newest."""
    code = box.world.github
    for index in range(number):
        at = START + timedelta(minutes=index)
        if kind == "pulls":
            code.merge_pull(LAB, code.add_pull(LAB, at=at).number, at=at)
        elif kind == "issues":
            code.close_issue(LAB, code.add_issue(LAB, at=at).number, at=at)
        else:
            code.add_release(LAB, f"v{index + 1}", at=at)


def gathered(pages: list[Page]) -> dict[str, Record]:
    """The newest version of each record, by its label, as the ledger keeps it."""
    newest: dict[str, Record] = {}
    for record in (record for page in pages for record in page.records):
        if record.label not in newest or record.updated_at >= newest[record.label].updated_at:
            newest[record.label] = record
    return newest


def pulled(source: GitHubSource, of: Stream, cursor: Mapping[str, Json] | None = None) -> dict[str, Record]:
    return gathered(list(source.pull(of, cursor)))


def cursor_after(pages: list[Page]) -> Mapping[str, Json] | None:
    return next((page.cursor for page in reversed(pages) if page.cursor is not None), None)


def done(records: Mapping[str, Record]) -> set[str]:
    return {label for label, record in records.items() if record.done_at is not None}


# -- what is asked for, and how often


@pytest.mark.sampled(8)
@pytest.mark.parametrize("kind", ["pulls", "issues", "releases"])
@pytest.mark.parametrize("number", [0, 1, 99, 101, 250])
def test_a_backfill_reads_every_page_once(lab: Sandbox, source: GitHubSource, kind: str, number: int) -> None:
    fill(lab, kind, number)
    lab.requests.clear()

    pages = list(source.pull(stream(kind), None))

    assert len(done(gathered(pages))) == number
    needed = max(1, math.ceil(number / 100))
    proof = (
        {"pulls": 1, "issues": 0, "releases": 2}[kind] if number > 100 else 0
    )  # the first and last page again, conditionally
    assert len(lab.requests) == needed + proof
    assert len({request.query for request in lab.requests}) == needed
    assert {parse_qs(request.query)["per_page"][0] for request in lab.requests} == {"100"}


@pytest.mark.parametrize("kind", ["pulls", "issues", "releases"])
def test_a_list_that_ends_with_a_full_page_is_complete(lab: Sandbox, source: GitHubSource, kind: str) -> None:
    fill(lab, kind, 100)
    assert len(done(pulled(source, stream(kind)))) == 100


@pytest.mark.parametrize(("kind", "number"), [("pulls", 3), ("pulls", 150), ("issues", 150), ("releases", 3)])
def test_an_unchanged_list_costs_a_single_request_and_no_quota(
    lab: Sandbox, source: GitHubSource, kind: str, number: int
) -> None:
    fill(lab, kind, number)
    cursor = cursor_after(list(source.pull(stream(kind), None)))
    lab.requests.clear()

    again = list(source.pull(stream(kind), cursor))

    assert [request.status for request in lab.requests] == [304]
    assert gathered(again) == {}


def test_an_unchanged_short_list_of_issues_is_free_from_its_third_pull_on(lab: Sandbox, source: GitHubSource) -> None:
    # `since` moves once, from the period's start to the newest update: another list, and another ETag.
    fill(lab, "issues", 3)
    cursor: Mapping[str, Json] | None = None
    for _ in range(2):
        cursor = cursor_after(list(source.pull(stream("issues"), cursor))) or cursor
    lab.requests.clear()

    list(source.pull(stream("issues"), cursor))

    assert [request.status for request in lab.requests] == [304]


def test_since_is_sent_in_utc(lab: Sandbox, source: GitHubSource) -> None:
    pulled(source, stream("issues"))
    assert parse_qs(lab.requests[-1].query)["since"] == ["2026-09-30T22:00:00Z"]


@pytest.mark.parametrize("kind", ["pulls", "issues"])
def test_a_later_pull_brings_what_changed_and_stops_there(lab: Sandbox, source: GitHubSource, kind: str) -> None:
    fill(lab, kind, 350)
    cursor = cursor_after(list(source.pull(stream(kind), None)))
    lab.world.github.label(LAB, 5, "late")
    lab.requests.clear()

    records = pulled(source, stream(kind), cursor)

    assert records[f"{LAB}#5"].fields["label"] == ["late"]
    assert len(lab.requests) <= 2


# -- lists that move


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", ["pulls", "issues"])
def test_rows_bumped_while_the_list_is_paged_are_in_the_count(lab: Sandbox, source: GitHubSource, kind: str) -> None:
    fill(lab, kind, 350)
    pages = []
    walk = source.pull(stream(kind), None)
    for index, page in enumerate(walk):
        pages.append(page)
        if index == 1:
            for number in range(1, 21):  # they are on the last page
                lab.world.github.label(LAB, number, "bumped")
            code = lab.world.github
            code.merge_pull(LAB, code.add_pull(LAB).number)
            code.close_issue(LAB, code.add_issue(LAB).number)

    records = gathered(pages)

    assert len(done(records)) == (352 if kind == "issues" else 351)  # a list of issues holds pull requests too
    assert sum(record.fields["label"] == ["bumped"] for record in records.values()) == 20
    assert cursor_after(pages) is not None


@pytest.mark.parametrize("kind", ["pulls", "issues"])
def test_a_row_that_leaves_the_list_while_it_is_paged_hides_no_other(
    lab: Sandbox, source: GitHubSource, kind: str
) -> None:
    """Pages are counted from the front: a row that leaves moves another across the edge of a page."""
    fill(lab, kind, 250)
    code = lab.world.github
    code.close_pull(LAB, code.add_pull(LAB).number)
    pages = []
    for index, page in enumerate(source.pull(stream(kind), None)):
        pages.append(page)
        if index == 1:
            if kind == "pulls":
                code.reopen_pull(LAB, 251)
            else:
                code.delete_issue(LAB, 240)

    left = {f"{LAB}#240"} if kind == "issues" else set()
    assert {f"{LAB}#{number}" for number in range(1, 251)} - left <= done(gathered(pages))


@pytest.mark.parametrize("kind", ["pulls", "issues"])
def test_a_census_of_a_moving_list_misses_no_row(lab: Sandbox, source: GitHubSource, kind: str) -> None:
    fill(lab, kind, 250)
    here = {record.id for record in pulled(source, stream(kind)).values()}
    present: set[str] = set()
    for index, page in enumerate(source.census(stream(kind))):
        present |= page.present or set()
        if index == 0:
            for number in range(1, 21):
                lab.world.github.touch(LAB, number)
    assert here <= present


# -- long lists, several pages at a time


def numbers(box: Sandbox, kind: str) -> list[str]:
    """The numbers of the pages that were requested."""
    return [parse_qs(request.query).get("page", ["1"])[0] for request in box.requests if f"/{kind}" in request.path]


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("kind", "requests"), [("pulls", 11), ("issues", 12)])
def test_a_long_list_costs_its_pages_and_at_most_two_requests_more(
    lab: Sandbox, source: GitHubSource, kind: str, requests: int
) -> None:
    fill(lab, kind, 1000)
    assert len(done(pulled(source, stream(kind)))) == 1000
    assert set(numbers(lab, kind)) == {str(number) for number in range(1, 11)}
    assert len(lab.requests) == requests  # the head again, or the last and the first page


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", ["pulls", "issues"])
def test_pages_of_a_long_list_are_requested_at_once(lab: Sandbox, context: Context, kind: str) -> None:
    fill(lab, kind, 700)
    source = opened(lab, context, token=lab.credentials["github"], timeout=1)  # closing waits for the page that hangs
    lab.fault(Fault("github", "hang", path=r"[?&]page=4(&|$)", times=1))
    walk = source.pull(stream(kind), None)
    for page in walk:
        if "page=5" in "".join(request.query for request in lab.requests):
            break  # page 5 was requested although page 4 does not answer
        assert page is not None
    lab.heal()
    walk.close()
    source.close()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", ["pulls", "issues"])
@pytest.mark.parametrize("at", [1, 3, 5, 8])
def test_a_long_list_that_moves_while_it_is_read_is_complete(
    lab: Sandbox, source: GitHubSource, kind: str, at: int
) -> None:
    """Before page `at` is taken, twenty rows from all pages move to the other end, and some rows are deleted."""
    fill(lab, kind, 1000)
    pages = []
    gone: set[int] = set()
    for index, page in enumerate(source.pull(stream(kind), None)):
        pages.append(page)
        if index == at:
            for number in range(15, 1000, 50):
                lab.world.github.label(LAB, number, "bumped")
            if kind == "issues":
                gone = {120, 480, 870}
                for number in gone:
                    lab.world.github.delete_issue(LAB, number)

    records = gathered(pages)
    assert {f"{LAB}#{number}" for number in range(1, 1001) if number not in gone} <= done(records)
    assert sum(record.fields["label"] == ["bumped"] for record in records.values()) == 20
    assert "mark" in (cursor_after(pages) or {})


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", ["pulls", "issues"])
def test_a_long_list_that_is_interrupted_continues_with_the_rest(lab: Sandbox, source: GitHubSource, kind: str) -> None:
    fill(lab, kind, 2000)
    pages: list[Page] = []
    for page in source.pull(stream(kind), None):
        pages.append(page)
        if len(pages) == 11:
            break
    lab.requests.clear()

    pages.extend(source.pull(stream(kind), cursor_after(pages)))

    assert len(done(gathered(pages))) == 2000
    asked = [int(number) for number in numbers(lab, kind)]
    assert len(asked) <= 15  # half of twenty, two checks, and the requests that the first walk had begun
    assert not set(range(2, 10)) & set(asked)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("kind", ["pulls", "issues"])
def test_a_long_list_that_was_interrupted_and_moved_is_complete(lab: Sandbox, source: GitHubSource, kind: str) -> None:
    fill(lab, kind, 1000)
    pages: list[Page] = []
    for page in source.pull(stream(kind), None):
        pages.append(page)
        if len(pages) == 6:
            break
    for number in (3, 250, 555, 990):
        lab.world.github.label(LAB, number, "meanwhile")
    code = lab.world.github
    code.merge_pull(LAB, code.add_pull(LAB).number)

    pages.extend(source.pull(stream(kind), cursor_after(pages)))

    records = gathered(pages)
    assert len(done(records)) == 1001
    assert sum(record.fields["label"] == ["meanwhile"] for record in records.values()) == 4


@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", ["pulls", "issues"])
@pytest.mark.parametrize(("size", "next_size"), [(30, 100), (100, 30), (10, 30)])
def test_an_interrupted_walk_is_not_resumed_with_pages_of_another_size(
    lab: Sandbox, source: GitHubSource, context: Context, kind: str, size: int, next_size: int
) -> None:
    """Page 5 of 30 rows is not page 5 of 100; a census tries large pages again, and lets the next pull do so."""
    fill(lab, kind, 700)
    pages: list[Page] = []
    for page in source.pull(replace(stream(kind), memory={"sizes": {LAB: size}}), None):
        pages.append(page)
        if len(pages) == 6:
            break
    assert "walk" in (cursor_after(pages) or {})
    later = opened(lab, context)
    pages.extend(later.pull(replace(stream(kind), memory={"sizes": {LAB: next_size}}), cursor_after(pages)))
    later.close()
    assert len(done(gathered(pages))) == 700


def test_a_last_row_that_was_updated_in_its_place_proves_nothing(lab: Sandbox, source: GitHubSource) -> None:
    """An old row leaves its place, all others move up, and the last row is edited too: its place is the same."""
    fill(lab, "issues", 1000)
    pages = []
    for index, page in enumerate(source.pull(stream("issues"), None)):
        pages.append(page)
        if index == 2:
            lab.world.github.label(LAB, 50, "bumped")
            lab.world.github.label(LAB, 1000, "bumped")
    assert len(done(gathered(pages))) == 1000


def test_a_list_whose_deep_pages_are_refused_is_complete(lab: Sandbox, source: GitHubSource) -> None:
    fill(lab, "issues", 700)
    lab.fault(Fault("github", "status", path=r"[?&]page=[5-9]", status=422, body='{"message": "too deep"}'))
    assert len(done(pulled(source, stream("issues")))) == 700


def test_a_row_that_leaves_hundreds_of_the_same_second_hides_no_other(lab: Sandbox, source: GitHubSource) -> None:
    fill(lab, "issues", 450)
    for item in lab.world.github.repo(LAB).items.values():
        item.updated_at = START + timedelta(days=3)
        item.rows.clear()
    pages = []
    for index, page in enumerate(source.pull(stream("issues"), None)):
        pages.append(page)
        if index == 1:
            lab.world.github.label(LAB, 5, "bumped")
    assert len(done(gathered(pages))) == 450


def test_pulls_that_move_while_they_are_listed_do_not_lead_beyond_the_floor(lab: Sandbox, source: GitHubSource) -> None:
    fill(lab, "pulls", 2000)
    floor = START + timedelta(minutes=1650)  # three and a half pages
    for index, _ in enumerate(source.pull(stream("pulls", since=floor), None)):
        if index == 0:
            for number in (1700, 1800):
                lab.world.github.label(LAB, number, "bumped")
    assert len(lab.requests) <= 16  # the pages above the floor twice, since the list moved; not all twenty


def test_a_release_deleted_while_the_list_is_read_hides_no_other(lab: Sandbox, source: GitHubSource) -> None:
    fill(lab, "releases", 250)
    pages = []
    for index, page in enumerate(source.pull(stream("releases"), None)):
        pages.append(page)
        if index == 0:
            lab.world.github.repo(LAB).releases.pop(next(iter(lab.world.github.repo(LAB).releases)))
    records = gathered(pages)
    assert pages[-1].present is not None
    assert len(pages[-1].present) == 249
    assert pages[-1].present <= {record.id for record in records.values()}


def test_a_cursor_of_another_address_does_not_count(lab: Sandbox, source: GitHubSource) -> None:
    fill(lab, "issues", 3)
    cursor = cursor_after(list(source.pull(stream("issues"), None)))
    assert cursor is not None
    assert pulled(source, stream("issues"), {**cursor, "url": "https://elsewhere.example"}).keys() == {
        f"{LAB}#{number}" for number in (1, 2, 3)
    }


# -- which repository


def test_a_renamed_repository_keeps_its_query(lab: Sandbox, source: GitHubSource) -> None:
    fill(lab, "pulls", 150)
    before = {record.id for record in pulled(source, stream("pulls")).values()}
    lab.world.github.rename_repo(LAB, "workshop")
    lab.requests.clear()

    pages = list(source.pull(stream("pulls"), None))

    after = gathered(pages)
    assert pages[0].lists is not None
    assert pages[0].lists.renamed == {LAB: "acme/workshop"}
    assert {record.id.replace("acme/workshop", LAB) for record in after.values()} == before
    assert len(done(after)) == 150
    assert {301, 200} <= {request.status for request in lab.requests} <= {301, 200, 304}
    lists = [request for request in lab.requests if request.path.endswith("/pulls")]
    assert all("state=" in request.query and "per_page=100" in request.query for request in lists)


def test_all_repositories_of_an_owner_are_a_single_stream(lab: Sandbox, source: GitHubSource) -> None:
    fill(lab, "issues", 2)
    for name in ("acme/api", "acme/empty"):
        lab.world.github.add_repo(name)
    lab.world.github.close_issue("acme/api", lab.world.github.add_issue("acme/api").number)
    owned = [repo.full_name for repo in lab.world.github.repos.values()]
    alone = {record.id for repo in owned for record in pulled(source, stream("issues", repo)).values()}

    pages = list(source.pull(stream("issues", "acme/*"), None))
    together = {record.id for page in pages for record in page.records}

    assert together == alone
    cursor = cursor_after(pages)
    lab.world.github.add_repo("acme/new")
    lab.world.github.close_issue("acme/new", lab.world.github.add_issue("acme/new").number)
    assert "acme/new#1" in pulled(source, stream("issues", "acme/*"), cursor)


def test_releases_of_all_repositories_stay_present(lab: Sandbox, source: GitHubSource) -> None:
    fill(lab, "releases", 3)
    pages = list(source.pull(stream("releases", "acme/*"), None))
    again = list(source.pull(stream("releases", "acme/*"), cursor_after(pages)))
    ids = {record.id for page in pages for record in page.records}
    assert pages[-1].present == again[-1].present == ids


@pytest.mark.parametrize("body", ['{"id": 7}', '{"login": null}', "[]", "{"])
def test_an_account_that_cannot_be_read_is_no_other_account(lab: Sandbox, source: GitHubSource, body: str) -> None:
    """A person's private repositories are in no list but that of the person's own account."""
    lab.world.github.persons.add("acme")
    lab.fault(Fault("github", status=200, body=body, path="/user($|[?])"))
    with pytest.raises(RetryLater, match="not what GitHub documents"):
        list(source.pull(stream("issues", "acme/*"), None))


def test_repositories_of_a_person_are_listed(lab: Sandbox, source: GitHubSource) -> None:
    lab.world.github.persons.add("acme")
    lab.world.github.set_repo(LAB, private=False)
    fill(lab, "pulls", 1)
    assert f"{LAB}#1" in pulled(source, stream("pulls", "acme/*"))


def test_a_missing_repository_is_not_an_empty_list(source: GitHubSource) -> None:
    with pytest.raises(SourceBroken, match="not found, or not visible"):
        pulled(source, stream("issues", "acme/none"))


# -- what counts


def test_only_what_was_delivered_is_done(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    for reason in ("completed", None, "not_planned", "duplicate"):  # 1 to 4
        code.close_issue(LAB, code.add_issue(LAB).number, reason)  # type: ignore[arg-type]
    code.add_issue(LAB)  # 5
    for keep in (False, True):  # 6 and 7
        number = code.add_issue(LAB).number
        code.close_issue(LAB, number)
        code.reopen_issue(LAB, number, keep_closed_at=keep)
    code.merge_pull(LAB, code.add_pull(LAB).number)  # 8
    code.close_pull(LAB, code.add_pull(LAB).number)  # 9
    code.add_pull(LAB, draft=True)  # 10

    both = pulled(source, stream("issues"))
    issues = {label: record for label, record in both.items() if record.kind == "issue"}
    merges = {label: record for label, record in both.items() if record.kind == "pull request"}
    pulls = pulled(source, stream("pulls"))

    assert done(merges) == done(pulls)
    assert {label: (record.id, record.done_at, record.not_done) for label, record in merges.items()} == {
        label: (record.id, record.done_at, record.not_done) for label, record in pulls.items()
    }
    assert done(issues) == {f"{LAB}#1", f"{LAB}#2"}
    assert set(issues) == {f"{LAB}#{number}" for number in range(1, 8)}  # a pull request is not an issue
    assert {label: record.not_done for label, record in issues.items() if record.done_at is None} == {
        f"{LAB}#3": "closed as not planned",
        f"{LAB}#4": "closed as duplicate",
        f"{LAB}#5": "open",
        f"{LAB}#6": "reopened",
        f"{LAB}#7": "reopened",
    }
    assert done(pulls) == {f"{LAB}#8"}
    assert pulls[f"{LAB}#9"].not_done == "closed without merging"


def test_an_issue_that_is_reopened_leaves_with_the_next_pull(lab: Sandbox, source: GitHubSource) -> None:
    fill(lab, "issues", 2)
    cursor = cursor_after(list(source.pull(stream("issues"), None)))
    lab.world.github.reopen_issue(LAB, 1)
    assert pulled(source, stream("issues"), cursor)[f"{LAB}#1"].done_at is None


def test_a_draft_counts_once_it_is_published(lab: Sandbox, source: GitHubSource) -> None:
    fill(lab, "releases", 1)
    lab.world.github.add_release(LAB, "v2", draft=True, at=START)
    pages = list(source.pull(stream("releases"), None))
    assert gathered(pages)[f"{LAB} v2"].not_done == "a draft"
    assert done(gathered(pages)) == {f"{LAB} v1"}

    lab.world.github.publish_release(LAB, "v2")
    assert done(pulled(source, stream("releases"), cursor_after(pages))) == {f"{LAB} v1", f"{LAB} v2"}


def test_a_deleted_release_is_no_longer_present(lab: Sandbox, source: GitHubSource) -> None:
    fill(lab, "releases", 150)
    before = list(source.pull(stream("releases"), None))
    repo = lab.world.github.repo(LAB)
    repo.releases.pop(next(iter(repo.releases)))
    repo.version += 1
    after = list(source.pull(stream("releases"), cursor_after(before)))
    assert before[-1].present is not None
    assert after[-1].present is not None
    assert len(before[-1].present) == 150
    assert len(after[-1].present) == 149


def test_deleted_and_transferred_issues_are_missing_from_the_census(lab: Sandbox, source: GitHubSource) -> None:
    fill(lab, "issues", 120)
    before = pulled(source, stream("issues"))
    lab.world.github.delete_issue(LAB, 7)
    lab.world.github.transfer_issue(LAB, 119, lab.world.github.add_repo("acme/web").full_name)
    present = {record_id for page in source.census(stream("issues")) for record_id in page.present or ()}
    gone = {before[f"{LAB}#{number}"].id for number in (7, 119)}
    assert {record.id for record in before.values()} - present == gone


def test_pull_requests_are_read_from_their_own_list_where_issues_do_not_tell_merges(
    lab: Sandbox, source: GitHubSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.github.rows import Issue

    fill(lab, "pulls", 2)
    monkeypatch.setattr(Issue, "tells_merge", False)
    assert len(pulled(source, stream("issues"))) == 2  # nobody counts its pull requests
    assert len(done(pulled(source, replace(stream("issues"), needs=frozenset({"pull request"}))))) == 2
    with pytest.raises(SourceBroken, match=r"write 'draft: \[true, false\]' under 'where'"):
        pulled(source, replace(stream("issues"), needs=frozenset({"issue", "pull request"})))


def test_a_pull_request_has_its_documented_fields(lab: Sandbox, source: GitHubSource) -> None:
    code = lab.world.github
    number = code.add_pull(
        LAB, "Faster", author="dependabot[bot]", base="release", labels=["a", "b"], milestone="M1", at=START
    ).number
    code.merge_pull(LAB, number, at=START + timedelta(hours=36))

    (record,) = pulled(source, stream("pulls")).values()

    assert record.fields == {
        "author": ["dependabot[bot]"],
        "author_is": ["bot"],
        "label": ["a", "b"],
        "milestone": ["M1"],
        "title": ["Faster"],
        "number": [number],
        "base": ["release"],
        "draft": ["false"],
        "lead_time": [1.5],
    }
    assert (record.done_at, record.created_at) == (START + timedelta(hours=36), START)
    assert record.url.endswith(f"/pull/{number}")


def test_a_row_done_before_it_was_created_has_no_lead_time(lab: Sandbox, source: GitHubSource) -> None:
    """As imported issues have, and releases whose tag was moved."""
    code = lab.world.github
    for hours in (-36, 36):
        number = code.add_issue(LAB, "Slow", at=START).number
        code.close_issue(LAB, number, at=START + timedelta(hours=hours))
        code.add_release(LAB, f"v{number}", draft=True, at=START)
        code.publish_release(LAB, f"v{number}", at=START + timedelta(hours=hours))
    for key in ("issues", "releases"):
        records = sorted(pulled(source, stream(key)).values(), key=lambda record: record.label)
        assert [record.done_at is not None for record in records] == [True, True]
        assert [record.fields["lead_time"] for record in records] == [[], [1.5]]


# -- what goes wrong


ILL = [
    Fault("github", "html"),
    Fault("github", "wrong_types"),
    Fault("github", "wrong_types", form="null_rows"),
]


@pytest.mark.sampled(4)
@pytest.mark.parametrize("fault", ILL, ids=lambda fault: f"{fault.kind}-{fault.form}")
@pytest.mark.parametrize("kind", ["pulls", "releases"])
def test_a_broken_list_never_moves_the_mark(
    lab: Sandbox, source: GitHubSource, kind: str, fault: Fault, slept: list[float]
) -> None:
    fill(lab, kind, 150)
    lab.fault(replace(fault, after=1))  # from the second page on
    pages: list[Page] = []

    with pytest.raises(RetryLater) as caught:
        pages.extend(source.pull(stream(kind), None))

    assert pages
    assert all("mark" not in (page.cursor or {}) and page.present is None for page in pages)
    assert len(slept) == 2  # three attempts
    assert box_secret(lab) not in str(caught.value)
    assert "<" not in str(caught.value)

    lab.heal()
    assert len(done(pulled(source, stream(kind)))) == 150


@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", ["pulls", "issues", "releases"])
@pytest.mark.parametrize("after", [1, 2, 3])
def test_an_interrupted_walk_is_completed_by_the_next_pull(
    lab: Sandbox, source: GitHubSource, kind: str, after: int
) -> None:
    """Its pages and those of the next pull hold all rows, with the changes in between."""
    fill(lab, kind, 350)
    lab.fault(Fault("github", "html", after=after))
    pages: list[Page] = []
    with pytest.raises(RetryLater):
        pages.extend(source.pull(stream(kind), None))
    lab.heal()
    if kind != "releases":
        for number in (1, 200, 349):
            lab.world.github.label(LAB, number, "meanwhile")

    pages.extend(source.pull(stream(kind), cursor_after(pages)))

    records = gathered(pages)
    assert len(done(records)) == 350
    assert sum(record.fields.get("label") == ["meanwhile"] for record in records.values()) == 3 * (kind != "releases")


@pytest.mark.parametrize("kind", ["pulls", "issues"])
def test_hundreds_of_rows_of_the_same_second_are_all_read(lab: Sandbox, source: GitHubSource, kind: str) -> None:
    """A bot edits hundreds of rows at once: they have no order, and no time between them to continue from."""
    fill(lab, kind, 120)
    for item in lab.world.github.repo(LAB).items.values():
        item.updated_at = START + timedelta(days=3)
        item.rows.clear()
    for _ in range(130):
        number = lab.world.github.add_pull(LAB).number if kind == "pulls" else lab.world.github.add_issue(LAB).number
        if kind == "pulls":
            lab.world.github.merge_pull(LAB, number, at=START + timedelta(days=5))
        else:
            lab.world.github.close_issue(LAB, number, at=START + timedelta(days=5))
    for item in list(lab.world.github.repo(LAB).items.values())[120:]:
        item.updated_at = START + timedelta(days=5)
        item.rows.clear()

    pages = list(source.pull(stream(kind), None))

    assert len(done(gathered(pages))) == 250
    assert len(lab.requests) <= 10
    assert done(pulled(source, stream(kind), cursor_after(pages))) <= done(gathered(pages))


def box_secret(box: Sandbox) -> str:
    return box.credentials["github"]


@pytest.mark.parametrize("kind", ["pulls", "issues", "releases"])
def test_pages_that_go_round_in_a_circle_end(lab: Sandbox, source: GitHubSource, kind: str) -> None:
    fill(lab, kind, 150)
    lab.fault(Fault("github", "page_loop", path=f"/{kind}"))
    with pytest.raises(SourceBroken, match="circle"):
        list(source.pull(stream(kind), None))


@pytest.mark.parametrize("kind", ["pulls", "issues", "releases"])
def test_pages_that_bring_nothing_new_end(lab: Sandbox, source: GitHubSource, kind: str) -> None:
    fill(lab, kind, 150)
    lab.fault(Fault("github", "page_flood", path=f"/{kind}"))
    with pytest.raises(SourceError):
        list(islice(source.pull(stream(kind), None), 30))


@pytest.mark.parametrize("fault", ["page_loop", "page_flood"])
@pytest.mark.parametrize("kind", ["pulls", "issues"])
def test_a_list_that_repeated_a_page_is_complete_later(
    lab: Sandbox, source: GitHubSource, kind: str, fault: Any
) -> None:
    """A cursor from a repeated page would leave out the rows before it."""
    fill(lab, kind, 151)
    lab.fault(Fault("github", fault, path=f"/{kind}"))
    pages: list[Page] = []
    for _ in range(2):
        with pytest.raises(SourceError):
            pages.extend(source.pull(stream(kind), cursor_after(pages)))  # keeps the pages before the error
    lab.heal()
    pages.extend(source.pull(stream(kind), cursor_after(pages)))
    assert len(done(gathered(pages))) == 151


def test_a_used_up_quota_waits_for_a_later_cycle(lab: Sandbox, context: Context, slept: list[float]) -> None:
    lab.fault(Fault("github", "primary_limit", seconds=1800))
    # The sandbox resets the quota by the machine's clock, so this connector needs the same clock.
    source = opened(lab, replace(context, now=lambda: datetime.now(UTC)))
    with pytest.raises(RetryLater, match="rate limit") as caught:
        pulled(source, stream("pulls"))
    assert caught.value.after == pytest.approx(1800, abs=30)
    assert slept == []


def test_a_server_that_does_not_listen_is_tried_three_times(context: Context, slept: list[float]) -> None:
    settings = GitHub.Settings.model_validate({"type": "github", "url": "http://127.0.0.1:9", "token": "${T}"})
    with pytest.raises(RetryLater):
        pulled(GitHub.open(settings, context), stream("pulls"))
    assert len(slept) == 2


# -- who asks


@pytest.mark.parametrize("how", ["text", "file", "file below the settings' folder"])
def test_a_github_app_signs_in_with_a_key_as_text_or_file(
    lab: Sandbox, context: Context, tmp_path: Path, how: str
) -> None:
    fill(lab, "pulls", 2)
    app = dict(lab.github_app)
    if how != "text":
        (tmp_path / "app.pem").write_text(app["private_key"], encoding="utf-8")
        app["private_key"] = "app.pem" if "below" in how else str(tmp_path / "app.pem")
    source = opened(lab, replace(context, folder=str(tmp_path)), **app)
    assert len(done(pulled(source, stream("pulls")))) == 2


def test_a_missing_key_file_is_a_configuration_error(lab: Sandbox, context: Context) -> None:
    with pytest.raises(ConfigError, match="private_key"):
        opened(lab, context, **{**lab.github_app, "private_key": "/nowhere/app.pem"})


@pytest.mark.parametrize("key", ["-----BEGIN RSA PRIVATE KEY-----\nnope\n-----END RSA PRIVATE KEY-----", "app.pem"])
def test_a_key_that_is_none_is_a_configuration_error(lab: Sandbox, context: Context, tmp_path: Path, key: str) -> None:
    (tmp_path / "app.pem").write_text("no key at all")
    with pytest.raises(ConfigError, match="private_key holds no private key"):
        opened(lab, replace(context, folder=str(tmp_path)), **{**lab.github_app, "private_key": key})


def test_a_broken_token_endpoint_is_tried_again(lab: Sandbox, context: Context) -> None:
    fill(lab, "pulls", 2)
    lab.fault(Fault("github", "html", path="/access_tokens", times=1))
    assert len(done(pulled(opened(lab, context, **lab.github_app), stream("pulls")))) == 2


def test_an_app_that_was_removed_is_broken(lab: Sandbox, context: Context) -> None:
    source = opened(lab, context, **{**lab.github_app, "installation_id": "1"})
    with pytest.raises(SourceError) as caught:
        pulled(source, stream("pulls"))
    assert isinstance(caught.value, SourceBroken)


def test_the_doctor_shows_quota_and_scopes(source: GitHubSource) -> None:
    checks = {check.name: check for check in source.check()}
    assert checks["reachable"].ok
    assert checks["authenticated"].ok
    assert not checks["least scopes"].ok
    assert "repo" in checks["least scopes"].detail
    assert "requests are left" in checks["quota"].detail


def test_the_scope_that_check_ins_need_is_not_too_wide(lab: Sandbox, context: Context) -> None:
    """A classic token has no smaller scope that writes issues of private repositories."""
    source = opened(lab, replace(context, writes=True))
    assert {check.name: check.ok for check in source.check()}["least scopes"]


def test_an_enterprise_server_without_rate_limits_passes_the_doctor(lab: Sandbox, source: GitHubSource) -> None:
    """GitHub Enterprise has no rate limits by default, and then no /rate_limit."""
    body = '{"message":"Rate limiting is not enabled."}'
    lab.fault(Fault("github", "status", path="/rate_limit", status=404, body=body))
    checks = {check.name: check for check in source.check()}
    assert checks["reachable"].ok
    assert checks["authenticated"].ok


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"url": "api.github.com"}, "https:// in front"),
        ({"app_id": 1}, "all three"),
        ({"token": "${A}", "app_id": 1, "installation_id": 2, "private_key": "k"}, "keep one"),
        ({"token": "written-out"}, "${TOKEN}"),
        ({"tokn": "${A}"}, "tokn"),
    ],
)
def test_wrong_settings_are_refused_with_what_to_write(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        GitHub.Settings.model_validate({"type": "github", **keys})
    assert message in str(caught.value)


@pytest.mark.parametrize("repo", ["web", "acme/", "/web", "https://github.com/acme/web", "acme/web/x", "*/*", []])
def test_a_wrong_repository_name_is_refused(repo: Any) -> None:
    with pytest.raises(ValidationError):
        GitHub.Measure.model_validate({"what": "closed_issues", "repo": repo})
