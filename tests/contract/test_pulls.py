"""How pulls are carried out, with a source whose answers are scripted: no server misbehaves in just these ways."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from waiting import wait_for

from syncd.config import Connection
from syncd.config.document import parse_document
from syncd.cycle import background, model
from syncd.cycle import pull as pulling
from syncd.cycle.background import Background, Pulling
from syncd.cycle.model import CycleRequest, PullResult, Watcher
from syncd.cycle.open_sources import NeededSource
from syncd.cycle.pull import CycleStopped, pull_all
from syncd.cycle.pull_thread import Checked, PullThread
from syncd.cycle.write_pages import PageWriter
from syncd.ledger import Ledger, open_ledger
from syncd.sdk import (
    Budget,
    Check,
    ConnectionSettings,
    Json,
    Page,
    Record,
    RetryLater,
    RetryPolicy,
    Source,
    Stream,
    UnknownField,
)
from syncd.sdk.redactor import Redactor

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
STREAM = Stream("project = KB", "records")
HIDE = Redactor(["hunter2-secret"])
TICKETS = SimpleNamespace(name="tickets", reconcile=HOUR, redactor=HIDE, without_secrets=HIDE)


def record(name: str, **keys: Any) -> Record:
    return Record(name, name, f"Title of {name}", "", keys.pop("updated", NOW), NOW, NOW, None, keys)


class Scripted:
    """A source with scripted answers. It notes the `cursors` and streams it was `asked` for, and the `censuses`."""

    def __init__(self) -> None:
        self.new: list[Page] = []
        self.whole: list[Page] = []
        self.there: list[Page] = []
        self.error: Exception | None = None
        self.cursors: list[Mapping[str, Json] | None] = []
        self.asked: list[str] = []
        self.censuses = 0

    def verify(self, stream: Stream) -> None:
        """Every field exists."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        self.cursors.append(cursor)
        self.asked.append(stream.key)
        yield from self.whole if cursor is None else self.new
        if self.error is not None:
            raise self.error

    def census(self, stream: Stream) -> Iterator[Page]:
        self.censuses += 1
        yield from self.there

    def check(self) -> Iterator[Check]:
        return iter(())

    def close(self) -> None:
        """There is nothing to close."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    assert opened is not None
    yield opened
    opened.close()


@pytest.fixture
def source() -> Scripted:
    return Scripted()


def pull(
    ledger: Ledger,
    source: Scripted,
    *streams: Stream,
    now: datetime = NOW,
    connection: Any = TICKETS,
    check: Callable[[Source], Checked] | None = None,
    **options: bool,
) -> list[PullResult]:
    config: Any = SimpleNamespace(connections={"tickets": connection})
    request = CycleRequest(config, ledger, lambda: now, RetryPolicy(), **options)  # type: ignore[arg-type]
    cycle = ledger.cycles.begin(now)
    needed = NeededSource(connection, streams or (STREAM,), frozenset())
    thread = PullThread("tickets", lambda: source, check or (lambda _: Checked(needed.streams)), Budget())
    return [*pull_all(request, cycle, [Pulling(needed, thread, PageWriter(request, cycle))])]


def kept(ledger: Ledger) -> set[str]:
    state = ledger.streams.state("tickets", STREAM.key)
    assert state is not None
    return set(ledger.streams.record_ids(state.id))


def test_a_field_that_went_is_checked_in_the_next_cycle_and_the_others_are_read(
    ledger: Ledger, source: Scripted
) -> None:
    """Somebody renames a field of the site long after the first pull checked it."""
    of = Stream(STREAM.key, "records", frozenset({"type", "points"}))
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    pull(ledger, source, of)
    source.error = UnknownField("points", ())
    (result,) = pull(ledger, source, of)
    state = ledger.streams.state("tickets", of.key)
    assert state is not None
    assert (result.quality, state.needs, state.cursor) == ("failed", {"type"}, None)
    assert not state.covers(of), "so the next cycle checks the fields"
    source.error = None
    (result,) = pull(ledger, source, replace(of, needs=frozenset({"type"})))
    assert (result.quality, source.cursors) == ("complete", [None, {"mark": 1}, None])


def test_a_pull_with_fewer_rows_than_announced_is_partial_and_begins_anew(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a"), record("b")], cursor={"mark": 1}, expected=2000)]
    (result,) = pull(ledger, source)
    assert (result.quality, result.got, result.expected) == ("partial", 2, 2000)
    assert result.reason == "it announced 2,000 rows and gave 2; it is pulled anew"

    source.whole = [Page([record(str(number)) for number in range(2000)], cursor={"mark": 2}, expected=2000)]
    (result,) = pull(ledger, source)
    assert result.quality == "complete"
    assert source.cursors == [None, None]


def test_records_that_a_census_lists_and_no_pull_brought_are_pulled_anew(ledger: Ledger, source: Scripted) -> None:
    """An issue that comes to match by time alone is in no pull."""
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    pull(ledger, source)
    source.there = [Page(present=frozenset({"a"})), Page(present=frozenset({"b"}))]
    source.whole = [Page([record("a"), record("b")], cursor={"mark": 1})]

    (result,) = pull(ledger, source, reconcile=True)

    assert result.quality == "complete"
    assert source.cursors == [None, {"mark": 1}, None]
    assert kept(ledger) == {"a", "b"}


def test_records_that_are_new_since_the_census_do_not_count_as_missed(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    pull(ledger, source)
    source.there = [Page(present=frozenset({"a", "b"}))]
    source.new = [Page([record("b"), record("c")], cursor={"mark": 2})]

    (result,) = pull(ledger, source, reconcile=True)

    assert result.quality == "complete"
    assert source.cursors == [None, {"mark": 1}]
    assert kept(ledger) == {"a", "b", "c"}


def test_a_pull_that_lacks_listed_records_is_partial(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    pull(ledger, source)
    source.there = [Page(present=frozenset({"a", "b"}))]
    (result,) = pull(ledger, source, reconcile=True)
    assert result.quality == "partial"
    assert result.reason == "it lists 1 of 2 records that it does not give"


def test_a_census_stores_its_rows_and_ends_the_records_that_it_lacks(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a", label=["old"]), record("b")], cursor={"mark": 1})]
    pull(ledger, source)
    source.there = [Page([record("a", label=["renamed"])], present=frozenset({"a"}))]

    (result,) = pull(ledger, source, reconcile=True)

    assert kept(ledger) == {"a"}
    assert result.changed == 2
    with ledger.engine.connect() as connection:
        fields = connection.exec_driver_sql("SELECT fields FROM records WHERE until IS NULL").scalars().all()
    assert fields == ['{"label":["renamed"]}']


def test_a_patient_cycle_leaves_a_source_alone_until_the_time_that_it_asked_for(
    ledger: Ledger, source: Scripted
) -> None:
    source.error = RetryLater("rate limit (HTTP 429)", 3600)
    (result,) = pull(ledger, source)
    assert result.quality == "partial"
    assert result.retry_at is not None

    (result,) = pull(ledger, source, patient=True)
    assert result.quality == "partial"
    assert result.reason == "rate limit (HTTP 429); it asks to come back in 60 min"
    assert result.retry_at is not None
    assert len(source.cursors) == 1  # not asked

    source.error = None
    (result,) = pull(ledger, source)  # somebody typed `syncd sync`
    assert (result.quality, result.retry_at) == ("complete", None)


def test_streams_with_a_cursor_are_pulled_before_new_streams(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    pull(ledger, source, Stream("old", "records"))
    source.asked.clear()
    pull(ledger, source, Stream("new", "records"), Stream("old", "records"), Stream("newer", "records"))
    assert source.asked == ["old", "new", "newer"]


def test_a_census_whose_pull_breaks_off_is_due_again(ledger: Ledger, source: Scripted) -> None:
    """Without it, records that it listed and no pull brought would be missed until the next census."""
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    pull(ledger, source)
    source.there = [Page(present=frozenset({"a", "b"}))]
    source.error = RetryLater("HTTP 503")
    pull(ledger, source, now=NOW + HOUR)
    source.error = None
    source.new = [Page([record("b")], cursor={"mark": 2})]
    pull(ledger, source, now=NOW + 1.5 * HOUR)
    assert source.censuses == 2
    pull(ledger, source, now=NOW + 2 * HOUR)
    assert source.censuses == 2
    assert kept(ledger) == {"a", "b"}


def test_a_census_is_due_by_time_however_often_the_stream_is_pulled(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a"), record("b")], cursor={"mark": 1})]
    source.there = [Page(present=frozenset({"a"}))]
    pull(ledger, source)
    pull(ledger, source, now=NOW + 0.5 * HOUR)
    assert kept(ledger) == {"a", "b"}
    pull(ledger, source, now=NOW + HOUR)
    assert kept(ledger) == {"a"}
    pull(ledger, source, now=NOW + 1.5 * HOUR)
    pull(ledger, source, now=NOW + 2 * HOUR)
    assert source.censuses == 2


@pytest.mark.parametrize("cursor", [None, {"mark": 1}])
@pytest.mark.parametrize(("later", "asked"), [(0.5 * HOUR, True), (HOUR, False)])
def test_records_that_left_since_the_first_pull_broke_off_are_ended(
    ledger: Ledger, source: Scripted, cursor: Mapping[str, Json] | None, later: timedelta, asked: bool
) -> None:
    """The stream has rows although no pull of it was ever complete."""
    source.whole = [Page([record("a"), record("b")], cursor=cursor)]
    source.error = RetryLater("HTTP 503")
    pull(ledger, source)
    source.error = None
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    source.there = [Page(present=frozenset({"a"}))]
    (result,) = pull(ledger, source, now=NOW + later, reconcile=asked)
    assert result.quality == "complete"
    assert kept(ledger) == {"a"}


class Plain:
    """A connector without keys of its own."""

    summary = "nothing"
    Settings = ConnectionSettings


@pytest.mark.parametrize(("later", "asked"), [(timedelta(0), True), (timedelta(days=1), False)])
def test_a_connection_without_reconcile_is_reconciled_daily_and_on_request(
    ledger: Ledger, source: Scripted, later: timedelta, asked: bool
) -> None:
    forgetful = Connection(
        "tickets",
        "any",
        Plain,
        ConnectionSettings(type="any"),
        (),
        parse_document("connections: {tickets: {type: any}}", "syncd.yaml"),
    )
    source.whole = [Page([record("a"), record("b")], cursor={"mark": 1})]
    source.there = [Page(present=frozenset({"a"}))]
    pull(ledger, source, connection=forgetful)
    pull(ledger, source, connection=forgetful, now=NOW + timedelta(hours=23))
    assert kept(ledger) == {"a", "b"}
    pull(ledger, source, connection=forgetful, now=NOW + later, reconcile=asked)
    assert kept(ledger) == {"a"}


def test_a_new_stream_needs_no_census(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    pull(ledger, source, reconcile=True)
    assert source.censuses == 0


def test_an_empty_stream_gets_a_census(ledger: Ledger, source: Scripted) -> None:
    """Its first issue may come to match by time alone."""
    source.whole = [Page(cursor={"mark": None})]
    pull(ledger, source)
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    source.there = [Page(present=frozenset({"a"}))]
    pull(ledger, source, now=NOW + HOUR)
    assert kept(ledger) == {"a"}


def test_a_record_that_comes_twice_counts_once(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a")], cursor={"mark": 1}), Page([record("a")], cursor={"mark": 1}, expected=2)]
    (result,) = pull(ledger, source)
    assert (result.quality, result.got) == ("partial", 1)


def test_a_connectors_bug_fails_its_stream_and_is_logged_without_secrets(
    ledger: Ledger, source: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    source.error = ZeroDivisionError("https://hunter2-secret@example.org divides by zero")
    (result,) = pull(ledger, source)
    assert (result.quality, result.reason) == (
        "failed",
        "internal error in the connector: ZeroDivisionError (see the log)",
    )
    assert "ZeroDivisionError: https://***@example.org" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_bug_before_the_pulls_fails_them_at_once(
    ledger: Ledger, source: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    """A thread that ends without a word would be waited for, as a silent server is."""

    source.error = ZeroDivisionError("https://hunter2-secret@example.org divides by zero")

    def check(_: Source) -> Checked:
        raise source.error or AssertionError

    (result,) = pull(ledger, source, check=check)
    assert (result.quality, result.reason) == (
        "failed",
        "internal error in the connector: ZeroDivisionError (see the log)",
    )
    assert "pull broken off" in caplog.text
    assert "hunter2" not in caplog.text


# -- pulls that outlast a cycle


class Quick(Scripted):
    """Hands over pages faster than they are written, `most` at most, until it is to `end`."""

    def __init__(self, each: Callable[[int], None], most: int = 400) -> None:
        super().__init__()
        self.most, self.given, self.end = most, 0, threading.Event()
        self._page = Page([record(str(number)) for number in range(200)])
        self._each = each

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        while self.given < self.most and not self.end.is_set():
            self.given += 1
            self._each(self.given)
            yield self._page


def test_quick_source_keeps_no_cycle_from_its_end(ledger: Ledger) -> None:
    stopping = threading.Event()
    quick = Quick(lambda given: stopping.set() if given == 20 else None)
    with pytest.raises(CycleStopped):
        pull(ledger, quick, stopping=stopping)  # type: ignore[arg-type]
    assert quick.given < quick.most


def pulling_of(request: CycleRequest, cycle: int, name: str, source: Scripted) -> Pulling:
    connection: Any = SimpleNamespace(name=name, reconcile=HOUR, redactor=HIDE, without_secrets=HIDE)
    needed = NeededSource(connection, (STREAM,), frozenset())
    thread = PullThread(name, lambda: source, lambda _: Checked(needed.streams), Budget())
    return Pulling(needed, thread, PageWriter(request, cycle))


def test_quick_source_keeps_no_other_waiting(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a")])]
    quick = Quick(lambda _: None)
    config: Any = SimpleNamespace(connections={"quick": TICKETS, "tickets": TICKETS})
    watcher = Watcher(page=lambda pull, _: quick.end.set() if pull.connection == "tickets" else None)
    request = CycleRequest(config, ledger, lambda: NOW, RetryPolicy(), watcher=watcher)
    cycle = ledger.cycles.begin(NOW)
    parts = [pulling_of(request, cycle, "quick", quick), pulling_of(request, cycle, "tickets", source)]
    results = pull_all(request, cycle, parts)
    assert [result.quality for result in results] == ["complete", "complete"]
    assert quick.given < quick.most


class Slow(Scripted):
    """Its server answers once `answers` is set; `opened` counts its threads."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = threading.Event()
        self.opened = 0

    def open(self) -> Source:
        self.opened += 1
        return self

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        self.answers.wait()
        yield from super().pull(stream, cursor)


def test_source_whose_pages_the_writer_has_not_taken_yet_is_not_silent(ledger: Ledger, source: Scripted) -> None:
    slow, parts, patience = Slow(), list[Pulling](), Background(lambda: None)
    slow.whole = source.whole = [Page([record("a")])]

    def write_slowly(pull: model.Pull, _: int) -> None:
        if pull.connection == "written":
            slow.answers.set()
            wait_for(lambda: not parts[0].thread.alive)
            patience.silent = 0.0

    config: Any = SimpleNamespace(connections={"slow": TICKETS, "written": TICKETS})
    request = CycleRequest(config, ledger, lambda: NOW, RetryPolicy(), watcher=Watcher(page=write_slowly))
    cycle = ledger.cycles.begin(NOW)
    parts += [pulling_of(request, cycle, "slow", slow), pulling_of(request, cycle, "written", source)]
    assert [result.quality for result in pull_all(request, cycle, parts, patience)] == ["complete", "complete"]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    monkeypatch.setattr(background, "_MOMENT", 0.0)
    slow = Slow()
    yield slow
    slow.answers.set()


class Cycles:
    """Cycles of `pull` beside which a slow source goes on being pulled."""

    def __init__(self, ledger: Ledger, source: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
        self.came_back = threading.Event()
        self.background = Background(self.came_back.set)
        self.background.silent = 0.1
        self.streams = [STREAM]
        self._ledger = ledger
        connection: Any = SimpleNamespace(kind="jira", settings={}, open=lambda _: source.open(), **vars(TICKETS))
        self.connection = connection
        config: Any = SimpleNamespace(
            connections={"tickets": connection}, periods=(), path=Path("syncd.yaml"), zone=UTC
        )
        self._request = CycleRequest(config, ledger, lambda: NOW, RetryPolicy())
        monkeypatch.setattr(pulling, "renamed_periods", lambda *_: ())
        monkeypatch.setattr(
            pulling, "needed_sources", lambda *_: [NeededSource(self.connection, self.streams, frozenset())]
        )

    def pull(self) -> PullResult:
        (result,) = pulling.pull(self._request, self.background).results
        return result


@pytest.fixture
def cycles(ledger: Ledger, slow: Slow, monkeypatch: pytest.MonkeyPatch) -> Cycles:
    slow.whole = [Page([record("a")], cursor={"mark": 1})]
    return Cycles(ledger, slow, monkeypatch)


def test_silent_pull_fails_in_its_cycle_and_counts_in_a_later_one(ledger: Ledger, slow: Slow, cycles: Cycles) -> None:
    for _ in range(3):
        result = cycles.pull()
        assert (result.quality, result.reason) == ("failed", "nothing came of it for 0.1 s")
    assert not cycles.came_back.is_set()
    slow.answers.set()
    cycles.came_back.wait()
    result = cycles.pull()
    assert (result.quality, result.changed, kept(ledger)) == ("complete", 1, {"a"})
    assert slow.opened == 1
    assert cycles.pull().quality == "complete"
    assert slow.opened == 2


def test_source_that_hangs_is_shown_though_nobody_took_what_it_handed_over(
    slow: Slow, cycles: Cycles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang_after_a_page(*_: object) -> Iterator[Page]:
        yield slow.whole[0]
        slow.answers.wait()

    monkeypatch.setattr(slow, "pull", hang_after_a_page)
    cycles.background.longest = 0.0
    cycles.pull()
    (left,) = cycles.background._left.values()
    wait_for(lambda: left.thread.has_items)
    wait_for(lambda: cycles.background.hanging)


def test_pull_with_full_hands_asks_for_a_cycle_once() -> None:
    """Else each word starts an attempt, twice a second, while no cycle can take what it has."""
    words: list[str] = []
    unneeded: Any = None
    thread = PullThread("tickets", unneeded, unneeded, unneeded)
    thread.leave(lambda: words.append("come"))
    thread._came_back()
    thread._came_back()
    assert words == ["come"]


def test_slow_pull_that_is_not_needed_any_more_hangs_and_gets_no_second_thread(slow: Slow, cycles: Cycles) -> None:
    cycles.pull()
    cycles.streams = [Stream("project = WEB", "records")]
    for _ in range(2):
        result = cycles.pull()
        assert (result.quality, result.pull.stream.key) == ("failed", "project = WEB")
        assert re.fullmatch(r"its last pull, begun at .*, has not ended; it is asked after that", result.reason or "")
    assert slow.opened == 1
    slow.answers.set()
    wait_for(lambda: cycles.pull().quality == "complete")  # its thread may need a moment to end
    assert slow.asked[-1] == "project = WEB"


def test_slow_pull_is_not_continued_where_somebody_else_pulled_since(
    ledger: Ledger, slow: Slow, cycles: Cycles
) -> None:
    """Its rows may be older than those that came since."""
    cycles.pull()
    state = ledger.streams.state("tickets", STREAM.key)
    assert state is not None
    ledger.streams.store(state.id, ledger.cycles.begin(NOW), NOW, Page([record("b")], cursor={"mark": 2}))
    assert "has not ended" in (cycles.pull().reason or "")


def test_pull_that_ended_in_the_background_counts_in_the_next_cycle(ledger: Ledger, cycles: Cycles, slow: Slow) -> None:
    cycles.background.longest = 0.0
    assert cycles.pull().quality == "failed"
    slow.answers.set()
    cycles.came_back.wait()
    cycles.background.longest = 60.0
    assert (cycles.pull().quality, kept(ledger)) == ("complete", {"a"})
