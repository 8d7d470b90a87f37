"""Check-ins on their way beside the cycles: a publisher has one thread, and a ledger one process that delivers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from check_in_api import CheckInApi, Taken, check_in_api
from csv_project import CsvProject
from no_thread import no_thread_begins
from opened import create_ledger
from service_thread import cycle, serving
from waiting import HANG, wait_for

from syncd.config import load_config
from syncd.cycle.model import CycleRequest
from syncd.cycle.outgoing import Outcomes, Outgoing, deliver
from syncd.ledger import Delivering, Ledger, LedgerError, NewDelivery, delivery_lock
from syncd.ledger.outbox import post
from syncd.publishing.statements import as_json
from syncd.sdk import RetryPolicy
from syncd.sdk.testing import statement
from syncd.service import Service

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: support
    title: Customers find answers without calling us
    key_results:
      - {id: calls, title: Fewer calls, kind: outcome, baseline: 10, target: 5}
      - {id: nps, title: A higher score, kind: outcome, baseline: 10, target: 50}
"""


class Office:
    """A ledger, a publisher that answers once `answers` is set, and one that answers at once."""

    def __init__(self, folder: Path, ledger: Ledger, slow: CheckInApi, quick: CheckInApi) -> None:
        self.answers = threading.Event()
        self.ledger, self.slow, self.quick = ledger, slow, quick
        self.outcomes: list[Outcomes] = []
        slow.answers = self._wait
        (folder / "okrs.yaml").write_text(MAPPING)
        path = folder / "syncd.yaml"
        path.write_text(
            "mappings: okrs.yaml\nconnections:\n"
            f'  slow: {{type: http, url: "{slow.url}"}}\n  quick: {{type: http, url: "{quick.url}"}}\n'
            'publish:\n  - {to: slow, method: POST, path: "/{{ key_result }}", body: {value: "{{ value }}"}}\n'
            '  - {to: quick, method: POST, path: "/{{ key_result }}", body: {value: "{{ value }}"}}\n'
        )
        self.request = CycleRequest(load_config(path), ledger, lambda: NOW, RetryPolicy())
        self.outgoing = Outgoing(lambda _, outcomes: self.outcomes.append(outcomes))

    def _wait(self, _: Taken) -> None:
        self.answers.wait()

    def state(self, key_result: str, value: float) -> None:
        """A cycle states a value for both publishers."""
        packed = as_json(statement(key_result, value=value, updated=NOW))
        targets = {entry.connection.name: entry.targets([key_result]) for entry in self.request.config.publications}
        new = [
            NewDelivery(name, places[key_result], "2026-Q4", key_result, f"{value}", packed)
            for name, places in targets.items()
        ]
        with self.ledger.engine.begin() as connection:
            post(connection, 1, NOW, new)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with (
        check_in_api() as slow,
        check_in_api() as quick,
        closing(create_ledger(f"sqlite:///{tmp_path}/ledger.db")) as ledger,
    ):
        ledger.cycles.begin(NOW)
        office = Office(tmp_path, ledger, slow, quick)
        office.state("calls", 9)
        yield office
        office.answers.set()
        office.outgoing.join(60)


def test_slow_publisher_gets_one_thread_and_holds_up_no_other(office: Office) -> None:
    office.outgoing.start(office.request)
    wait_for(lambda: office.quick.added and office.slow.requests)
    office.state("nps", 30)
    for _ in range(3):
        office.outgoing.start(office.request)
    wait_for(lambda: len(office.quick.added) == 2 and list(office.outgoing.hanging) == ["slow"])
    assert office.slow.requests == 1
    office.answers.set()
    wait_for(lambda: [taken.target for taken in office.slow.added] == ["/calls", "/nps"])  # without another start
    assert office.outgoing.join(60) == []


def test_nobody_else_delivers_meanwhile(office: Office) -> None:
    office.outgoing.start(office.request)
    wait_for(lambda: office.slow.requests)
    other = Outgoing(lambda *_: None)
    with pytest.raises(Delivering, match="another syncd delivers from"):
        other.start(office.request)
    office.answers.set()
    assert office.outgoing.join(60) == []
    office.state("calls", 8)
    other.start(office.request)
    assert other.join(60) == []
    assert [taken.json()["value"] for taken in office.slow.added] == [9, 8]


def test_command_ends_although_a_publisher_does_not_answer(office: Office) -> None:
    outcomes = deliver(office.request, seconds=0.5)
    by_connection = {outcome.delivery.connection: outcome for outcome in outcomes.delivered}
    assert by_connection["quick"].state == "delivered"
    slow = by_connection["slow"]
    assert (slow.failed, slow.reason) == (True, "it has not answered for 0.5 s; the next sync goes on with it")


def test_error_in_a_thread_is_the_commands_error(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.answers.set()
    monkeypatch.setattr("syncd.publishing.delivery.PublisherRun.deliver", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        deliver(office.request)


def test_publisher_whose_thread_cannot_begin_is_served_by_a_later_cycle(office: Office) -> None:
    office.answers.set()
    with no_thread_begins("deliver-"), pytest.raises(RuntimeError):
        office.outgoing.start(office.request)
    assert office.outgoing.join(60) == []
    office.outgoing.start(office.request)
    wait_for(lambda: office.quick.added and office.slow.added)


def test_error_in_what_ends_a_delivery_leaves_the_next_free(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.answers.set()
    outgoing = Outgoing(lambda *_: 1 / 0)  # type: ignore[arg-type, return-value]
    outgoing.start(office.request)
    assert outgoing.join(60) == []
    assert "delivery broken" in caplog.text
    office.state("nps", 30)
    outgoing.start(office.request)
    wait_for(lambda: len(office.quick.added) == len(office.slow.added) == 2)
    assert outgoing.join(60) == []


def test_time_that_a_target_asked_for_outlasts_an_earlier_cycle(tmp_path: Path) -> None:
    """A page, an edit or a webhook starts a cycle before it. What is put off is not tried then, and is due all the same
    at that time, also where another process runs the next cycle.
    """
    with check_in_api() as api, _daily_project(tmp_path, api) as project:
        api.answers = lambda _: (503, "")
        outbox, later = project.ledger.outbox, project.now + timedelta(hours=1)
        with serving(project) as service:
            wait_for(lambda: [each.reason for each in outbox.in_state(["waiting"])] not in ([], [None]))
            outbox.end([each.id for each in outbox.in_state(["waiting"])], "waiting", "at rest", retry_at=later)
            cycle(service)
            assert service.job.send_again_at is not None
            by_system_clock = later + (datetime.now(UTC) - project.now)
            assert abs(service.job.send_again_at - by_system_clock) < timedelta(minutes=1)
            project.now = later
            cycle(service)
            assert service.job.send_again_at is None


def test_deliveries_that_could_not_be_tried_do_not_wait_for_the_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process delivers, or the ledger fails in a publisher's thread; the schedule is a day."""
    with check_in_api() as api, _daily_project(tmp_path, api) as project:
        job = Service(project.folder / "syncd.yaml", project.config, lambda: project.now, project.ledger).job

        def run() -> None:
            job.run()
            assert job.join(HANG) == []

        def is_sent_soon() -> bool:
            return job.send_again_at is not None and job.send_again_at - datetime.now(UTC) < timedelta(minutes=1)

        with delivery_lock(project.ledger.engine):
            run()
        assert is_sent_soon()
        with monkeypatch.context() as patch:
            patch.setattr("syncd.publishing.delivery.check_epoch", _raises(LedgerError("the ledger failed")))
            run()
        assert is_sent_soon()
        run()
        assert job.send_again_at is None
        assert api.put["/calls"].json() == {"value": 9}


@pytest.mark.parametrize("days", [-200, 0, 200])
def test_time_that_a_target_asked_for_is_kept_by_any_clock(tmp_path: Path, days: int) -> None:
    """The clock of a rehearsal may be long before or after the time of the system, by which cycles are due."""
    with check_in_api() as api, _daily_project(tmp_path, api) as project:
        api.answers, api.headers = lambda _: (429, ""), {"Retry-After": "3600"}
        project.now += timedelta(days=days)
        job = Service(project.folder / "syncd.yaml", project.config, lambda: project.now, project.ledger).job
        for _ in range(2):  # the second one does not try it
            due = job.run()
            assert job.join(HANG) == []
            assert job.send_again_at is not None
            assert 3500 < due.left(job.send_again_at) <= 3600
        assert api.requests == 1


@pytest.mark.parametrize("later", [None, timedelta(hours=1)])
def test_time_that_a_publisher_names_as_a_cycle_begins_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: timedelta | None
) -> None:
    """Its thread of an earlier cycle may end while the next cycle asks the ledger which deliveries wait."""
    with check_in_api() as api, _daily_project(tmp_path, api) as project:
        job = Service(project.folder / "syncd.yaml", project.config, lambda: project.now, project.ledger).job
        soon = datetime.now(UTC) + timedelta(minutes=5)

        def first_retry(*_: object) -> datetime | None:
            job._send_again(soon)
            return None if later is None else project.now + later

        monkeypatch.setattr("syncd.ledger.outbox.Outbox.first_retry", first_retry)
        job.run()
        assert job.join(HANG) == []
        assert job.send_again_at == soon


def test_publisher_whose_thread_cannot_begin_does_not_wait_for_the_schedule(tmp_path: Path) -> None:
    with check_in_api() as api, _daily_project(tmp_path, api) as project:
        job = Service(project.folder / "syncd.yaml", project.config, lambda: project.now, project.ledger).job
        with no_thread_begins("deliver-"):
            assert job.run().left() < 60
        assert job.run().left() > 60
        assert job.join(HANG) == []
        assert api.put["/calls"].json() == {"value": 9}


def test_cycle_whose_ledger_failed_does_not_wait_for_the_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with check_in_api() as api, _daily_project(tmp_path, api) as project:
        job = Service(project.folder / "syncd.yaml", project.config, lambda: project.now, project.ledger).job
        with monkeypatch.context() as patch:
            patch.setattr("syncd.service.job.run_cycle", _raises(LedgerError("the ledger failed")))
            assert job.run().left() < 60
        assert job.run().left() > 60
        assert job.join(HANG) == []


def _raises(error: Exception) -> Callable[..., None]:
    """A function that raises this error, whatever its arguments."""

    def fails(*_: object, **__: object) -> None:
        raise error

    return fails


@contextmanager
def _daily_project(folder: Path, api: CheckInApi) -> Iterator[CsvProject]:
    """A project with one measured key result, a publisher, and a schedule of one day."""
    body = '{value: "{{ value }}"}'
    settings = f'schedule: 1d\npublish: [{{to: okrs, method: PUT, path: "/{{{{ key_result }}}}", body: {body}}}]\n'
    connections = f'  local: {{type: files, root: .}}\n  okrs: {{type: http, url: "{api.url}"}}\n'
    measured = MAPPING.replace("target: 5}", "target: 5, measure: {from: local, file: calls.csv, cell: A1}}")
    measured = measured.replace("2026-Q4", "{start: 2020-01-01, end: 2099-12-31}")
    now = datetime.now(UTC)  # waits end by the machine's clock: after a time of the past they would not begin
    project = CsvProject(folder, measured, now, settings=settings, connections=connections)
    project.write("calls.csv", "9")
    with closing(project.ledger):
        yield project
