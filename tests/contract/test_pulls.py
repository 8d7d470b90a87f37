"""How pulls are carried out, with a source whose every answer is scripted: no server misbehaves in just these ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from syncd.config import Connection
from syncd.config.document import parse_document
from syncd.cycle.due_pulls import due_pulls
from syncd.cycle.model import ConnectionPulls, PullResult, Watcher
from syncd.cycle.pull import pull_all
from syncd.ledger import Ledger, open_ledger
from syncd.sdk import Budget, Check, ConnectionSettings, Connector, Json, Page, Record, RetryLater, Stream

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
STREAM = Stream("project = KB", "records")
TICKETS = SimpleNamespace(name="tickets", reconcile=HOUR)


def record(name: str, **keys: Any) -> Record:
    return Record(name, name, f"Title of {name}", "", keys.pop("updated", NOW), NOW, NOW, None, keys)


class Scripted:
    """A source that gives what it is told to; `cursors` are those it was asked from, `censuses` how often for all."""

    def __init__(self) -> None:
        self.new: list[Page] = []
        self.whole: list[Page] = []
        self.there: list[Page] = []
        self.error: Exception | None = None
        self.cursors: list[Mapping[str, Json] | None] = []
        self.asked: list[str] = []
        self.censuses = 0

    def verify(self, stream: Stream) -> None:
        """Nothing is unknown."""

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
        """Nothing is held."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    assert one is not None
    yield one
    one.close()


@pytest.fixture
def source() -> Scripted:
    return Scripted()


def pull(
    ledger: Ledger,
    source: Scripted,
    *streams: Stream,
    now: datetime = NOW,
    reconcile: bool = False,
    patient: bool = False,
    connection: Any = TICKETS,
) -> list[PullResult]:
    cycle = ledger.cycles.begin(now)
    pulls = due_pulls(ledger, connection, streams or (STREAM,), now, reconcile, patient)
    work = {"tickets": ConnectionPulls(source, pulls, Budget())}
    return pull_all(ledger, cycle, lambda: now, work, Watcher(), secrets={"hunter2-secret"})


def kept(ledger: Ledger) -> set[str]:
    state = ledger.streams.state("tickets", STREAM.key)
    assert state is not None
    return set(ledger.streams.record_ids(state.id))


def test_a_pull_that_brings_fewer_rows_than_were_announced_is_partial_and_begins_anew(
    ledger: Ledger, source: Scripted
) -> None:
    source.whole = [Page([record("a"), record("b")], cursor={"mark": 1}, expected=2000)]
    (outcome,) = pull(ledger, source)
    assert (outcome.quality, outcome.got, outcome.expected) == ("partial", 2, 2000)
    assert outcome.reason == "it announced 2,000 rows and gave 2; it is pulled anew"

    source.whole = [Page([record(str(number)) for number in range(2000)], cursor={"mark": 2}, expected=2000)]
    (outcome,) = pull(ledger, source)
    assert outcome.quality == "complete"
    assert source.cursors == [None, None]


def test_what_a_census_lists_and_no_pull_brought_is_pulled_anew(ledger: Ledger, source: Scripted) -> None:
    """An issue that comes to match by time alone bumps no row."""
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    pull(ledger, source)
    source.there = [Page(present=frozenset({"a"})), Page(present=frozenset({"b"}))]
    source.whole = [Page([record("a"), record("b")], cursor={"mark": 1})]

    (outcome,) = pull(ledger, source, reconcile=True)

    assert outcome.quality == "complete"
    assert source.cursors == [None, {"mark": 1}, None]
    assert kept(ledger) == {"a", "b"}


def test_what_is_new_since_the_census_is_not_taken_for_missed(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    pull(ledger, source)
    source.there = [Page(present=frozenset({"a", "b"}))]
    source.new = [Page([record("b"), record("c")], cursor={"mark": 2})]

    (outcome,) = pull(ledger, source, reconcile=True)

    assert outcome.quality == "complete"
    assert source.cursors == [None, {"mark": 1}]
    assert kept(ledger) == {"a", "b", "c"}


def test_what_is_listed_and_never_given_is_no_complete_pull(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    pull(ledger, source)
    source.there = [Page(present=frozenset({"a", "b"}))]
    (outcome,) = pull(ledger, source, reconcile=True)
    assert outcome.quality == "partial"
    assert outcome.reason == "it lists 1 of 2 records that it does not give"


def test_rows_that_come_with_a_census_are_stored_and_what_it_lacks_is_ended(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a", label=["old"]), record("b")], cursor={"mark": 1})]
    pull(ledger, source)
    source.there = [Page([record("a", label=["renamed"])], present=frozenset({"a"}))]

    (outcome,) = pull(ledger, source, reconcile=True)

    assert kept(ledger) == {"a"}
    assert outcome.changed == 2
    with ledger.engine.connect() as connection:
        fields = connection.exec_driver_sql("SELECT fields FROM records WHERE until IS NULL").scalars().all()
    assert fields == ['{"label":["renamed"]}']


def test_a_source_that_asks_for_an_hour_is_not_asked_before_by_the_patient(ledger: Ledger, source: Scripted) -> None:
    source.error = RetryLater("rate limit (HTTP 429)", 3600)
    (outcome,) = pull(ledger, source)
    assert outcome.quality == "partial"
    assert outcome.retry_at is not None

    (outcome,) = pull(ledger, source, patient=True)
    assert outcome.quality == "partial"
    assert outcome.reason == "rate limit (HTTP 429); it asks to come back in 60 min"
    assert outcome.retry_at is not None
    assert len(source.cursors) == 1  # not asked

    source.error = None
    (outcome,) = pull(ledger, source)  # somebody typed `syncd sync`
    assert (outcome.quality, outcome.retry_at) == ("complete", None)


def test_streams_that_go_on_come_before_those_that_begin(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    pull(ledger, source, Stream("known", "records"))
    source.asked.clear()
    pull(ledger, source, Stream("new", "records"), Stream("known", "records"), Stream("newer", "records"))
    assert source.asked == ["known", "new", "newer"]


def test_a_census_whose_pull_breaks_off_is_due_again(ledger: Ledger, source: Scripted) -> None:
    """Else what it listed and nobody brought would be missed until the next one."""
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


def test_a_census_is_due_by_itself_however_often_it_is_pulled(ledger: Ledger, source: Scripted) -> None:
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
def test_what_left_since_the_first_pull_broke_off_is_found(
    ledger: Ledger, source: Scripted, cursor: Mapping[str, Json] | None, later: timedelta, asked: bool
) -> None:
    """No pull of it ever was complete, and yet it holds rows."""
    source.whole = [Page([record("a"), record("b")], cursor=cursor)]
    source.error = RetryLater("HTTP 503")
    pull(ledger, source)
    source.error = None
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    source.there = [Page(present=frozenset({"a"}))]
    (outcome,) = pull(ledger, source, now=NOW + later, reconcile=asked)
    assert outcome.quality == "complete"
    assert kept(ledger) == {"a"}


@pytest.mark.parametrize(("later", "asked"), [(timedelta(0), True), (timedelta(days=1), False)])
def test_a_connection_that_names_no_reconcile_is_reconciled_too(
    ledger: Ledger, source: Scripted, later: timedelta, asked: bool
) -> None:
    """Whenever somebody asks for it, and once a day."""
    forgetful = Connection(
        "tickets", "any", Connector, ConnectionSettings(type="any"), (), parse_document("", "syncd.yaml")
    )
    source.whole = [Page([record("a"), record("b")], cursor={"mark": 1})]
    source.there = [Page(present=frozenset({"a"}))]
    pull(ledger, source, connection=forgetful)
    pull(ledger, source, connection=forgetful, now=NOW + timedelta(hours=23))
    assert kept(ledger) == {"a", "b"}
    pull(ledger, source, connection=forgetful, now=NOW + later, reconcile=asked)
    assert kept(ledger) == {"a"}


def test_nothing_can_have_left_a_stream_that_is_new(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    pull(ledger, source, reconcile=True)
    assert source.censuses == 0


def test_an_empty_stream_is_looked_at_too(ledger: Ledger, source: Scripted) -> None:
    """Its first issue may come to match by time alone."""
    source.whole = [Page(cursor={"mark": None})]
    pull(ledger, source)
    source.whole = [Page([record("a")], cursor={"mark": 1})]
    source.there = [Page(present=frozenset({"a"}))]
    pull(ledger, source, now=NOW + HOUR)
    assert kept(ledger) == {"a"}


def test_a_row_that_is_met_twice_is_got_once(ledger: Ledger, source: Scripted) -> None:
    source.whole = [Page([record("a")], cursor={"mark": 1}), Page([record("a")], cursor={"mark": 1}, expected=2)]
    (outcome,) = pull(ledger, source)
    assert (outcome.quality, outcome.got) == ("partial", 1)


def test_a_connectors_bug_fails_its_stream_and_the_log_has_it_without_what_is_secret(
    ledger: Ledger, source: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    source.error = ZeroDivisionError("https://hunter2-secret@example.org divides by zero")
    (outcome,) = pull(ledger, source)
    assert (outcome.quality, outcome.reason) == (
        "failed",
        "internal error in the connector: ZeroDivisionError (see the log)",
    )
    assert "ZeroDivisionError: https://***@example.org" in caplog.text
    assert "hunter2" not in caplog.text
