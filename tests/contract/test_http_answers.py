"""Answers of a web API that are not the whole answer, or none: only a list that is there and empty is an empty set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import orjson
import pytest
from pytest_httpx import HTTPXMock

from connectors.http import Http
from syncd.config import load_config
from syncd.cycle.model import CycleRequest
from syncd.cycle.run import run_cycle
from syncd.ledger import open_ledger
from syncd.sdk import Context, RetryPolicy, Snapshot, SourceBroken, SourceError, Stream
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import KeyResultLine, report_of

URL = "https://metrics.example"
NOW = datetime(2026, 11, 28, 12, tzinfo=ZoneInfo("Europe/Berlin"))
POINTS = "points[].[day, n]"
TWO = [{"day": "2026-11-02", "n": 40}, {"day": "2026-11-09", "n": 30}]
THREE = [*TWO, {"day": "2026-11-16", "n": 20}]


def pull(context: Context, expression: str, **keys: Any) -> tuple[list[Snapshot], SourceError | None]:
    """The snapshots that a measure reads, and the error that its pull ends in."""
    settings = Http.Settings.model_validate({"type": "http", "url": URL, "post": "method" in keys})
    measure = Http.Measure.model_validate({"json": expression, **keys})
    stream = Stream(measure.streams()[0], "readings", frozenset({measure.part()}))
    source, snapshots = Http.open(settings, context), list[Snapshot]()
    try:
        for page in source.pull(stream, None):
            snapshots.extend(page.readings.values())
    except SourceError as error:
        return snapshots, error
    finally:
        source.close()
    return snapshots, None


def read(context: Context, expression: str, **keys: Any) -> Snapshot:
    snapshots, error = pull(context, expression, **keys)
    assert error is None
    (snapshot,) = snapshots
    return snapshot


class TestNothing:
    @pytest.mark.parametrize(
        ("answer", "expression", "why"),
        [
            ({"data": []}, "items[].[day, n]", "the answer has no 'items'; it has: data"),
            ({"items": None}, "items[].[day, n]", "'items' is null in the answer"),
            ({"data": {"rows": []}}, "data.items[].[day, n]", "the answer has no 'data.items'; it has: rows"),
            ({"data": {}}, "data.items[*].[day, n]", "the answer has no 'data.items'"),
            ({}, "items[?open].[day, n]", "the answer has no 'items'"),
            (None, "items[].[day, n]", "the answer has no 'items'"),
            ({}, "v", "the answer has no 'v'"),
            ({"a": []}, "a[0]", "the answer has no 'a[0]'"),
            ([], "[0].v", "the answer has no '[0]'"),
            ({"items": TWO}, "items[].[day, calls]", "none of 2 items has a value at items[].[day, calls]"),
            ({"items": TWO}, "sum(items[].calls)", "none of 2 items has what sum(items[].calls) asks for"),
            ({"data": {"items": TWO}}, "length(data.items[].calls)", "none of 2 items has what"),
            ({"items": TWO}, "sum(items[?n > `0`].calls)", "none of 2 items has what"),
            ({"data": []}, "length(items)", "the answer has no 'items'; it has: data"),
            ({"items": None}, "sum(items)", "'items' is null in the answer"),
            ({"items": TWO}, "length(items[?status == 'open'])",
             "none of 2 items has 'status', which length(items[?status == 'open']) filters by"),
            ({"items": TWO}, "sum(items[?status == 'open'].n)", "none of 2 items has 'status'"),
            ({"items": TWO}, "max(items[?status == 'open'].n)", "none of 2 items has 'status'"),
            ({"items": TWO}, "items[?status == 'open'].[day, n]", "none of 2 items has 'status'"),
            ({"items": TWO}, "length(items[?prio > `3`])", "none of 2 items has 'prio'"),
            ({"items": TWO}, "length(items[?n > `35` && prio > `3`])", "none of 1 items has 'prio'"),
            ({"items": TWO}, "length(items[?n > `35` || prio > `3`])", "none of 1 items has 'prio'"),
            ({"items": TWO}, "length(items[?!draft])", "none of 2 items has 'draft'"),
            ({"items": TWO}, "length(items[?contains(name, 'a')])", "none of 2 items has 'name'"),
            ({"items": TWO}, "length(items[?(status || state) == 'open'])", "none of 2 items has 'status'"),
            ({"items": TWO}, "length(items[?not_null(status, state) == 'open'])", "none of 2 items has 'status'"),
            ({"items": [{"by": {"id": 1}}, {"by": None}]}, "length(items[?by.name == 'a'])",
             "none of 1 items has 'by.name'"),
            ({"items": [{"tags": [{"id": 1}]}]}, "length(items[?contains(tags[].name, 'a')])",
             "none of 1 items has 'name'"),
            ({"teams": [{"items": TWO}]}, "length(teams[].items[?status == 'open'][])", "none of 2 items has 'status'"),
            (TWO, "length([?status == 'open'])", "none of 2 items has 'status'"),
        ],
    )  # fmt: skip
    def test_what_is_not_there_is_unknown_and_not_an_empty_set(
        self, context: Context, httpx_mock: HTTPXMock, answer: Any, expression: str, why: str
    ) -> None:
        httpx_mock.add_response(content=orjson.dumps(answer))
        snapshot = read(context, expression)
        assert snapshot.problem is None
        assert [(reading.number, reading.at) for reading in snapshot.readings] == [(None, None)]
        assert why in (snapshot.readings[0].problem or "")

    def test_null_in_the_place_of_a_number_is_a_blank(self, context: Context, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(json={"v": None})
        assert read(context, "v") == Snapshot(notes=["'v' is null in the answer"])

    @pytest.mark.parametrize(
        ("answer", "expression"),
        [
            ({"items": []}, "items[].[day, n]"),
            ({"items": TWO}, "items[?n > `50`].[day, n]"),
            ({"items": []}, "items[?status == 'open'].[day, n]"),
            ({"items": [*TWO, {"status": "done"}]}, "items[?status == 'open'].[day, n]"),
            ({"items": [{"state": "done"}]}, "items[?(status || state) == 'open'].[day, n]"),
            ({"items": TWO}, "items[?(status || '') == 'open'].[day, n]"),
            ({"items": TWO}, "items[?contains(keys(@), 'status')].[day, n]"),
            ({"items": TWO}, "items[?n > `50` && status == 'open'].[day, n]"),
            ({"items": [{"by": None}]}, "items[?by.name == 'a'].[day, n]"),
            ({"items": [{"tags": []}]}, "items[?contains(tags[].name, 'a')].[day, n]"),
            ({"items": [{"tags": []}]}, "items[?tags[0].name == 'a'].[day, n]"),
            ({"items": [{"rows": []}]}, "items[].rows[].[day, n]"),
            ({"errors": []}, "errors[].[day, n]"),
        ],
    )
    def test_list_that_is_there_and_empty_is_an_empty_set(
        self, context: Context, httpx_mock: HTTPXMock, answer: Any, expression: str
    ) -> None:
        httpx_mock.add_response(json=answer)
        snapshot = read(context, expression)
        assert (list(snapshot.readings), snapshot.problem) == ([], None)

    @pytest.mark.parametrize("expression", ["sum(items[].n)", "length(items)", "sum(items[?n > `50`].n)"])
    def test_sum_over_an_empty_list_is_0(self, context: Context, httpx_mock: HTTPXMock, expression: str) -> None:
        httpx_mock.add_response(json={"items": []})
        assert [reading.number for reading in read(context, expression).readings] == [0]

    @pytest.mark.parametrize(
        ("expression", "number", "notes"),
        [
            ("sum(items[].n)", 70, ["1 of 3 items without n, left out"]),
            ("avg(items[?m > `0` || n > `0`].n)", 35, ["1 of 3 items without n, left out"]),
            ("length(items[].by.id)", 1, ["2 of 3 items without by.id, left out"]),
            ("sum(items[].to_number(t))", 5, ["2 of 3 items without sum(items[].to_number(t)), left out"]),
            ("length(items)", 3, []),
            ("sum(items[?n].n)", 70, []),
        ],
    )
    def test_items_that_lack_the_value_are_left_out_and_counted(
        self, context: Context, httpx_mock: HTTPXMock, expression: str, number: float, notes: list[str]
    ) -> None:
        httpx_mock.add_response(json={"items": [{**TWO[0], "by": {"id": 1}}, {**TWO[1], "t": "5"}, {"m": 2, "t": "x"}]})
        snapshot = read(context, expression)
        assert ([reading.number for reading in snapshot.readings], snapshot.notes) == ([number], notes)

    @pytest.mark.parametrize(
        ("first", "second", "numbers"),
        [
            ({"status": "open"}, {}, [40]),
            ({}, {"status": "open"}, [30]),
            ({}, {}, [None]),
        ],
    )
    def test_filter_of_a_list_needs_its_key_on_any_page(
        self, context: Context, httpx_mock: HTTPXMock, first: Any, second: Any, numbers: list[float | None]
    ) -> None:
        pages = {
            "/v": {"items": [{**TWO[0], **first}], "next": "/v?page=2"},
            "/v?page=2": {"items": [{**TWO[1], **second}], "next": None},
        }
        for path, answer in pages.items():
            httpx_mock.add_response(url=URL + path, json=answer, is_reusable=True)
        snapshot = read(context, "items[?status == 'open'].[day, n]", path="/v", pages={"next": "next"})
        assert [reading.number for reading in snapshot.readings] == numbers

    def test_items_without_a_list_are_counted_over_all_pages(self, context: Context, httpx_mock: HTTPXMock) -> None:
        pages = {
            "/v": {"items": [{"rows": TWO}, {"id": 1}], "next": "/v?page=2"},
            "/v?page=2": {"items": [{"id": 2}, {"rows": TWO}], "next": None},
        }
        for path, answer in pages.items():
            httpx_mock.add_response(url=URL + path, json=answer, is_reusable=True)
        snapshot = read(context, "items[].rows[].[day, n]", path="/v", pages={"next": "next"})
        assert ([reading.number for reading in snapshot.readings], snapshot.notes) == (
            [40, 30, 40, 30], ["2 of 4 items without rows, left out"]
        )  # fmt: skip


class TestErrors:
    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            ({"error": {"code": "quota_exceeded"}}, "quota_exceeded"),
            ({"error": "invalid_auth", "ok": False}, "invalid_auth"),
            ({"success": False, "message": "The report is being built."}, "The report is being built."),
            ({"errors": [{"message": "Field 'calls' is gone"}], "data": None}, "Field 'calls' is gone"),
            ({"status": "error", "detail": "query timed out"}, "query timed out"),
        ],
    )
    @pytest.mark.parametrize("expression", [POINTS, "sum(points[].n)", "points.total"])
    def test_error_with_status_200_fails_and_is_shown(
        self, context: Context, httpx_mock: HTTPXMock, answer: Any, says: str, expression: str
    ) -> None:
        httpx_mock.add_response(json=answer)
        snapshot = read(context, expression)
        assert (list(snapshot.readings), snapshot.partial) == ([], False)
        assert says in (snapshot.problem or "")

    def test_error_beside_data_makes_the_data_partial(self, context: Context, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(json={"points": TWO, "errors": [{"message": "one shard failed"}]})
        snapshot = read(context, POINTS)
        assert (list(snapshot.readings), snapshot.partial) == ([], True)
        assert "one shard failed" in (snapshot.problem or "")

    @pytest.mark.parametrize(
        ("answer", "expression"),
        [
            ({"errors": 12, "v": 3}, "v"),
            ({"errors": [4], "v": 3}, "errors[0]"),
            ({"error": False, "v": 3}, "v"),
        ],
    )
    def test_number_of_errors_is_no_error(
        self, context: Context, httpx_mock: HTTPXMock, answer: Any, expression: str
    ) -> None:
        httpx_mock.add_response(json=answer)
        assert [reading.number for reading in read(context, expression).readings] in ([3], [4])


class TestBounds:
    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            (b'{"points": ' + b"[" * 500 + b"]" * 500 + b"}", "nested more than 100 levels deep"),
            (b'{"points": [["2026-11-02", 1e999]]}', "a number beyond 1.8e308 (1e999"),
            (b'{"points": [["2026-11-02", ' + b"9" * 5000 + b"]]}", "a number beyond 1.8e308 (99999"),
        ],
    )
    @pytest.mark.parametrize("expression", ["points", "points[].[day, n]", "sum(points[].n)"])
    def test_answer_beyond_a_bound_is_refused_and_not_asked_for_again(
        self, context: Context, httpx_mock: HTTPXMock, answer: bytes, says: str, expression: str
    ) -> None:
        httpx_mock.add_response(content=answer)
        snapshots, error = pull(context, expression)
        assert snapshots == []
        assert says in str(error)

    def test_more_than_a_million_pairs_are_a_problem_and_no_page_follows(
        self, context: Context, httpx_mock: HTTPXMock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("connectors.http.selection._MOST_PAIRS", 5)
        api = Api(httpx_mock, [THREE] * 9)
        api.answer("cursor")
        pages = {"next": "meta.next_cursor", "param": "cursor"}
        snapshot = read(context, POINTS, path="/points", pages=pages)
        assert f"{POINTS} has more than 5 pairs" in (snapshot.problem or "")
        assert len(api.asked) == 2

    def test_number_of_thirty_digits_is_unknown_and_says_why(self, context: Context, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(content=b'{"v": ' + b"9" * 30 + b"}")
        (reading,) = read(context, "v").readings
        assert reading.number is None
        assert "beyond 2^53" in (reading.problem or "")


FURTHER: list[tuple[dict[str, Any], dict[str, str], str]] = [
    ({}, {"Link": f'<{URL}/points?page=2>; rel="next"'}, 'Link: rel="next"'),
    ({}, {"X-Next-Page": "2"}, "X-Next-Page: 2"),
    ({}, {"Content-Range": "items 0-1/57"}, "Content-Range: items 0-1/57"),
    ({}, {"X-Total-Count": "57"}, "X-Total-Count: 57, and 2 came"),
    ({"has_more": True}, {}, "has_more: true"),
    ({"hasNextPage": True}, {}, "hasNextPage: true"),
    ({"isLast": False}, {}, "isLast: false"),
    ({"next_cursor": "abc"}, {}, "next_cursor"),
    ({"nextPageToken": "abc"}, {}, "nextPageToken"),
    ({"next": f"{URL}/points?page=2"}, {}, "next"),
    ({"@odata.nextLink": f"{URL}/points?page=2"}, {}, "@odata.nextLink"),
    ({"meta": {"next_cursor": "abc"}}, {}, "meta.next_cursor"),
    ({"response_metadata": {"next_cursor": "abc"}}, {}, "response_metadata.next_cursor"),
    ({"links": {"next": {"href": "/points?page=2"}}}, {}, "links.next"),
    ({"link": [{"relation": "self", "url": "/"}, {"relation": "next", "url": "/2"}]}, {}, "link.next"),
    ({"total": 57}, {}, "total: 57, and 2 came"),
    ({"meta": {"total_count": 57, "limit": 2, "offset": 0}}, {}, "meta.total_count: 57, and 2 came"),
    ({"page": 1, "total_pages": 3}, {}, "total_pages: 3, and this is page 1"),
    ({"number": 0, "totalPages": 3, "last": False}, {}, "last: false"),
    # A page that was not cut short is not the last page for that.
    ({"truncated": False, "next_cursor": "abc"}, {}, "next_cursor"),
    ({"incomplete_results": False, "total_count": 57}, {}, "total_count: 57, and 2 came"),
    ({"is_truncated": False, "page": 1, "total_pages": 3}, {}, "total_pages: 3, and this is page 1"),
    ({"truncated": True}, {}, "truncated: true"),
    ({"has_more": False, "truncated": True}, {}, "truncated: true"),
    # A pointer outweighs every flag.
    ({"has_more": False, "next_cursor": "abc"}, {}, "next_cursor"),
    ({"hasNext": False, "next": f"{URL}/points?page=2"}, {}, "next"),
    ({"last": True, "links": {"next": {"href": "/points?page=2"}}}, {}, "links.next"),
    ({"has_more": False, "meta": {"total": 57}}, {}, "meta.total: 57, and 2 came"),
    # Pages that are counted from 0, or a number of the last page.
    ({"page": 0, "total_pages": 3}, {}, "total_pages: 3, and this is page 0"),
    ({"page": 0, "last_page": 1}, {}, "last_page: 1, and this is page 0"),
    ({"total_pages": 3}, {}, "total_pages: 3, and this is page 1"),
    # A block named pages, and cursors that do not say where they lead.
    ({"pages": {"next": {"page": 2, "starting_after": "abc"}, "page": 1, "total_pages": 2}}, {}, "pages.next"),
    ({"pages": {"page": 1, "total_pages": 2}}, {}, "pages.total_pages: 2, and this is page 1"),
    ({"cursor": "abc"}, {}, "cursor"),
    ({"pagination": {"cursor": "abc"}}, {}, "pagination.cursor"),
    ({"cursors": {"after": "abc"}}, {}, "cursors.after"),
    ({"paging": {"cursors": {"before": "a", "after": "abc"}}}, {}, "paging.cursors.after"),
    # Headers.
    ({}, {"X-Next-Page": "2"}, "X-Next-Page: 2"),
    ({}, {"X-Next-Cursor": "abc"}, "X-Next-Cursor: abc"),
    ({}, {"x-ms-continuation": "abc"}, "X-Ms-Continuation: abc"),
    ({}, {"X-Total-Pages": "4"}, "X-Total-Pages: 4, and this is page 1"),
    ({}, {"X-WP-TotalPages": "4"}, "X-Wp-Totalpages: 4, and this is page 1"),
    ({}, {"X-Pagination": '{"TotalCount":50}'}, "X-Pagination: TotalCount: 50, and 2 came"),
    ({}, {"X-Pagination": '{"CurrentPage":1,"TotalPages":2}'}, "X-Pagination: TotalPages: 2, and this is page 1"),
    ({}, {"X-Pagination": '{"HasNext":true}'}, "X-Pagination: HasNext: true"),
    # Vendors' own words.
    ({"offset": "itrA1b2C3/recD4e5F6"}, {}, "offset"),
    ({"rowCount": 250000}, {}, "rowCount: 250000, and 2 came"),
    ({"meta": {"page": {"after": "eyJhIjoxfQ"}}}, {}, "meta.page.after"),
    ({"after_cursor": "abc", "end_of_stream": False}, {}, "after_cursor"),
    ({"after_cursor": "abc"}, {}, "after_cursor"),
    ({"meta": {"after_url": f"{URL}/points?page=2"}}, {}, "meta.after_url"),
    ({"moreDataAvailable": True}, {}, "moreDataAvailable: true"),
    ({"LastEvaluatedKey": {"id": {"S": "abc"}}}, {}, "LastEvaluatedKey"),
    # Texts in the place of flags and numbers.
    ({"has_more": "true"}, {}, "has_more: true"),
    ({"total": "57"}, {}, "total: 57, and 2 came"),
]
# The server did not reach all of its data.
PARTS: list[tuple[dict[str, Any], str]] = [
    ({"status": "success", "warnings": ["partial response: store is down"]}, "warnings: partial response: store is"),
    ({"isPartial": True}, "isPartial: true"),
    ({"meta": {"partial": True}}, "meta.partial: true"),
    ({"incomplete_results": True}, "incomplete_results: true"),
    ({"timed_out": True}, "timed_out: true"),
    ({"_shards": {"total": 5, "successful": 3, "failed": 2}}, "_shards.failed: 2"),
]
WHOLE: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {}),
    ({}, {"Link": f'<{URL}/points?page=1>; rel="prev"', "Content-Range": "items 0-1/2", "X-Total-Count": "2"}),
    ({"has_more": False, "total": 57}, {}),
    ({"hasNextPage": "false", "total": 57}, {}),
    ({"truncated": False, "incomplete_results": False, "total": 2}, {}),
    ({"links": {"next": {"href": None, "templated": True}}, "next": []}, {}),
    ({"page": 0, "total_pages": 1}, {}),
    ({"page": 0, "last_page": 0}, {}),
    ({"page": 3, "last_page": 3}, {}),
    ({"next": None, "next_cursor": "", "nextPageToken": None, "links": {"next": None}}, {}),
    ({"total": 2, "meta": {"total": 2, "page": 1, "pages": 1}}, {}),
    ({"total": 70}, {}),  # the sum of its numbers
    ({"total": 57, "offset": 55}, {}),
    ({"isLast": True, "total": 57}, {}),
    ({"pages": [{"title": "a", "next": "b"}]}, {}),  # a list of pages of a book
    ({"pages": {"12": {"title": "a", "next": "b"}}}, {}),
    ({"pages": {"next": None, "page": 2, "total_pages": 2}}, {}),
    ({"cursor": None, "cursors": {"before": "a", "after": None}}, {}),
    ({"cursor": "abc", "has_more": False}, {}),
    ({"cursor": {"id": 0}, "after": "abc"}, {}),
    ({}, {"X-Next-Page": "", "X-Next-Cursor": "null", "X-Total-Pages": "1", "X-Total": "2"}),
    ({}, {"X-Page": "4", "X-Total-Pages": "4"}),
    ({}, {"X-Pagination": '{"TotalCount":2,"TotalPages":1,"HasNext":false}'}),
    ({}, {"X-Pagination": "page=1"}),
    ({"others": {"has_more": True}}, {}),
    ({"offset": 0, "rowCount": 2, "meta": {"page": {"after": None}}, "LastEvaluatedKey": {}}, {}),
    ({"offset": "0", "after_cursor": None, "after_url": "", "moreDataAvailable": False}, {}),
    ({"offset": "+02:00"}, {}),
    ({"offset": "UTC+02:00", "after_cursor": "abc", "end_of_stream": True}, {}),
    ({"page": {"after": "abc", "last": True}}, {}),
    ({"status": "success", "warnings": [], "isPartial": False, "timed_out": False}, {}),
    ({"status": "success", "warnings": ["PromQL info: metric might not be a counter"]}, {}),
    ({"warnings": ["the field x is deprecated"]}, {}),
    ({"_shards": {"total": 5, "successful": 5, "failed": 0}}, {}),
]


class TestFurtherPages:
    @pytest.mark.sampled(40)
    @pytest.mark.parametrize(("more", "headers", "sign"), FURTHER)
    @pytest.mark.parametrize("expression", [POINTS, "sum(points[].n)", "length(points)"])
    def test_answer_with_further_pages_is_partial_and_names_the_sign(
        self, context: Context, httpx_mock: HTTPXMock, more: Any, headers: dict[str, str], sign: str, expression: str
    ) -> None:
        httpx_mock.add_response(json={"points": TWO, **more}, headers=headers)
        snapshot = read(context, expression)
        assert (list(snapshot.readings), snapshot.partial) == ([], True)
        assert f"further pages ({sign})" in (snapshot.problem or "")
        assert "write pages: {next: " in (snapshot.problem or "")

    @pytest.mark.parametrize(("more", "sign"), PARTS)
    @pytest.mark.parametrize("expression", [POINTS, "sum(points[].n)", "total", "points[0].n"])
    def test_answer_of_a_server_that_reached_a_part_is_partial_and_names_the_sign(
        self, context: Context, httpx_mock: HTTPXMock, more: Any, sign: str, expression: str
    ) -> None:
        httpx_mock.add_response(json={"points": TWO, "total": 2, **more})
        snapshot = read(context, expression)
        assert (list(snapshot.readings), snapshot.partial) == ([], True)
        assert f"only a part of what the server has ({sign}" in (snapshot.problem or "")

    def test_part_on_an_early_page_makes_it_partial(self, context: Context, httpx_mock: HTTPXMock) -> None:
        first = {"points": TWO, "timed_out": True, "next": "/points?after=b"}
        httpx_mock.add_response(url=f"{URL}/points", json=first)
        httpx_mock.add_response(url=f"{URL}/points?after=b", json={"points": THREE[2:], "next": None})
        snapshot = read(context, POINTS, path="/points", pages={"next": "next"})
        assert snapshot.partial
        assert "timed_out: true" in (snapshot.problem or "")

    @pytest.mark.parametrize(("more", "headers"), WHOLE)
    def test_answer_without_a_sign_is_the_whole(
        self, context: Context, httpx_mock: HTTPXMock, more: Any, headers: dict[str, str]
    ) -> None:
        httpx_mock.add_response(json={"points": TWO, **more}, headers=headers)
        assert [reading.number for reading in read(context, POINTS).readings] == [40, 30]

    @pytest.mark.parametrize("expression", ["total", "meta.total", "points[0].n"])
    def test_one_place_of_the_first_page_needs_no_other_page(
        self, context: Context, httpx_mock: HTTPXMock, expression: str
    ) -> None:
        httpx_mock.add_response(json={"points": TWO, "total": 57, "meta": {"total": 57}, "has_more": True})
        assert [reading.number for reading in read(context, expression).readings] in ([57], [40])

    def test_pages_false_says_that_the_answer_is_whole(self, context: Context, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(json={"points": TWO, "total": 57})
        assert [reading.number for reading in read(context, POINTS, pages=False).readings] == [40, 30]

    @pytest.mark.parametrize(
        ("more", "how"),
        [
            ({"meta": {"next_cursor": "abc"}}, "pages: {next: meta.next_cursor, param: NAME}"),
            ({"next": "/points?page=2"}, "pages: {next: next}"),
            ({"@odata.nextLink": f"{URL}/points?page=2"}, """pages: {next: '"@odata.nextLink"'}"""),
        ],
    )
    def test_reason_says_which_pages_to_write(
        self, context: Context, httpx_mock: HTTPXMock, more: Any, how: str
    ) -> None:
        httpx_mock.add_response(json={"points": TWO, **more})
        assert (read(context, POINTS).problem or "").endswith(f"write {how}")


@dataclass
class Api:
    """Pages of points; `after` answers what each page says of the next."""

    mock: HTTPXMock
    pages: list[list[Any]]
    asked: list[httpx.Request] = field(default_factory=list)

    def answer(self, by: str) -> None:
        def respond(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            body = orjson.loads(request.content or b"{}")
            number = int(request.url.params.get("cursor") or body.get("cursor") or 0)
            more, points = number + 1 < len(self.pages), self.pages[number] if number < len(self.pages) else []
            following = f"{URL}/points?cursor={number + 1}"
            answer: dict[str, Any] = {"points": points}
            headers: dict[str, str] = {}
            if by == "link" and more:
                headers["Link"] = f'<{following}>; rel="next"'
            elif by == "address":
                answer["next"] = following if more else None
            elif by == "relative":
                answer["next"] = f"?cursor={number + 1}" if more else ""
            elif by == "cursor":
                answer["meta"] = {"next_cursor": str(number + 1) if more else None}
            elif by == "number":
                answer |= {"following": number + 1 if more else None}
            elif by == "kept":
                answer |= {"has_more": more, "next_cursor": min(number + 1, len(self.pages))}
            elif by == "rising":
                answer |= {"has_more": more, "next_cursor": number + 1}
            elif by == "from 0":
                answer |= {"page": number, "total_pages": len(self.pages), "following": number + 1 if more else None}
            return httpx.Response(200, json=answer, headers=headers)

        self.mock.add_callback(respond, is_reusable=True)


PAGED = [
    ("link", {"next": "link"}),
    ("address", {"next": "next"}),
    ("relative", {"next": "next"}),
    ("cursor", {"next": "meta.next_cursor", "param": "cursor"}),
    ("number", {"next": "following", "param": "cursor"}),
    ("kept", {"next": "next_cursor", "param": "cursor"}),
    ("rising", {"next": "next_cursor", "param": "cursor"}),
    ("rising", {"next": "has_more && next_cursor", "param": "cursor"}),
    ("from 0", {"next": "following", "param": "cursor"}),
]


class TestPages:
    @pytest.mark.parametrize(("by", "pages"), PAGED)
    def test_lists_of_all_pages_join(self, context: Context, httpx_mock: HTTPXMock, by: str, pages: Any) -> None:
        api = Api(httpx_mock, [THREE[:1], THREE[1:2], THREE[2:]])
        api.answer(by)
        snapshot = read(context, POINTS, path="/points", pages=pages)
        assert [(reading.number, reading.cell) for reading in snapshot.readings] == [
            (40, f"{POINTS} #1"),
            (30, f"{POINTS} #2"),
            (20, f"{POINTS} #3"),
        ]
        assert len(api.asked) == (4 if pages["next"] == "next_cursor" else 3)  # a cursor is followed to its end

    def test_cursor_beside_a_flag_of_the_end_is_followed(self, context: Context, httpx_mock: HTTPXMock) -> None:
        first, last = (
            {"points": TWO, "truncated": False, "next": 2},
            {"points": THREE[2:], "has_more": False, "next": None},
        )
        httpx_mock.add_response(url=f"{URL}/points", json=first, is_reusable=True)
        httpx_mock.add_response(url=f"{URL}/points?page=2", json=last, is_reusable=True)
        snapshot = read(context, POINTS, path="/points", pages={"next": "next", "param": "page"})
        assert [reading.number for reading in snapshot.readings] == [40, 30, 20]

    def test_parameter_of_a_post_goes_into_its_body(self, context: Context, httpx_mock: HTTPXMock) -> None:
        api = Api(httpx_mock, [THREE[:1], THREE[1:]])
        api.answer("cursor")
        pages = {"next": "meta.next_cursor", "param": "cursor"}
        snapshot = read(context, POINTS, path="/points", method="POST", body={"days": 7}, pages=pages)
        assert [reading.number for reading in snapshot.readings] == [40, 30, 20]
        assert [orjson.loads(request.content) for request in api.asked] == [{"days": 7}, {"days": 7, "cursor": "1"}]

    def test_parameter_replaces_that_of_the_path(self, context: Context, httpx_mock: HTTPXMock) -> None:
        api = Api(httpx_mock, [THREE[:1], THREE[1:]])
        api.answer("cursor")
        read(context, POINTS, path="/points?size=1&cursor=0", pages={"next": "meta.next_cursor", "param": "cursor"})
        assert [str(request.url) for request in api.asked] == [f"{URL}/points?size=1&cursor={n}" for n in (0, 1)]

    @pytest.mark.parametrize(("by", "pages"), PAGED)
    def test_list_of_one_page_is_whole(self, context: Context, httpx_mock: HTTPXMock, by: str, pages: Any) -> None:
        Api(httpx_mock, [TWO]).answer(by)
        assert [reading.number for reading in read(context, POINTS, path="/points", pages=pages).readings] == [40, 30]

    def test_empty_pages_are_an_empty_set(self, context: Context, httpx_mock: HTTPXMock) -> None:
        Api(httpx_mock, [[], []]).answer("link")
        snapshot = read(context, POINTS, path="/points", pages={"next": "link"})
        assert (list(snapshot.readings), snapshot.problem) == ([], None)

    def test_page_that_is_missing_ends_the_pull_and_gives_no_readings(
        self, context: Context, httpx_mock: HTTPXMock
    ) -> None:
        httpx_mock.add_response(json={"points": TWO}, headers={"Link": '</points?page=2>; rel="next"'})
        httpx_mock.add_response(url=f"{URL}/points?page=2", status_code=404, json={"message": "No page 2"})
        snapshots, error = pull(context, POINTS, path="/points", pages={"next": "link"})
        assert snapshots == []
        assert "No page 2" in str(error)

    def test_later_page_without_the_list_makes_it_partial(self, context: Context, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(json={"points": TWO, "next": "/points?page=2"})
        httpx_mock.add_response(url=f"{URL}/points?page=2", json={"rows": [], "next": None})
        snapshot = read(context, POINTS, path="/points", pages={"next": "next"})
        assert (list(snapshot.readings), snapshot.partial) == ([], True)
        assert "on page 2 the answer has no 'points'; it has: rows, next" in (snapshot.problem or "")

    @pytest.mark.parametrize("more", [{"has_more": True}, {"total": 57}])
    def test_last_page_that_says_more_makes_it_partial(
        self, context: Context, httpx_mock: HTTPXMock, more: dict[str, Any]
    ) -> None:
        first, last = {"points": TWO, "next": "/points?page=2"}, {"points": TWO[:1], **more}
        httpx_mock.add_response(url=f"{URL}/points", json=first, is_reusable=True)
        httpx_mock.add_response(url=f"{URL}/points?page=2", json=last, is_reusable=True)
        snapshot = read(context, POINTS, path="/points", pages={"next": "next"})
        assert (list(snapshot.readings), snapshot.partial) == ([], True)
        assert "its last page says that more follows" in (snapshot.problem or "")

    @pytest.mark.parametrize("leads", ["/points", "/points?page=2"])
    def test_pages_in_a_circle_end(self, context: Context, httpx_mock: HTTPXMock, leads: str) -> None:
        for address, following in (("/points", "/points?page=2"), ("/points?page=2", leads)):
            answer = {"points": [[address, 1]], "next": following}
            httpx_mock.add_response(url=URL + address, json=answer, is_reusable=True)
        snapshots, error = pull(context, POINTS, path="/points", pages={"next": "next"})
        assert snapshots == []
        assert isinstance(error, SourceBroken)
        assert "circle (page 3)" in str(error)

    def test_cursor_that_brings_the_same_again_ends(self, context: Context, httpx_mock: HTTPXMock) -> None:
        httpx_mock.add_response(json={"points": TWO, "next": 7}, is_reusable=True)
        _, error = pull(context, POINTS, path="/points", pages={"next": "next", "param": "cursor"})
        assert "circle" in str(error)

    def test_number_of_pages_is_bounded(
        self, context: Context, httpx_mock: HTTPXMock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("connectors.http.paging._MOST_PAGES", 5)
        api = Api(httpx_mock, [[{"day": "2026-11-02", "n": number}] for number in range(6)])
        api.answer("cursor")
        _, error = pull(context, POINTS, path="/points", pages={"next": "meta.next_cursor", "param": "cursor"})
        assert "more than 5 pages" in str(error)
        assert len(api.asked) == 5

    @pytest.mark.parametrize("pages", [{"next": "link"}, {"next": "next"}])
    def test_pages_never_lead_to_another_server(
        self, context: Context, httpx_mock: HTTPXMock, pages: dict[str, str]
    ) -> None:
        elsewhere = "https://elsewhere.example/points?page=2"
        httpx_mock.add_response(json={"points": TWO, "next": elsewhere}, headers={"Link": f'<{elsewhere}>; rel="next"'})
        snapshots, error = pull(context, POINTS, path="/points", pages=pages)
        assert snapshots == []
        assert "elsewhere.example" in str(error)
        assert len(httpx_mock.get_requests()) == 1

    @pytest.mark.parametrize("value", [True, {"id": 1}, [1]])
    def test_next_that_names_no_page_is_an_error(self, context: Context, httpx_mock: HTTPXMock, value: Any) -> None:
        httpx_mock.add_response(json={"points": TWO, "next": value})
        _, error = pull(context, POINTS, path="/points", pages={"next": "next", "param": "cursor"})
        assert "names no page" in str(error)

    def test_number_on_each_page_does_not_join(self, context: Context, httpx_mock: HTTPXMock) -> None:
        Api(httpx_mock, [THREE[:1], THREE[1:]]).answer("link")
        snapshot = read(context, "sum(points[].n)", path="/points", pages={"next": "link"})
        assert "gives a number on each page" in (snapshot.problem or "")

    @pytest.mark.parametrize("pages", [{"next": "link"}, {"next": "next"}, {"next": "link", "param": "x"}, None])
    def test_pages_tell_streams_apart(self, pages: dict[str, str] | None) -> None:
        keys: dict[str, Any] = {"path": "/points", "json": POINTS}
        without = Http.Measure.model_validate(keys).streams()
        assert without == ["GET /points"]
        if pages is not None and "param" in pages:
            with pytest.raises(ValueError, match="drop 'param'"):
                Http.Measure.model_validate({**keys, "pages": pages})
        elif pages is not None:
            assert Http.Measure.model_validate({**keys, "pages": pages}).streams() != without


MAPPING = f"""
period: 2026-Q4
objectives:
  - id: o
    title: Customers find answers without calling us
    key_results:
      - {{id: calls, title: Calls fall, kind: outcome, baseline: 1200, target: 600,
         measure: {{from: api, path: /points, json: "{POINTS}", take: sum}}}}
"""


class TestCycle:
    """What becomes of a value when the answer is none, or not the whole."""

    @pytest.fixture
    def cycle(self, tmp_path: Path, httpx_mock: HTTPXMock) -> Iterator[Any]:
        (tmp_path / "syncd.yaml").write_text(f"mappings: okrs.yaml\nconnections:\n  api: {{type: http, url: {URL}}}\n")
        (tmp_path / "okrs.yaml").write_text(MAPPING)
        config = load_config(tmp_path / "syncd.yaml")
        ledger = open_ledger(f"sqlite:///{tmp_path / 'syncd.db'}")
        assert ledger is not None

        def run(answer: Any) -> KeyResultLine:
            httpx_mock.add_response(json=answer)
            run_cycle(CycleRequest(config, ledger, lambda: NOW, RetryPolicy()))
            line = report_of(Snapshots(config, config.periods[0], ledger).now(NOW)).line("calls")
            assert line is not None
            return line

        yield run
        ledger.close()

    def test_missing_list_is_unknown_and_not_0(self, cycle: Any) -> None:
        line = cycle({"rows": []})
        assert (line.value, line.quality) == (None, "complete")
        assert line.reason == "points[].[day, n] holds no number: the answer has no 'points'; it has: rows"

    def test_error_keeps_the_last_value_as_failed(self, cycle: Any) -> None:
        assert cycle({"points": TWO}).value == 70
        line = cycle({"error": {"code": "quota_exceeded"}})
        assert (line.value, line.quality) == (70, "failed")
        assert "quota_exceeded" in line.reason

    def test_further_pages_keep_the_last_value_as_partial(self, cycle: Any) -> None:
        assert cycle({"points": TWO}).value == 70
        line = cycle({"points": TWO[:1], "has_more": True})
        assert (line.value, line.quality) == (70, "partial")
        assert "has_more: true" in line.reason
