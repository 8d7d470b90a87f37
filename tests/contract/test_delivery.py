"""Deliveries under every accident, in process: faults before and after a write's effect, kills, people who edit.

The board stands for any target. It is no vendor's: what is tried here is what syncd does with one, on a real ledger.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from examples import examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from opened import retry_stuck

from syncd.config.publications import Publication
from syncd.explain.deliveries import newest_deliveries
from syncd.ledger import Delivery, Ledger, LedgerError, LedgerFailed, NewDelivery, open_ledger
from syncd.ledger.identity import note_put_back
from syncd.ledger.outbox import IN_DOUBT, merged, post
from syncd.publishing.delivery import GIVES_UP, Delivered, due_runs
from syncd.publishing.overwriting import header_mark, moved, period_mark
from syncd.publishing.statements import as_json
from syncd.sdk import (
    ConfigError,
    Content,
    Publisher,
    PublishKeys,
    RetryLater,
    RetryPolicy,
    Scalar,
    SourceBroken,
    Statement,
    Summary,
    Unsure,
    Written,
)
from syncd.sdk.testing import statement as complete
from syncd.status.unwritten import trouble_document, troubles

pytestmark = pytest.mark.nightly_with("postgresql")

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
KEY_RESULTS = ("calls", "articles", "nps")
PLACES = ("value", "health")


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Board:
    """A target in memory. `script` says what befalls each request in turn: nothing once it is used up."""

    together: bool = True
    appends: bool = False
    stands: dict[tuple[str, str], Scalar] = field(default_factory=dict)
    by_person: set[tuple[str, str]] = field(default_factory=set)
    ours: dict[tuple[str, str], set[Scalar]] = field(default_factory=dict)
    arrived: list[tuple[str, Scalar | None]] = field(default_factory=list)
    script: list[Any] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    meanwhile: Callable[[str], None] = lambda what: None

    def content(self, said: Statement | Summary) -> Content:
        assert isinstance(said, Statement)
        return said.content(PLACES)

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Written]:
        self._strike("read")
        return {
            name: Written({place: self.stands.get((name, place)) for place in places})
            if name not in self.absent
            else Written(absent=f"there is no row for {name}")
            for name, places in wanted.items()
        }

    def write(self, contents: Mapping[str, Content]) -> None:
        accident = self._strike("write")
        for name, places in contents.items():
            if self.appends:
                self.arrived.append((name, places.get("value")))
            for place, value in places.items():
                at = name, place
                if at in self.by_person and not self.appends:
                    assert self.stands.get(at) in {None, *self.ours.get(at, ())}, "a person's words were written over"
                self.by_person.discard(at)
                if value is None:
                    self.stands.pop(at, None)
                else:
                    self.stands[at] = value
                    self.ours.setdefault(at, set()).add(value)
        if accident is not None:
            raise accident

    def close(self) -> None:
        """Nothing is held."""

    def person(self, name: str, place: str, value: Scalar | None) -> None:
        """Somebody types into it."""
        self.by_person.add((name, place))
        if value is None:
            self.stands.pop((name, place), None)
        else:
            self.stands[(name, place)] = value

    def _strike(self, what: str) -> BaseException | None:
        """Raises what befalls a request before its effect; returns what befalls it after."""
        self.requests.append(what)
        self.meanwhile(what)
        when, error = self.script.pop(0) if self.script else (None, None)
        if when == "before" or (when == "after" and what == "read"):
            raise error
        return error


class Keys(PublishKeys):
    def target(self, key_result: str) -> str:
        return f"row of {key_result}"


@dataclass
class Desk:
    """The engine over a board: what is stated goes through a real outbox."""

    ledger: Ledger
    board: Board
    override: bool = False
    now: datetime = NOW
    slept: list[float] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    unopened: Exception | None = None
    named: tuple[str, ...] = (*KEY_RESULTS, *(f"kr-{number}" for number in range(10)))

    def state(self, name: str, value: float | None, health: str = "on_track", period: str = "2026-Q4") -> None:
        digest = f"{value} {health} {period}"
        newest = self.ledger.outbox.newest().get(("board", f"row of {name}"))
        if newest is not None and newest.digest == digest:
            return
        packed = as_json(replace(statement(name, value, health), period=period))
        one = NewDelivery("board", f"row of {name}", period, name, digest, packed)
        with self.ledger.engine.begin() as connection:
            post(connection, 1, self.now, [one])

    def deliver(self, *, patient: bool = False, attempts: int = 3) -> list[Delivered]:
        def opened(*_: Any) -> Publisher:
            if self.unopened is not None:
                raise self.unopened
            return self.board

        connection = SimpleNamespace(
            name="board", publisher=opened, without_secrets=lambda text: text.replace("hunter2-secret", "***")
        )
        publication = Publication(connection, Keys(), self.override, ())  # type: ignore[arg-type]
        named = [SimpleNamespace(id=name) for name in self.named]
        okrs = SimpleNamespace(key_results=named, period=SimpleNamespace(id="2026-Q4", span=()))
        config = SimpleNamespace(
            publications=(publication,), periods=[okrs], zone=ZoneInfo("Europe/Berlin"), path=Path("syncd.yaml")
        )
        retry = RetryPolicy(attempts=attempts, sleep=self.slept.append)
        runs = due_runs(
            config,  # type: ignore[arg-type]
            self.ledger,
            lambda: self.now,
            retry=retry,
            patient=patient,
            stopping=self.stopping,
        )
        return [outcome for run in runs.get("board", ()) for outcome in run.deliver()]

    def newest(self, name: str) -> Delivery:
        return self.ledger.outbox.newest()[("board", f"row of {name}")]


def statement(name: str, value: float | None, health: str = "on_track") -> Statement:
    return complete(name, value=value, health=health, updated=NOW)


@pytest.fixture
def ledger(ledger: Ledger) -> Ledger:
    ledger.cycles.begin(NOW)
    return ledger


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger, Board())


def test_what_is_stated_is_written_once_and_what_stands_there_already_is_not(desk: Desk) -> None:
    desk.state("calls", 12)
    (done,) = desk.deliver()
    assert (done.state, done.wrote) == ("delivered", True)
    assert desk.board.stands == {("calls", "value"): 12, ("calls", "health"): "on_track"}
    assert desk.deliver() == []
    desk.state("calls", 13)
    desk.board.stands[("calls", "value")] = 13.0
    (done,) = desk.deliver()
    assert (done.state, done.wrote) == ("delivered", False)
    assert desk.board.requests == ["read", "write", "read"]


def test_a_number_that_is_not_known_leaves_the_one_that_stands_there(desk: Desk) -> None:
    desk.state("calls", 12)
    desk.deliver()
    desk.state("calls", None, "unknown")
    desk.deliver()
    assert desk.board.stands == {("calls", "value"): 12, ("calls", "health"): "unknown"}


def test_unknown_number_of_a_new_period_empties_the_place_of_the_old_number(desk: Desk) -> None:
    """Else the last quarter's number would stand beside the new quarter's target."""
    desk.state("calls", 12)
    desk.deliver()
    desk.state("calls", None, "unknown", period="2027-Q1")
    desk.deliver()
    assert desk.board.stands == {("calls", "health"): "unknown"}
    desk.state("calls", 3, period="2027-Q1")
    desk.deliver()
    desk.state("calls", None, "unknown", period="2027-Q1")
    desk.deliver()
    assert desk.board.stands == {("calls", "value"): 3, ("calls", "health"): "unknown"}, "it stays within its period"


@pytest.mark.parametrize("when", ["before", "after"])
def test_old_number_is_emptied_though_syncd_was_killed_as_it_wrote(desk: Desk, when: str) -> None:
    desk.state("calls", 12)
    desk.deliver()
    desk.state("calls", None, "unknown", period="2027-Q1")
    desk.board.script = [(None, None), (when, Killed())]
    with suppress(Killed):
        desk.deliver()
    desk.deliver()
    assert desk.board.stands == {("calls", "health"): "unknown"}


def test_of_periods_and_headers_that_a_restore_joined_the_newest_counts(desk: Desk) -> None:
    """The marks of both ledgers are joined, but what a place shows is of a single period."""
    desk.state("calls", 1.0)
    desk.deliver()
    place = desk.newest("calls").place
    marks = desk.ledger.outbox.marks([place])[place]
    desk.ledger.outbox.note({place: merged({period_mark("value"): ["2026-Q3"]}, marks)})
    desk.state("calls", None, "unknown")
    desk.deliver()
    assert desk.board.stands["calls", "value"] == 1.0

    below = Written(above={"value in E": "Value"}, headers={"Value": "column E", "Score": "column D"})
    assert moved(below, {"value in E": 1}, {header_mark("value in E"): ["Score", "Value"]}) is None
    assert moved(below, {"value in E": 1}, {header_mark("value in E"): ["Value", "Score"]}) is not None


def test_number_that_a_person_wrote_is_left_alone_in_a_new_period_and_named(desk: Desk) -> None:
    desk.state("calls", 12)
    desk.deliver()
    desk.board.person("calls", "value", 13)
    desk.state("calls", None, "unknown", period="2027-Q1")
    (refused,) = desk.deliver()
    assert "value holds 13, which syncd did not write" in (refused.reason or "")
    assert desk.board.stands == {("calls", "value"): 13, ("calls", "health"): "unknown"}
    desk.state("calls", None, "at_risk", period="2027-Q1")
    desk.deliver()
    desk.board.stands[("calls", "value")] = 12
    desk.board.by_person.clear()
    desk.state("calls", None, "off_track", period="2027-Q1")
    desk.deliver()
    assert desk.board.stands == {("calls", "health"): "off_track"}, "12 is of the last period, however late it is read"


def test_the_first_write_over_what_stands_there_is_refused_and_the_rest_is_written(desk: Desk) -> None:
    desk.board.person("calls", "value", 1100)
    desk.state("calls", 12)
    desk.state("nps", 40)
    refused, done = sorted(desk.deliver(), key=lambda one: one.state, reverse=True)
    assert (refused.delivery.key_result, refused.state, done.state) == ("calls", "refused", "delivered")
    assert "value holds 1,100, which syncd did not write; `syncd approve calls`" in (refused.reason or "")
    assert desk.board.stands[("calls", "value")] == 1100
    assert desk.board.stands[("calls", "health")] == "on_track"
    assert not refused.failed
    assert desk.deliver() == []


def test_the_command_that_allows_it_names_a_period_that_is_not_the_one_of_today(desk: Desk) -> None:
    desk.board.person("calls", "value", 1100)
    one = NewDelivery("board", "row of calls", "2026-Q3", "calls", "12", as_json(statement("calls", 12)))
    with desk.ledger.engine.begin() as connection:
        post(connection, 1, NOW, [one])
    (refused,) = desk.deliver()
    assert "`syncd approve calls --period 2026-Q3` writes over it" in (refused.reason or "")


def test_override_writes_over_it(desk: Desk) -> None:
    desk.override = True
    desk.board.person("calls", "value", 1100)
    desk.board.by_person.clear()
    desk.state("calls", 12)
    (done,) = desk.deliver()
    assert done.state == "delivered"
    assert desk.board.stands[("calls", "value")] == 12


def test_what_was_refused_is_looked_at_again_when_something_else_is_read_anyway(desk: Desk) -> None:
    desk.board.person("calls", "value", 1100)
    desk.state("calls", 12)
    desk.deliver()
    desk.board.person("calls", "value", None)
    desk.state("nps", 40)
    assert {one.state for one in desk.deliver()} == {"delivered"}
    assert desk.board.stands[("calls", "value")] == 12


def test_what_is_looked_at_again_and_is_as_it_was_is_told_once(desk: Desk) -> None:
    desk.board.absent = {"articles"}
    desk.board.person("calls", "value", 1100)
    desk.state("calls", 12)
    desk.state("articles", 12)
    assert {one.state for one in desk.deliver()} == {"absent", "refused"}
    desk.state("nps", 40)
    assert [(one.delivery.key_result, one.state) for one in desk.deliver()] == [("nps", "delivered")]
    retry_stuck(desk.ledger, desk.now)
    assert {one.state for one in desk.deliver()} == {"absent", "refused"}


def test_a_target_that_is_not_there_fails_nobody(desk: Desk) -> None:
    desk.board.absent = {"calls"}
    desk.state("calls", 12)
    desk.state("nps", 40)
    states = {one.delivery.key_result: one.state for one in desk.deliver()}
    assert states == {"calls": "absent", "nps": "delivered"}


def test_a_failure_that_may_pass_is_tried_again_and_reads_before_each_write(desk: Desk) -> None:
    desk.state("calls", 12)
    desk.board.script = [(None, None), ("after", RetryLater("the connection broke"))]
    (done,) = desk.deliver()
    assert (done.state, done.wrote) == ("delivered", False)
    assert desk.board.requests == ["read", "write", "read"], "it had taken effect, and was found out by reading"


def test_one_that_goes_on_waits_for_the_next_run_and_for_good_after_three_days(desk: Desk) -> None:
    desk.state("calls", 12)
    desk.board.script = [("before", RetryLater("HTTP 503"))] * 9
    (waits,) = desk.deliver()
    assert (waits.state, waits.reason, waits.failed) == ("waiting", "HTTP 503", True)
    desk.now += GIVES_UP
    (dead,) = desk.deliver()
    assert dead.state == "dead"
    assert desk.deliver() == []
    retry_stuck(desk.ledger, desk.now)
    desk.board.script = []
    (done,) = desk.deliver()
    assert done.state == "delivered"


def test_quota_whose_database_fails_is_no_failure_of_the_publisher(desk: Desk) -> None:
    """A worker's job then tries again soon, and not only in the next cycle of the schedule."""
    desk.state("calls", 1100)
    unreadable = RetryLater("what its quota leaves cannot be read")
    unreadable.__cause__ = LedgerError("the ledger failed")
    desk.board.script = [("before", unreadable)] * 9
    with pytest.raises(LedgerError, match="the ledger failed"):
        desk.deliver()
    assert (desk.newest("calls").state, desk.newest("calls").reason) == ("waiting", None)
    desk.board.script = []
    assert [each.state for each in desk.deliver()] == ["delivered"]


def test_a_later_time_that_is_asked_for_is_obeyed_by_the_patient_and_stops_the_rest(ledger: Ledger) -> None:
    desk = Desk(ledger, Board(together=False))
    for name in KEY_RESULTS:
        desk.state(name, 12)
    desk.board.script = [("before", RetryLater("rate limit", 3600))]
    assert {one.state for one in desk.deliver()} == {"waiting"}
    assert desk.board.requests == ["read"]
    assert desk.deliver(patient=True) == []
    desk.now += timedelta(hours=1)
    assert {one.state for one in desk.deliver(patient=True)} == {"delivered"}


@pytest.mark.parametrize("after", [0, 1, 60])
def test_a_short_wait_that_is_asked_for_makes_no_cycle_before_the_next(ledger: Ledger, after: float) -> None:
    """The service would begin a cycle after each of them, without an end."""
    desk = Desk(ledger, Board(together=False))
    desk.state("calls", 12)
    desk.board.script = [("before", RetryLater("rate limit", after))] * 9
    (waits,) = desk.deliver()
    assert (waits.state, waits.retry_at) == ("waiting", None)


def test_a_server_that_is_down_costs_two_targets_patience_and_not_one_for_each(ledger: Ledger) -> None:
    desk = Desk(ledger, Board(together=False))
    for number in range(10):
        desk.state(f"kr-{number}", 12)
    desk.board.script = [("before", RetryLater("it did not answer in time"))] * 99
    assert {one.state for one in desk.deliver()} == {"waiting"}
    assert len(desk.board.requests) == 3 + 1


def test_what_fails_for_good_is_dead_until_somebody_says_so_or_a_newer_value_comes(ledger: Ledger) -> None:
    desk = Desk(ledger, Board(together=False))
    desk.state("calls", 12)
    desk.state("nps", 40)
    desk.board.script = [("before", SourceBroken("the credentials hunter2-secret were refused"))]
    states = {one.delivery.key_result: (one.state, one.reason) for one in desk.deliver()}
    assert states == {"calls": ("dead", "the credentials *** were refused"), "nps": ("delivered", None)}
    assert desk.deliver() == []
    desk.state("calls", 13)
    assert [one.state for one in desk.deliver()] == ["delivered"]


def test_only_the_newest_of_several_that_wait_is_written(desk: Desk) -> None:
    desk.state("calls", 12)
    desk.state("calls", 13)
    assert len(desk.deliver()) == 1
    assert desk.board.stands[("calls", "value")] == 13
    assert [one.state for one in desk.ledger.outbox.of("2026-Q4", "calls")] == ["superseded", "delivered"]


def test_where_nothing_can_be_read_back_doubt_is_shown_and_never_sent_again_by_itself(ledger: Ledger) -> None:
    desk = Desk(ledger, Board(together=False, appends=True))
    desk.state("calls", 12)
    desk.board.script = [("after", Unsure("it did not answer in time"))]
    (unsure,) = desk.deliver()
    assert (unsure.state, unsure.failed) == ("unsure", True)
    assert desk.deliver() == []
    assert desk.board.arrived == [("calls", 12)]
    retry_stuck(desk.ledger, desk.now, "calls")
    desk.deliver()
    assert desk.board.arrived == [("calls", 12), ("calls", 12)]


def test_killed_while_it_was_sent_it_is_unsure_and_while_it_waited_it_is_not(ledger: Ledger) -> None:
    desk = Desk(ledger, Board(together=False, appends=True))
    desk.state("calls", 12)
    desk.board.script = [("after", Killed())]
    with suppress(Killed):
        desk.deliver()
    (unsure,) = desk.deliver()
    assert (unsure.state, unsure.reason) == ("unsure", IN_DOUBT)
    desk.state("nps", 40)
    desk.board.script = [("before", RetryLater("HTTP 429", 5)), ("before", Killed())]
    with suppress(Killed):
        desk.deliver()
    assert desk.newest("nps").state == "sending"


@pytest.mark.parametrize("appends", [True, False])
def test_people_see_the_same_deliveries_after_an_import(ledger: Ledger, appends: bool) -> None:
    """All open deliveries are then in doubt, and nothing is sent twice; but nothing has changed for who reads."""
    desk = Desk(ledger, Board(together=False, appends=appends))
    desk.state("calls", 12)
    desk.board.script = [("before", RetryLater("HTTP 429", 300))]
    desk.deliver()
    desk.state("nps", 40)
    snapshot: Any = SimpleNamespace(okrs=SimpleNamespace(period=SimpleNamespace(id="2026-Q4")), cycle=1, past=False)

    def seen() -> object:
        deliveries = [newest_deliveries(snapshot, ledger, name) for name in ("calls", "nps")]
        return deliveries, [trouble_document(trouble) for trouble in troubles(ledger)]

    before = seen()
    with ledger.engine.begin() as connection:
        note_put_back(connection)
    assert {desk.newest(name).state for name in ("calls", "nps")} == {"sending"}
    assert seen() == before
    (trouble,) = troubles(ledger)
    assert (trouble.state, trouble.key_results) == ("waiting", ["calls"])
    desk.deliver()
    assert desk.board.arrived == []
    assert {each.state for each in troubles(ledger)} == ({"unsure"} if appends else set())


def test_killed_between_a_write_and_its_record_it_knows_its_own_words_again(desk: Desk) -> None:
    desk.state("calls", 12)
    desk.board.script = [(None, None), ("after", Killed())]
    with suppress(Killed):
        desk.deliver()
    desk.state("calls", 13)
    (done,) = desk.deliver()
    assert (done.state, desk.board.stands[("calls", "value")]) == ("delivered", 13)


def test_killed_among_many_targets_each_is_written_once(ledger: Ledger) -> None:
    desk = Desk(ledger, Board(together=False))
    for number, name in enumerate(KEY_RESULTS):
        desk.state(name, number)
    desk.board.script = [(None, None)] * 3 + [("after", Killed())]
    with suppress(Killed):
        desk.deliver()
    assert [desk.newest(name).state for name in KEY_RESULTS] == ["sending"] * 3  # they may all have left
    assert [outcome.state for outcome in desk.deliver()] == ["delivered"] * 3
    assert [desk.board.stands[name, "value"] for name in KEY_RESULTS] == [0, 1, 2]
    assert desk.board.requests.count("write") == 3


def test_stop_among_many_targets_leaves_those_that_were_not_tried_as_they_were(ledger: Ledger) -> None:
    desk = Desk(ledger, Board(together=False))
    for number, name in enumerate(KEY_RESULTS):
        desk.state(name, number)
    during(desk, "write", desk.stopping.set)
    assert [outcome.state for outcome in desk.deliver()] == ["delivered"]
    assert [desk.newest(name).state for name in KEY_RESULTS] == ["delivered", "waiting", "waiting"]


def test_an_entry_that_is_taken_out_of_publish_takes_its_deliveries_along(desk: Desk) -> None:
    desk.state("calls", 12)
    with desk.ledger.engine.begin() as connection:
        gone = NewDelivery("elsewhere", "row of calls", "2026-Q4", "calls", "1", as_json(statement("calls", 12)))
        post(connection, 1, NOW, [gone])
    desk.deliver()
    assert desk.ledger.outbox.newest()[("elsewhere", "row of calls")].state == "superseded"


def test_what_was_refused_stays_so_however_long_ago_where_the_next_look_fails(desk: Desk) -> None:
    desk.board.person("calls", "value", 1100)
    desk.board.absent = {"articles"}
    desk.state("calls", 12)
    desk.state("articles", 3)
    desk.deliver()
    desk.now += 2 * GIVES_UP
    for error in (RetryLater("HTTP 503"), SourceBroken("the column is gone")):
        desk.state("nps", 40 if isinstance(error, RetryLater) else 41)
        desk.board.script = [("before", error)]
        assert {one.delivery.key_result for one in desk.deliver(attempts=1)} == {"nps"}
    assert (desk.newest("calls").state, desk.newest("articles").state) == ("refused", "absent")
    assert desk.newest("calls").left_alone == {"value": 1100}


def test_what_waited_for_long_before_its_first_try_has_its_three_days_from_there(desk: Desk) -> None:
    desk.state("calls", 12)
    desk.now += 2 * GIVES_UP
    desk.board.script = [("before", RetryLater("HTTP 503"))]
    assert [one.state for one in desk.deliver(attempts=1)] == ["waiting"]


def test_what_was_being_sent_is_unsure_though_its_publisher_cannot_be_opened_meanwhile(ledger: Ledger) -> None:
    desk = Desk(ledger, Board(together=False, appends=True))
    desk.state("calls", 12)
    desk.board.script = [("after", Killed())]
    with suppress(Killed):
        desk.deliver()
    desk.unopened = ConfigError("TOKEN is not set")
    assert [(one.state, one.failed) for one in desk.deliver()] == [("waiting", True)]
    desk.unopened = None
    assert [one.state for one in desk.deliver()] == ["unsure"]
    assert desk.board.arrived == [("calls", 12)]


def test_a_publisher_that_breaks_as_it_is_opened_leaves_its_deliveries_waiting(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("syncd"), "propagate", True)
    desk.state("calls", 12)
    desk.unopened = ValueError("hunter2-secret is no key")
    (waits,) = desk.deliver()
    assert (waits.state, waits.reason) == ("waiting", "internal error in the connector: ValueError (see the log)")
    assert "ValueError: *** is no key" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_ledger_that_fails_is_no_failure_of_the_publisher(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.state("calls", 12)

    def fails(*_: Any) -> None:
        raise LedgerFailed("the ledger failed: disk full")

    with monkeypatch.context() as patched:
        patched.setattr(desk.ledger.outbox, "note", fails)
        with pytest.raises(LedgerFailed):
            desk.deliver()
    assert desk.newest("calls").state == "waiting"
    assert [one.state for one in desk.deliver()] == ["delivered"]


def test_a_stop_ends_the_tries(desk: Desk) -> None:
    desk.state("calls", 12)
    desk.board.script = [("before", RetryLater("HTTP 503"))] * 9
    desk.stopping.set()
    assert desk.deliver() == []
    desk.stopping.clear()
    desk.slept = Stopping(desk.stopping)
    assert desk.deliver() == []
    assert desk.board.requests == ["read"]


class Stopping(list[float]):
    """A wait within which somebody stops syncd."""

    def __init__(self, event: threading.Event) -> None:
        super().__init__()
        self._event = event

    def append(self, seconds: float) -> None:
        self._event.set()


def test_what_is_of_a_key_result_that_nobody_names_any_more_is_given_up(desk: Desk) -> None:
    desk.board.person("calls", "value", 1100)
    desk.state("calls", 12)
    desk.deliver()
    desk.named = ("nps",)
    assert desk.deliver() == []
    assert desk.newest("calls").state == "superseded"


def test_what_may_have_arrived_stays_so_while_its_entry_is_away(ledger: Ledger) -> None:
    """Given up, it would be sent a second time once the entry is put back."""
    desk = Desk(ledger, Board(together=False, appends=True))
    desk.state("calls", 12)
    desk.state("nps", 40)
    desk.board.script = [("after", Unsure("it did not answer in time")), ("after", Killed())]
    with suppress(Killed):
        desk.deliver()
    named, desk.named = desk.named, ()
    desk.deliver()
    desk.named = named
    desk.deliver()
    assert {desk.newest("calls").state, desk.newest("nps").state} == {"unsure"}
    assert desk.board.arrived == [("calls", 12), ("nps", 40)]


def test_of_a_whole_period_only_the_newest_delivery_is_kept(ledger: Ledger) -> None:
    """Each holds the whole document: one for each change would fill the disk."""
    for number in range(3):
        one = NewDelivery("local", "okrs.json", "2026-Q4", "", str(number), {"document": {}, "statements": []})
        with ledger.engine.begin() as connection:
            post(connection, 1, NOW, [one])
    assert [one.digest for one in ledger.outbox.of("2026-Q4", "")] == ["2"]


well = (None, None)
errors = st.sampled_from([Killed(), RetryLater("ill"), RetryLater("later", 5), SourceBroken("no")])
accident = st.tuples(st.sampled_from(["after", "before"]), errors)
accidents = st.lists(st.just(well) | accident, max_size=6)
names = st.sampled_from(KEY_RESULTS[:2])
numbers = st.sampled_from([0.0, 1.0, 2.5, None])


class Stories(RuleBasedStateMachine):
    """Anything may happen in any order; nobody's words are lost, and in the end all that may be written stands."""

    def __init__(self) -> None:
        super().__init__()
        opened = open_ledger("sqlite:///:memory:")
        assert opened is not None
        self.desk = Desk(opened, Board())
        self.desk.ledger.cycles.begin(NOW)
        self.said: set[str] = set()

    @initialize(together=st.booleans())
    def one_or_all(self, together: bool) -> None:
        self.desk.board = replace(self.desk.board, together=together)

    @rule(name=names, value=numbers, health=st.sampled_from(["on_track", "at_risk"]))
    def state(self, name: str, value: float | None, health: str) -> None:
        self.desk.state(name, value, health)
        self.said.add(name)
        for place, stated in zip(PLACES, (value, health), strict=False):
            # Who types the very value that syncd states cannot be told from syncd.
            if stated is not None:
                self.desk.board.ours.setdefault((name, place), set()).add(stated)

    @rule(script=accidents)
    def deliver(self, script: list[Any]) -> None:
        self.desk.board.script = list(script)
        with suppress(Killed):
            self.desk.deliver()

    @rule(name=names, place=st.sampled_from(PLACES), value=st.sampled_from([None, 7.0, "mine", 1.0]))
    def person(self, name: str, place: str, value: Scalar | None) -> None:
        self.desk.board.person(name, place, value)

    @rule(error=errors, when=st.sampled_from(["after", "before"]))
    def deliver_and_fail_to_write(self, error: BaseException, when: str) -> None:
        self.deliver([well, (when, error)])

    @invariant()
    def at_most_one_delivery_of_a_target_is_open(self) -> None:
        for name in self.said:
            found = self.desk.ledger.outbox.of("2026-Q4", name)
            assert all(one.state in ("delivered", "superseded") for one in found[:-1])

    def teardown(self) -> None:
        """In the end all that may be written stands: what somebody typed after it was written is their affair."""
        self.desk.board.script = []
        retry_stuck(self.desk.ledger, self.desk.now)
        stated = {name: newest for name in self.said if (newest := self.desk.newest(name)).state != "delivered"}
        self.desk.deliver()
        for name, newest in stated.items():
            for place in PLACES:
                value = newest.statement[place]
                if value is not None and (name, place) not in self.desk.board.by_person:
                    assert self.desk.board.stands.get((name, place)) == value
        self.desk.ledger.close()


TestStories = Stories.TestCase
TestStories.settings = settings(max_examples=examples(12, nightly=500), stateful_step_count=20)


# -- what a cycle or a person does meanwhile


def during(desk: Desk, request: str, act: Callable[[], object]) -> None:
    """Does something while the board takes its next request of this kind, once."""

    def meanwhile(what: str) -> None:
        if what == request:
            desk.board.meanwhile = lambda what: None
            act()

    desk.board.meanwhile = meanwhile


def _new(name: str, number: float) -> NewDelivery:
    packed = as_json(statement(name, number))
    return NewDelivery("board", f"row of {name}", "2026-Q4", name, f"{number}", packed)


def test_statement_that_is_superseded_before_it_is_sent_is_not_sent(desk: Desk) -> None:
    desk.state("calls", 1092)
    desk.state("nps", 30)

    def state_anew() -> None:
        with desk.ledger.engine.begin() as connection:
            post(connection, 1, NOW, [_new(name, number) for name, number in (("calls", 700), ("nps", 31))])

    during(desk, "read", state_anew)
    assert desk.deliver() == []
    assert desk.board.stands == {}
    done, _ = desk.deliver()
    assert (done.state, desk.board.stands["calls", "value"]) == ("delivered", 700)


@pytest.mark.parametrize("appends", [False, True])
def test_statement_that_is_superseded_while_it_is_sent_was_delivered(desk: Desk, appends: bool) -> None:
    desk.board.appends = appends
    desk.state("calls", 1092)
    during(desk, "write", lambda: desk.state("calls", 700))
    (first,) = desk.deliver()
    assert (first.state, desk.newest("calls").state) == ("delivered", "waiting")
    (second,) = desk.deliver()
    assert second.state == "delivered"
    assert [delivery.state for delivery in desk.ledger.outbox.of("2026-Q4", "calls")] == ["delivered", "delivered"]
    assert [value for _, value in desk.board.arrived] == ([1092, 700] if appends else [])


def test_statement_that_fails_after_it_was_superseded_does_not_come_back(desk: Desk) -> None:
    desk.state("calls", 1092)
    desk.board.script = [(None, None), ("before", SourceBroken("no such row"))]
    during(desk, "write", lambda: desk.state("calls", 700))
    desk.deliver()
    assert [delivery.state for delivery in desk.ledger.outbox.of("2026-Q4", "calls")] == ["superseded", "waiting"]


@pytest.mark.sampled(1)
def test_refusal_that_a_person_lifts_while_it_is_compared_again_stays_lifted(desk: Desk) -> None:
    desk.board.person("calls", "value", 5.0)
    desk.state("calls", 1092)
    (refused,) = desk.deliver()
    desk.state("articles", 33)  # it is compared again together with what is due
    desk.board.person("calls", "value", 6.0)
    during(desk, "read", lambda: desk.ledger.outbox.again([refused.delivery.id], NOW))
    desk.deliver()
    assert desk.newest("calls").state == "waiting"
