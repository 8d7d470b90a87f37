"""Requests of people: stored at once, done by the next cycle in their order, each exactly once, or refused and kept."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from csv_project import CsvProject
from service_thread import serving
from sqlalchemy import update
from waiting import wait_for

from syncd.cycle.approve import AnotherCandidate, NotHeld
from syncd.cycle.ask import Desk, Form, ask_about_delivery
from syncd.cycle.check_in import Implausible
from syncd.cycle.outgoing import deliver
from syncd.cycle.pull import CycleStopped
from syncd.cycle.stuck import Decided
from syncd.cycle.take_requests import take_requests
from syncd.ledger import cycle_lock
from syncd.ledger.requests import FormReused, Request, Requests
from syncd.ledger.schema import requests
from syncd.okr.checkins import CheckIn, Withdrawal
from syncd.service import Service

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {id: trust, title: Customers trust us, kind: outcome, baseline: 0, target: 100, plausible: {at_most: 100}}
      - id: calls
        title: Calls fall
        kind: outcome
        baseline: 1200
        target: 600
        plausible: {jump: 100}
        measure: {from: local, file: calls.csv, cell: A1}
"""
PUBLISH = "publish:\n  - {to: local, file: okrs.json}\n"


class Project(CsvProject):
    """A key result that waits for check-ins, and a measured one that holds what jumps."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, MAPPING, NOON)
        self.write("calls.csv", "1092")
        self.cycle()

    def desk(self, name: str) -> Desk:
        config = self.config
        return Desk(config, config.periods[0], self.key_result(name), self.ledger)

    def checks_in(self, value: float, form: str, *, name: str = "trust", force: bool = False) -> Request:
        checkin = CheckIn("ada", self.now, self.now + 14 * 24 * HOUR, value, entered_by="ops@build-3")
        return self.desk(name).ask_check_in(form, checkin, force=force)

    def approves(self, candidate: float | None, form: str = "approval") -> Request:
        return self.desk("calls").ask_approval(Form(form, "dana", "ops@build-3", self.now), candidate)

    def state(self, request: Request) -> tuple[str, str | None]:
        now = self.ledger.requests.get(request.id)
        assert now is not None
        return now.state, now.reason

    def value(self, name: str) -> float | None:
        line = self.report().line(name)
        assert line is not None
        return line.value


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.ledger.close()


def test_a_request_is_stored_while_a_cycle_runs_and_counts_from_the_next(project: Project) -> None:
    with cycle_lock(project.ledger.engine):
        asked = project.checks_in(45, "a")
    assert (asked.state, project.value("trust")) == ("waiting", None)
    project.now += HOUR
    project.cycle()
    assert project.value("trust") == 45
    done = project.ledger.requests.get(asked.id)
    assert done is not None
    assert (done.state, done.ended_at, done.before) == ("applied", project.now, {"value": None, "confidence": None})
    assert done.after == {"value": 45, "confidence": None, "checkin": 1}
    (checkin,) = project.ledger.checkins.of("2026-Q4", "trust", project.now)
    assert (checkin.author, checkin.entered_by, checkin.at) == ("ada", "ops@build-3", NOON)


def test_requests_are_done_in_their_order_and_once(project: Project) -> None:
    asked = [project.checks_in(value, str(value)) for value in (45, 50, 47)]
    for _ in range(3):
        project.cycle()
    kept = project.ledger.checkins.of("2026-Q4", "trust", project.now)
    assert [checkin.value for checkin in kept] == [45, 50, 47]
    assert [project.state(request)[0] for request in asked] == ["applied"] * 3
    assert project.value("trust") == 47


def test_the_same_form_counts_once_even_after_it_is_done(project: Project) -> None:
    first = project.checks_in(45, "a")
    project.now += HOUR
    assert project.checks_in(45, "a") == first
    project.cycle()
    assert project.checks_in(45, "a").state == "applied"
    with pytest.raises(FormReused):
        project.checks_in(46, "a")
    project.cycle()
    assert len(project.ledger.checkins.of("2026-Q4", "trust", project.now)) == 1
    assert project.checks_in(45, "b").id != first.id


def test_what_could_not_be_done_now_is_not_stored(project: Project) -> None:
    with pytest.raises(Implausible, match="120 is outside plausible"):
        project.checks_in(120, "a")
    with pytest.raises(NotHeld, match="calls is not held: its value 1,092 is complete"):
        project.approves(1092)
    with pytest.raises(Decided, match="there is no delivery 7"):
        ask_about_delivery(project.ledger, Form("d", "dana", "dana", NOON), 7, "retry")
    assert project.ledger.requests.waiting() == []
    project.checks_in(120, "a", force=True)
    project.cycle()
    assert project.value("trust") == 120


def test_an_approval_takes_the_candidate_that_was_shown(project: Project) -> None:
    project.write("calls.csv", "1950")
    project.cycle()
    with pytest.raises(AnotherCandidate, match="calls waits with 1,950, not with 1,960"):
        project.approves(1960)
    asked = project.approves(1950)
    project.cycle()
    assert (project.value("calls"), project.state(asked)) == (1950, ("applied", None))
    done = project.ledger.requests.get(asked.id)
    assert done is not None
    assert (done.before, done.after) == (
        {"value": 1092, "quality": "held"},
        {"value": 1950, "quality": "complete"},
    )
    (approval,) = project.ledger.approvals.of("2026-Q4", "calls", 99)
    assert (approval.author, approval.number) == ("dana", 1950)


def test_an_approval_of_a_candidate_that_moved_is_refused_with_both_numbers(project: Project) -> None:
    project.write("calls.csv", "1950")
    project.cycle()
    asked = [project.approves(1950, form) for form in "ab"]
    project.cycle()
    assert [project.state(request)[0] for request in asked] == ["applied", "refused"]  # the first one ended the wait
    project.write("calls.csv", "2500")
    project.cycle()
    late = project.approves(2500, "c")
    with project.ledger.engine.begin() as connection:
        connection.execute(update(requests).where(requests.c.id == late.id).values(body={"candidate": 2400.0}))
    project.cycle()
    assert project.state(late) == ("refused", "calls waits with 2,500, not with 2,400")
    assert project.value("calls") == 1950


def test_a_request_about_what_left_the_files_is_refused_and_kept(project: Project) -> None:
    asked = project.checks_in(45, "a")
    project.edit("id: trust", "id: faith")
    project.cycle()
    assert project.state(asked) == ("refused", "no mapping file has the key result trust in 2026-Q4 any more")
    assert [request.id for request in project.ledger.requests.of_key_result("2026-Q4", "trust")] == [asked.id]


def test_a_request_follows_its_key_result_to_its_new_id(project: Project) -> None:
    project.checks_in(45, "a")
    project.cycle()
    asked = project.checks_in(50, "b")
    project.edit("id: trust", "id: faith, moved: {from: trust}")
    project.cycle()
    assert project.state(asked)[0] == "waiting"
    project.cycle()
    assert (project.state(asked)[0], project.value("faith")) == ("applied", 50)


def test_a_withdrawal_takes_back_a_check_in_that_waits(project: Project) -> None:
    asked = project.checks_in(45, "a")
    withdrawal = Withdrawal("ada", project.now, "a slip", "ops@build-3")
    back = project.desk("trust").ask_withdrawal("b", {"request": asked.id}, withdrawal)
    project.cycle()
    assert [project.state(request)[0] for request in (asked, back)] == ["applied", "applied"]
    (checkin,) = project.ledger.checkins.of("2026-Q4", "trust", project.now)
    assert (project.value("trust"), checkin.withdrawn) == (None, withdrawal)


def test_a_dry_run_leaves_requests_alone(project: Project) -> None:
    asked = project.checks_in(45, "a")
    project.cycle(dry_run=True)
    assert (project.state(asked)[0], project.value("trust")) == ("waiting", None)


def test_a_request_that_cannot_be_read_stops_no_cycle(project: Project) -> None:
    broken, after = project.checks_in(45, "a"), project.checks_in(50, "b")
    with project.ledger.engine.begin() as connection:
        connection.execute(update(requests).where(requests.c.id == broken.id).values(body={}))
    project.cycle()
    assert project.state(broken) == ("refused", "internal error: KeyError (see the log)")
    assert (project.state(after)[0], project.value("trust")) == ("applied", 50)


KILLED = """\
import os, signal, sys
from pathlib import Path
from syncd.config import load_config
from syncd.config.project import clock_of
from syncd.cycle.take_requests import take_requests
from syncd.ledger import open_ledger
from syncd.ledger.requests import Requests

Requests.applied = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # the change is made, and not committed
config = load_config(Path(sys.argv[1]))
take_requests(config, open_ledger(config.ledger_url()), clock_of(config.settings))
"""


def test_a_kill_between_a_change_and_its_end_neither_loses_nor_doubles_it(project: Project) -> None:
    asked = project.checks_in(45, "a")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(project.folder / "syncd.yaml")], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (project.state(asked)[0], project.value("trust")) == ("waiting", None)
    project.cycle()
    project.cycle()
    assert [checkin.value for checkin in project.ledger.checkins.of("2026-Q4", "trust", project.now)] == [45]
    assert project.state(asked)[0] == "applied"


def test_a_request_that_somebody_else_ends_meanwhile_is_not_done_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, after = project.checks_in(45, "a"), project.checks_in(50, "b")
    ends = Requests.applied

    def first_another(self: Requests, request: int, *rest: Any) -> None:
        if request == asked.id:
            ends(self, request, *rest)
        ends(self, request, *rest)

    monkeypatch.setattr(Requests, "applied", first_another)
    project.cycle()
    assert project.state(after)[0] == "applied"
    assert [checkin.value for checkin in project.ledger.checkins.kept("2026-Q4", "trust")] == [50]


def test_what_a_command_asks_leaves_requests_that_its_files_lack(project: Project) -> None:
    """The files of a command may be older than those of the service."""
    gone, own = project.checks_in(45, "a"), project.checks_in(1000, "b", name="calls", force=True)
    project.edit("id: trust", "id: faith")
    with cycle_lock(project.ledger.engine):
        take_requests(project.config, project.ledger, lambda: project.now, command=own.id)
    assert [project.state(request)[0] for request in (gone, own)] == ["waiting", "applied"]


def test_a_check_in_of_a_clock_that_is_ahead_is_withdrawn_by_one_behind(project: Project) -> None:
    asked = project.checks_in(45, "a")
    project.cycle()
    project.now -= HOUR
    withdrawal = Withdrawal("ada", project.now, "a slip", "ops@build-3")
    back = project.desk("trust").ask_withdrawal("b", {"checkin": 1}, withdrawal)
    project.cycle()
    assert [project.state(request)[0] for request in (asked, back)] == ["applied", "applied"]


def test_a_cycle_that_is_stopped_stops_between_two_requests(project: Project) -> None:
    asked = [project.checks_in(value, str(value)) for value in (45, 50)]
    stops = iter([None, CycleStopped()])

    def go_on() -> None:
        if (stop := next(stops)) is not None:
            raise stop

    with pytest.raises(CycleStopped):
        take_requests(project.config, project.ledger, lambda: project.now, go_on=go_on)
    assert [project.state(request)[0] for request in asked] == ["applied", "waiting"]


def test_a_new_delivery_never_has_the_number_of_an_older_one(project: Project) -> None:
    """Else a retry of the one, on a page that was opened before, would be a retry of the other."""
    (project.folder / "syncd.yaml").write_text((project.folder / "syncd.yaml").read_text() + PUBLISH)
    (project.folder / "okrs.json").write_text("somebody else's")
    seen = set()
    for value in (45, 50, 55):
        project.checks_in(value, str(value))
        project.cycle()
        (refused,) = project.ledger.outbox.in_state(("refused",))
        assert refused.id not in seen
        seen.add(refused.id)


def test_a_request_starts_a_cycle_of_the_service(project: Project) -> None:
    path = project.folder / "syncd.yaml"
    path.write_text(path.read_text().replace("mappings:", "schedule: 6h\nmappings:"))
    with serving(project):
        for value in (45, 50):
            asked = project.checks_in(value, str(value))
            wait_for(lambda asked=asked: project.state(asked)[0] == "applied")


def test_a_request_that_waits_on_starts_no_second_cycle(project: Project) -> None:
    """It waits as long as the ledger has its key result under another id."""
    service = Service(project.folder / "syncd.yaml", project.config, lambda: project.now, project.ledger)
    assert not service.job.has_new_request()
    project.checks_in(45, "a")
    assert service.job.has_new_request()
    assert not service.job.has_new_request()
    project.checks_in(50, "b")
    assert service.job.has_new_request()


def test_a_refused_delivery_is_let_through_and_a_dead_one_retried(project: Project) -> None:
    (project.folder / "syncd.yaml").write_text((project.folder / "syncd.yaml").read_text() + PUBLISH)
    (project.folder / "okrs.json").write_text("somebody else's")
    project.cycle()
    (refused,) = project.ledger.outbox.in_state(("refused",))
    by = Form("d", "dana", "dana", NOON)
    project.ledger.outbox.end([refused.id], "dead", "no")
    with pytest.raises(Decided, match=r"local: okrs.json is dead; it waits for no leave"):
        ask_about_delivery(project.ledger, by, refused.id, "allow")
    asked = ask_about_delivery(project.ledger, by, refused.id, "retry")
    project.cycle()
    done = project.ledger.requests.get(asked.id)
    assert done is not None
    assert (done.before, done.after) == ({"state": "dead", "reason": "no"}, {"state": "waiting"})
    (refused,) = project.ledger.outbox.in_state(("refused",))
    ask_about_delivery(project.ledger, replace(by, id="e"), refused.id, "allow")
    project.cycle()
    assert (project.folder / "okrs.json").read_text().startswith("{")
    assert [(request.kind, request.state) for request in project.ledger.requests.last_of_deliveries(9)[::-1]] == [
        ("retry", "applied"),
        ("allow", "applied"),
    ]


def test_a_decision_is_about_the_target_and_outlives_a_newer_delivery(project: Project) -> None:
    (project.folder / "syncd.yaml").write_text((project.folder / "syncd.yaml").read_text() + PUBLISH)
    (project.folder / "okrs.json").write_text("somebody else's")
    project.cycle()
    (refused,) = project.ledger.outbox.in_state(("refused",))
    project.checks_in(45, "a")  # makes a newer delivery for the same file
    ask_about_delivery(project.ledger, Form("b", "dana", "dana", NOON), refused.id, "allow")
    project.cycle()
    assert json.loads((project.folder / "okrs.json").read_text())["objectives"][0]["key_results"][0]["value"] == 45


def test_leave_is_for_the_text_that_was_seen_alone(project: Project) -> None:
    (project.folder / "syncd.yaml").write_text((project.folder / "syncd.yaml").read_text() + PUBLISH)
    (project.folder / "okrs.json").write_text("somebody else's")
    project.cycle()
    (refused,) = project.ledger.outbox.in_state(("refused",))
    asked = ask_about_delivery(project.ledger, Form("b", "dana", "dana", NOON), refused.id, "allow")
    (project.folder / "okrs.json").write_text("written since")
    project.ledger.outbox.again([refused.id], NOON)
    deliver(project.request())  # meets the new text before the next cycle takes the request
    project.cycle()
    state, reason = project.state(asked)
    assert (state, reason) == ("refused", "local: okrs.json holds another text by now; look at it again")
    assert (project.folder / "okrs.json").read_text() == "written since"
