"""Pages of a web API: how each way leads on, and that whatever is missing makes the value partial and never smaller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from scripted_api import Asked, ScriptedApi, measured, opened, pulled, serving, stream_of

from connectors.http import Http, paging
from syncd.sdk import Context, SourceBroken

ROWS = [{"day": (date(2026, 10, 1) + timedelta(days=number)).isoformat(), "n": 1} for number in range(25)]
SERIES = "data[].[day, n]"
GRAPHQL = "query ($skip: Int!) { rows(skip: $skip) { day n } }"


def rows(start: int, size: int = 10, **more: Any) -> dict[str, Any]:
    return {"data": ROWS[start : start + size], **more}


def by_page(asked: Asked) -> Any:
    return rows((int(asked.query["page"]) - 1) * 10)


def by_page_from_zero(asked: Asked) -> Any:
    return rows(int(asked.query["page"]) * 10)


def by_offset(asked: Asked) -> Any:
    return rows(int(asked.query["offset"]), 7)


def by_offset_in_a_body(asked: Asked) -> Any:
    return rows(asked.body["skip"])


def by_a_variable(asked: Asked) -> Any:
    return rows(asked.body["variables"]["skip"])


def by_cursor(asked: Asked) -> Any:
    start = int(asked.query.get("cursor", "c0")[1:])
    return rows(start, meta={"next": f"c{start + 10}" if start < 20 else None})


def by_link(asked: Asked) -> Any:
    start = int(asked.query.get("after", "c0")[1:])
    link = {"Link": f'<{asked.path}?after=c{start + 10}>; rel="next"'} if start < 20 else {}
    return 200, rows(start), link


def by_link_to_a_number(asked: Asked) -> Any:
    page = int(asked.query.get("page", 1))
    return 200, rows(page * 10 - 10), {"Link": f'<{asked.path}?page={page + 1}>; rel="next"'} if page < 3 else {}


# The requests: those for the pages, and those that look whether they have moved.
WAYS: dict[str, tuple[Callable[[Asked], Any], dict[str, Any], int]] = {
    "page": (by_page, {"params": {"page": 1}, "pages": {"page": "page"}}, 4 + 3),
    "page in the path": (by_page, {"path": "/x?page=1", "pages": {"page": "page"}}, 4 + 3),
    "page from 0": (by_page_from_zero, {"params": {"page": 0}, "pages": {"page": "page"}}, 4 + 3),
    "offset": (by_offset, {"params": {"offset": 0}, "pages": {"offset": "offset"}}, 5 + 4),
    "offset in a body": (
        by_offset_in_a_body,
        {"method": "POST", "body": {"skip": 0}, "pages": {"offset": "skip"}},
        4 + 3,
    ),
    "offset in a variable": (
        by_a_variable,
        {"graphql": GRAPHQL, "variables": {"skip": 0}, "pages": {"offset": "skip"}},
        4 + 3,
    ),
    "cursor": (by_cursor, {"pages": {"next": "meta.next", "param": "cursor"}}, 3),
    "link by cursor": (by_link, {"pages": {"next": "link"}}, 3),
    "link by number": (by_link_to_a_number, {"pages": {"next": "link"}}, 3 + 3),
}


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with serving(by_page) as api:
        yield api


@pytest.mark.parametrize("way", WAYS)
def test_pages_join_to_the_whole(api: ScriptedApi, context: Context, way: str) -> None:
    api.answer, keys, requests = WAYS[way]
    assert measured(api, context, json=SERIES, **keys) == [1] * 25
    assert len(api.asked) == requests


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("missing", [404, 500])
def test_missing_page_makes_it_partial(api: ScriptedApi, context: Context, way: str, missing: int) -> None:
    answer, keys, _ = WAYS[way]
    api.answer = lambda asked: (missing, {"error": "gone"}, {}) if len(api.asked) == 2 else answer(asked)
    if missing == 500:
        api.answer = lambda asked: (500, {}, {}) if len(api.asked) >= 2 else answer(asked)
    source = opened(api, context, post=True)
    pages, error = pulled(source, stream_of({"json": SERIES, **keys}))
    source.close()
    assert error is not None
    assert [page.readings for page in pages] == [{}]  # pages came, so the pull is partial, and no reading was handed on


def test_flag_that_nothing_follows_spares_the_empty_page(api: ScriptedApi, context: Context) -> None:
    api.answer = lambda asked: rows((int(asked.query["page"]) - 1) * 10, has_more=asked.query["page"] != "3")
    assert measured(api, context, json=SERIES, params={"page": 1}, pages={"page": "page"}) == [1] * 25
    assert len(api.asked) == 3 + 3


def django(asked: Asked, **more: Any) -> Any:
    page = int(asked.query["page"])
    if page > 3:
        return 404, {"detail": "Invalid page."}, {}
    return rows((page - 1) * 10, next=f"/x?page={page + 1}" if page < 3 else None, **more)


@pytest.mark.parametrize(
    ("more", "headers"),
    [
        ({"count": 25}, {}),
        ({"meta": {"total_pages": 3}}, {}),
        ({}, {"X-Total-Count": "25"}),
        ({}, {"X-Total-Pages": "3"}),
        ({}, {"X-Pagination": '{"TotalCount": 25}'}),
    ],
)
def test_404_behind_all_that_a_total_names_is_the_end(
    api: ScriptedApi, context: Context, more: dict[str, Any], headers: dict[str, str]
) -> None:
    def answer(asked: Asked) -> Any:
        given = django(asked, **more)
        return given if isinstance(given, tuple) else (200, given, headers)

    api.answer = answer
    assert measured(api, context, json=SERIES, params={"page": 1}, pages={"page": "page"}) == [1] * 25
    assert len(api.asked) in (4 + 1, 4 + 3)  # a total of all rows spares all but the first


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"count": 30},
        {"count": 10},
        {"total_pages": 4},
        {"pages": 3},
        {"count": 25, "has_more": True},
        {"count": 25, "next_page": "/x?page=4"},
    ],
)
def test_other_404_makes_it_partial(api: ScriptedApi, context: Context, more: dict[str, Any]) -> None:
    api.answer = lambda asked: django(asked, **more)
    source = opened(api, context)
    pages, error = pulled(source, stream_of({"json": SERIES, "params": {"page": 1}, "pages": {"page": "page"}}))
    source.close()
    assert isinstance(error, SourceBroken)
    assert not any(page.readings for page in pages)


@pytest.mark.parametrize(("sizes", "says"), [([10], [10]), ([10, 5], [10, 15]), ([10, 5], [15, 5])])
def test_number_that_is_no_total_on_every_page_is_no_end(
    api: ScriptedApi, context: Context, sizes: list[int], says: list[int]
) -> None:
    """`count` may be the number of the page's rows, or of the rows so far."""
    starts = [0, 10]

    def answer(asked: Asked) -> Any:
        at = int(asked.query["page"]) - 1
        return rows(starts[at], sizes[at], count=says[at]) if at < len(sizes) else (404, {}, {})

    api.answer = answer
    source = opened(api, context)
    pages, error = pulled(source, stream_of({"json": SERIES, "params": {"page": 1}, "pages": {"page": "page"}}))
    source.close()
    assert isinstance(error, SourceBroken)
    assert not any(page.readings for page in pages)


def test_short_page_is_no_end(api: ScriptedApi, context: Context) -> None:
    """Servers cut pages where they like: the second has 3 rows, and more follow."""
    starts = [(0, 10), (10, 3), (13, 12), (25, 1)]
    api.answer = lambda asked: rows(*starts[int(asked.query["page"]) - 1])
    assert measured(api, context, json=SERIES, params={"page": 1}, pages={"page": "page"}) == [1] * 25


def test_total_beyond_the_rows_makes_it_partial(api: ScriptedApi, context: Context) -> None:
    api.answer = lambda asked: rows((int(asked.query["page"]) - 1) * 10, total=30)
    source = opened(api, context)
    pages, error = pulled(source, stream_of({"json": SERIES, "params": {"page": 1}, "pages": {"page": "page"}}))
    source.close()
    assert error is None
    (snapshot,) = pages[-1].readings.values()
    assert snapshot.partial
    assert "total: 30, and 25 came" in (snapshot.problem or "")


@pytest.mark.parametrize(
    ("answer", "keys"),
    [
        (lambda _: rows(0, generated="now"), {"params": {"page": 1}, "pages": {"page": "page"}}),
        (lambda _: rows(0), {"params": {"offset": 0}, "pages": {"offset": "offset"}}),
        (lambda _: rows(0, meta={"next": "x"}), {"pages": {"next": "meta.next", "param": "cursor"}}),
    ],
)
def test_server_that_repeats_a_page_makes_it_partial(
    api: ScriptedApi, context: Context, answer: Callable[[Asked], Any], keys: dict[str, Any]
) -> None:
    count = iter(range(100))
    api.answer = lambda asked: {**answer(asked), "request": next(count)}
    source = opened(api, context)
    pages, error = pulled(source, stream_of({"json": SERIES, **keys}))
    source.close()
    assert isinstance(error, SourceBroken)
    assert "go round in a circle" in str(error)
    assert not any(page.readings for page in pages)
    assert len(api.asked) <= 3


def test_too_many_pages_make_it_partial(api: ScriptedApi, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "_MOST_PAGES", 3)
    api.answer = lambda asked: {"data": [{"day": asked.query["page"], "n": 1}]}
    source = opened(api, context)
    pages, error = pulled(source, stream_of({"json": SERIES, "params": {"page": 1}, "pages": {"page": "page"}}))
    source.close()
    assert "more than 3 pages" in str(error)
    assert not any(page.readings for page in pages)


@pytest.mark.parametrize(
    ("more", "at", "says"),
    [
        (
            {"paging": {"cursors": {"after": "abc"}}},
            "meta.next_cursor",
            "no 'meta'; it has: data, paging; write the pl",
        ),
        ({"meta": {"page": {}}}, "meta.pages.next", "no 'meta.pages'; it has: data, meta"),
        ({"meta": "none"}, "meta.next_cursor", "meta is no object"),
        ({}, "paging.next.after", "write the place of the next page, or \"paging.next.after || ''\" if"),
    ],
)
def test_first_page_without_the_place_of_the_next_is_no_end(
    api: ScriptedApi, context: Context, more: dict[str, Any], at: str, says: str
) -> None:
    """`pages` may name a place that this API never fills: the first page is then not known to be the whole."""
    api.answer = lambda _: rows(0, **more)
    source = opened(api, context)
    pages, error = pulled(source, stream_of({"json": SERIES, "pages": {"next": at, "param": "cursor"}}))
    source.close()
    assert isinstance(error, SourceBroken)
    assert says in str(error)
    assert not any(page.readings for page in pages)


@pytest.mark.parametrize(
    ("more", "at"),
    [
        ({"meta": {"next": None}}, "meta.next"),
        ({"meta": {"next": ""}}, "meta.next"),
        ({"meta": {}}, "meta.next"),
        ({"meta": None}, "meta.next"),
        ({}, "next_cursor"),
        ({"links": {"self": "/x"}}, "links.next.href"),
        ({"paging": {"cursors": {"before": "a", "after": "b"}}}, "paging.next"),
        ({}, "paging.next.after || ''"),
        ({"has_more": False}, "meta.next"),
    ],
)
def test_pointer_that_is_left_out_is_the_end(api: ScriptedApi, context: Context, more: dict[str, Any], at: str) -> None:
    api.answer = lambda _: rows(0, **more)
    assert measured(api, context, json=SERIES, pages={"next": at, "param": "cursor"}) == [1] * 10


def test_object_around_the_pointer_may_be_left_out_on_a_later_page(api: ScriptedApi, context: Context) -> None:
    api.answer = lambda asked: rows(10) if "after" in asked.query else rows(0, paging={"next": {"after": "10"}})
    assert measured(api, context, json=SERIES, pages={"next": "paging.next.after", "param": "after"}) == [1] * 20


class Moving:
    """Rows 6 to 1, three a page, of which each is worth its number. Before the requests of these numbers, counted from
    0, a row is inserted at the head, or one is removed.
    """

    def __init__(self, changes: dict[int, int], *, with_total: bool, with_ids: bool) -> None:
        self.rows = [6, 5, 4, 3, 2, 1]
        self.changes = changes
        self.with_total = with_total
        self.with_ids = with_ids
        self.requests = 0

    def __call__(self, asked: Asked) -> Any:
        change = self.changes.get(self.requests, 0)
        self.rows = [change, *self.rows] if change > 0 else [row for row in self.rows if row != -change]
        self.requests += 1
        body = asked.body if isinstance(asked.body, dict) else {}
        given = {name: int(value) for name, value in {**asked.query, **body.get("variables", body)}.items()}
        start = given.get("offset", given.get("skip", given.get("after", given.get("page", 1) * 3 - 3)))
        listed = self.rows[start : start + 3]
        data = [{"day": "2026-10-05", "n": row, **({"id": str(row)} if self.with_ids else {})} for row in listed]
        more = start + 3 < len(self.rows)
        answer: dict[str, Any] = {"data": data, "next": start // 3 + 2 if more else None}
        answer["after"] = str(start + 3) if more else None  # as HubSpot calls an offset
        if self.with_total:
            answer["total"] = len(self.rows)
        return 200, answer, {"Link": f'</x?page={start // 3 + 2}>; rel="next"'} if more else {}


AFTER = {"next": "after", "param": "after"}
BY_NUMBER: dict[str, dict[str, Any]] = {
    "offset": {"params": {"offset": 0}, "pages": {"offset": "offset"}},
    "page": {"params": {"page": 1}, "pages": {"page": "page"}},
    "variable": {"graphql": GRAPHQL, "path": "/graphql", "variables": {"skip": 0}, "pages": {"offset": "skip"}},
    "link": {"path": "/x", "pages": {"next": "link"}},
    "next": {"pages": {"next": "next", "param": "page"}},
    "offset by another name": {"pages": AFTER},
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("way", BY_NUMBER)
@pytest.mark.parametrize("with_total", [False, True])
@pytest.mark.parametrize("with_ids", [False, True])
@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({1: 7}, 28),  # 4 would count twice
        ({1: -6}, 15),  # 3 would be passed over
        ({1: 7, 5: 8}, 36),
    ],
)
def test_pages_that_moved_are_read_again(
    api: ScriptedApi,
    context: Context,
    way: str,
    *,
    with_total: bool,
    with_ids: bool,
    changes: dict[int, int],
    value: int,
) -> None:
    api.answer = Moving(changes, with_total=with_total, with_ids=with_ids)
    assert sum(map(float, filter(None, measured(api, context, json=SERIES, **BY_NUMBER[way])))) == value


def test_row_that_leaves_amid_later_pages_is_noticed(api: ScriptedApi, context: Context) -> None:
    """The first page stays what it was, so it alone would tell nothing."""
    moving = Moving({2: -9}, with_total=False, with_ids=True)
    moving.rows = list(range(12, 0, -1))
    api.answer = moving
    measured_rows = measured(api, context, json=SERIES, **BY_NUMBER["offset"])
    assert measured_rows == [12, 11, 10, 8, 7, 6, 5, 4, 3, 2, 1]


def test_cursor_that_only_looks_like_a_number_costs_no_second_look(api: ScriptedApi, context: Context) -> None:
    """An id that is a number names a row: whatever comes or goes before it, the rows behind it stay."""

    def by_last_id(asked: Asked) -> Any:
        start = int(asked.query.get("after", 900)) - 900
        return rows(start, after=910 + start if start < 20 else None)

    api.answer = by_last_id
    assert sum(map(float, filter(None, measured(api, context, json=SERIES, pages=AFTER)))) == len(ROWS)
    assert len(api.asked) == 3


def test_deal_that_is_deleted_between_pages_of_hubspot_is_no_complete_number(
    api: ScriptedApi, context: Context
) -> None:
    """Its search gives `after`, which counts rows. A POST is not read again by itself, so the value is partial."""
    moving = Moving({1: -6}, with_total=True, with_ids=True)
    api.answer = moving
    source = opened(api, context, post=True)
    keys = {"method": "POST", "body": {"limit": 3}, "pages": AFTER}
    pages, error = pulled(source, stream_of({"json": SERIES, **keys}))
    source.close()
    assert isinstance(error, SourceBroken)
    assert "page 1 has changed while the pages behind it were read" in str(error)
    assert not any(page.readings for page in pages)


@pytest.mark.parametrize(("way", "readings"), [("offset", 3), ("page", 3), ("link", 3), ("post", 1)])
def test_pages_that_keep_moving_make_it_partial(api: ScriptedApi, context: Context, way: str, readings: int) -> None:
    post = {"method": "POST", "body": {"skip": 0}, "pages": {"offset": "skip"}}
    keys = BY_NUMBER.get(way, post)
    api.answer = Moving({number: number + 7 for number in range(1, 100, 5)}, with_total=False, with_ids=True)
    source = opened(api, context, post=True)
    pages, error = pulled(source, stream_of({"json": SERIES, **keys}))
    source.close()
    assert isinstance(error, SourceBroken)
    assert "page 1 has changed while the pages behind it were read" in str(error)
    assert pages
    assert not any(page.readings for page in pages)
    first = {"offset": "0", "page": "1"}.get(way)
    asked = [each for each in api.asked if (each.query.get(way) == first if way != "post" else each.body["skip"] == 0)]
    assert len(asked) >= 2 * readings


def test_other_fields_of_rows_with_an_id_may_change(api: ScriptedApi, context: Context) -> None:
    api.answer = lambda asked: {
        "data": [{"id": row["day"], "age": len(api.asked), **row} for row in by_page(asked)["data"]]
    }
    assert measured(api, context, json=SERIES, params={"page": 1}, pages={"page": "page"}) == [1] * 25


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"pages": {}}, "needs one of 'next', 'page' and 'offset'"),
        ({"pages": {"next": "link", "page": "page"}}, "has 'next' and 'page'; keep one of them"),
        ({"pages": {"page": "page", "param": "page"}}, "names the parameter already; drop 'param'"),
        ({"pages": {"page": "page"}}, "write such as params: {page: 1}, with the number from which this API counts"),
        ({"pages": {"offset": "skip"}}, "write such as params: {skip: 0}"),
        ({"pages": {"offset": "skip"}, "method": "POST", "body": {}}, "write such as body: {skip: 0}"),
        ({"pages": {"page": "page"}, "params": {"page": "first"}}, "whose first is 'first'; write a whole number"),
        ({"pages": {"page": "page"}, "params": {"page": 1}, "json": "[a[].n, b[].n]"}, "reads several lists"),
        ({"path": "/x?page=1", "params": {"page": 1}}, "has page, which is in path too"),
    ],
)
def test_pages_that_cannot_be_counted_are_refused(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Http.Measure.model_validate({"json": SERIES, **keys})
    assert says in str(caught.value)


def test_measures_whose_pages_end_elsewhere_do_not_share_them() -> None:
    keys = {"params": {"page": 1}, "pages": {"page": "page"}}
    first, same, other = (
        Http.Measure.model_validate({**keys, "json": json}).streams()
        for json in (SERIES, "data[].[day, other]", "other[].[day, n]")
    )
    assert first == same != other
