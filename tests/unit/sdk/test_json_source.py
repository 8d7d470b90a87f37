"""What sources over a JSON API inherit: a walk, newest update first, over a list that moves while it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.sdk import (
    Context,
    JsonClient,
    JsonSource,
    NewestFirst,
    Page,
    Record,
    RetryPolicy,
    Stream,
    WebSettings,
    lead_time,
)

START = datetime(2026, 11, 1, tzinfo=UTC)
NOW = START + timedelta(days=20)
STREAM = Stream("rows", "records")
PER_PAGE = 3


def api(url: str = "https://api.example") -> JsonClient:
    settings = WebSettings.model_validate({"type": "any", "url": url})
    return JsonClient(settings, Context(RetryPolicy(), ZoneInfo("UTC"), now=lambda: NOW))


class Rows(NewestFirst):
    """Serves its rows by page number, as most servers do; `meanwhile` is called after each page with its number."""

    def __init__(self, number: int, url: str = "https://api.example", order: str = "newest first") -> None:
        super().__init__(api(url))
        self.order = order
        self.clock = START
        self.rows: dict[str, Record] = {}
        self.meanwhile: Callable[[int], None] = lambda page: None
        self.requests = 0
        for name in range(number):
            self.update(str(name))

    def update(self, name: str) -> None:
        """A row is new, or edited: it has the newest update of all."""
        self.clock += timedelta(minutes=10)
        self.rows[name] = Record(name, name, name, "", self.clock, START)

    def records(self, stream: Stream, since: datetime | None) -> Iterator[Sequence[Record]]:
        page, more = 1, True
        while more:
            matching = [row for row in self.rows.values() if since is None or row.updated_at >= since]
            if self.order != "as created":
                matching.sort(key=lambda row: row.updated_at, reverse=self.order == "newest first")
            shown, more = matching[(page - 1) * PER_PAGE : page * PER_PAGE], len(matching) > page * PER_PAGE
            self.requests += 1
            yield shown
            self.meanwhile(page)
            page += 1


class Ledger:
    """What is kept of the pages of pulls: the newest version of each row, and the cursor."""

    def __init__(self) -> None:
        self.rows: dict[str, Record] = {}
        self.cursor: Mapping[str, Any] | None = None

    def take(self, pages: Iterator[Page]) -> list[Page]:
        taken = list(pages)
        for page in taken:
            for record in page.records:
                if record.id not in self.rows or record.updated_at >= self.rows[record.id].updated_at:
                    self.rows[record.id] = record
            self.cursor = page.cursor or self.cursor
        return taken


def test_a_first_pull_takes_the_whole_list() -> None:
    source, ledger = Rows(10), Ledger()
    ledger.take(source.pull(STREAM, None))
    assert ledger.rows == source.rows


def test_a_first_pull_begins_where_a_measure_needs_it() -> None:
    source, ledger = Rows(10), Ledger()
    ledger.take(source.pull(replace(STREAM, since=source.rows["7"].updated_at), None))
    assert set(ledger.rows) == {"7", "8", "9"}


def test_a_first_pull_begins_a_little_earlier_than_a_measure_needs_it() -> None:
    """A merge may be told as some milliseconds later than the update that it is."""
    source, ledger = Rows(10), Ledger()
    ledger.take(source.pull(replace(STREAM, since=source.rows["7"].updated_at + timedelta(milliseconds=4)), None))
    assert set(ledger.rows) == {"7", "8", "9"}


@pytest.mark.parametrize("number", [1, PER_PAGE])
def test_rows_updated_in_the_future_hide_no_update(number: int) -> None:
    source, ledger = Rows(10), Ledger()
    for name in range(number):
        moment = NOW + timedelta(days=400 + name)
        source.rows[f"future {name}"] = Record(f"future {name}", "", "", "", moment, START)
    ledger.take(source.pull(STREAM, None))
    assert ledger.rows == source.rows
    source.update("4")
    ledger.take(source.pull(STREAM, ledger.cursor))
    assert ledger.rows == source.rows


def test_a_later_pull_takes_what_was_updated_since() -> None:
    source, ledger = Rows(10), Ledger()
    ledger.take(source.pull(STREAM, None))
    source.update("4")
    source.update("new")
    source.requests = 0
    pages = ledger.take(source.pull(STREAM, ledger.cursor))
    assert {record.id for page in pages for record in page.records} == {"9", "4", "new"}
    assert ledger.rows == source.rows
    assert source.requests == 1


def test_an_unchanged_list_costs_a_single_request_and_moves_no_cursor() -> None:
    source, ledger = Rows(10), Ledger()
    ledger.take(source.pull(STREAM, None))
    source.requests = 0
    pages = ledger.take(source.pull(STREAM, ledger.cursor))
    assert [page.cursor for page in pages] == [None]
    assert source.requests == 1


def test_rows_that_share_one_time_are_read_once_and_their_head_once_more() -> None:
    source, ledger = Rows(0), Ledger()
    source.rows = {str(name): Record(str(name), "", "", "", START, START) for name in range(10)}
    for _ in range(2):
        source.requests = 0
        ledger.take(source.pull(STREAM, ledger.cursor))
        assert ledger.rows == source.rows
        assert source.requests == 4 + 1


def test_the_cursor_comes_last() -> None:
    """Until the list was read to its end, no moment is known to be complete."""
    pages = list(Rows(10).pull(STREAM, None))
    assert [page.cursor is not None for page in pages] == [False] * (len(pages) - 1) + [True]


def test_a_cursor_of_another_server_is_not_used() -> None:
    ledger = Ledger()
    ledger.take(Rows(10).pull(STREAM, None))
    moved = Rows(5, url="https://other.example")
    ledger.rows.clear()
    ledger.take(moved.pull(STREAM, ledger.cursor))
    assert ledger.rows == moved.rows


def test_an_empty_list_has_no_cursor() -> None:
    assert list(Rows(0).pull(STREAM, None)) == [Page([])]


def test_a_cursor_never_goes_back() -> None:
    """The newest row was deleted: the mark stays where it was."""
    source, ledger = Rows(10), Ledger()
    ledger.take(source.pull(STREAM, None))
    del source.rows["9"]
    pages = ledger.take(source.pull(STREAM, ledger.cursor))
    assert [page.cursor for page in pages] == [None]


def test_rows_updated_while_the_list_is_read_are_in_the_same_pull() -> None:
    """They jump to the head, which was read before; each walk that stops at the end misses them until the next."""
    source, ledger = Rows(20), Ledger()
    updates = iter(["0", "1", "2"])

    def update_older(page: int) -> None:
        if page == 2:
            for name in updates:
                source.update(name)

    source.meanwhile = update_older
    ledger.take(source.pull(STREAM, None))
    assert ledger.rows == source.rows


def test_a_list_that_never_holds_still_is_left_to_the_next_pull() -> None:
    source, ledger = Rows(20), Ledger()

    def update_all(page: int) -> None:
        for name in list(source.rows)[: 2 * PER_PAGE]:
            source.update(name)

    source.meanwhile = update_all
    ledger.take(source.pull(STREAM, None))
    assert source.requests < 100
    source.meanwhile = lambda page: None
    ledger.take(source.pull(STREAM, ledger.cursor))
    assert ledger.rows == source.rows


@pytest.mark.parametrize("order", ["newest first", "oldest first", "as created"])
@given(updates=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 25)), max_size=12), number=st.integers(0, 25))
@example(updates=[(3, 7), (3, 0)], number=7)  # the row on the first page is the newer one
def test_no_update_is_passed_by(order: str, updates: list[tuple[int, int]], number: int) -> None:
    """Whichever rows are updated after whichever request: the next pull of a list that holds still has all of them.

    Also on a server that does not sort as it is asked to: the cursor never passes the first page's newest update.
    """
    source, ledger = Rows(number, order=order), Ledger()

    def update(page: int) -> None:
        for request, name in updates:
            if request == source.requests:
                source.update(str(name))

    source.meanwhile = update
    ledger.take(source.pull(STREAM, None))
    source.meanwhile = lambda page: None
    ledger.take(source.pull(STREAM, ledger.cursor))
    assert ledger.rows == source.rows


def present(pages: Iterator[Page]) -> set[str]:
    return {name for page in pages for name in page.present or ()}


def test_what_was_deleted_is_missing_from_the_census() -> None:
    source = Rows(10)
    del source.rows["4"]
    assert present(source.census(STREAM)) == set(source.rows)


def test_a_row_that_leaves_during_a_census_hides_no_other() -> None:
    """Those behind it move up by one place, and one of them to a page that was read already."""
    source = Rows(10)

    def delete_newest(page: int) -> None:
        source.rows.pop("9", None)

    source.meanwhile = delete_newest
    assert present(source.census(STREAM)) >= set(source.rows)


def test_records_without_a_census_are_a_mistake_and_readings_need_none() -> None:
    """An empty census would say that every record is gone."""
    source = JsonSource(api())
    assert list(source.census(Stream("rows", "readings"))) == []
    with pytest.raises(NotImplementedError):
        source.census(STREAM)


@pytest.mark.parametrize(("days", "expected"), [(1.5, [1.5]), (0, [0]), (-1, []), (None, [])])
def test_a_lead_time_is_in_days_and_never_negative(days: float | None, expected: list[float]) -> None:
    assert lead_time(START, None if days is None else START + timedelta(days=days)) == expected
