"""Things that break on purpose. For each: no wrong number, the others go on, the next healthy cycle is the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from outages import HTTP, OUTAGES, SELF_SIGNED, SERVICES, Outage
from patience import out_of_patience_with
from projects import Project, differences, write_project
from proxy import self_signed
from warehouse import Warehouse, warehouse_of

from syncd.config import Config, load_config
from syncd.cycle.model import CycleRequest, Result, Watcher
from syncd.cycle.run import run_cycle
from syncd.ledger import Ledger, open_ledger
from syncd.sandbox import DEMO_NOW, Sandbox, serve
from syncd.sandbox.story.numbers import OKR_BOOK
from syncd.sdk import RetryPolicy
from syncd.status.document import document
from syncd.status.periods import choose_period
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import report_of

CONNECTIONS = dict(
    zip(SERVICES, ("code", "apps", "tickets", "helpdesk", "numbers", "metrics", "warehouse"), strict=True)
)


class Lab:
    """The example's project against a company that goes on living, in one process."""

    def __init__(self, project: Project, box: Sandbox, untrusted: str, warehouse: Warehouse | None = None) -> None:
        self.project = project
        self._warehouse = warehouse
        self.box = box
        self._untrusted = untrusted
        self._config = load_config(project.folder / "syncd.yaml")
        self._sources = {
            kr.id: kr.measure.connection
            for okrs in self._config.periods
            for kr in okrs.key_results
            if kr.measure is not None
        }
        self._numbers = count(1)
        self.ahead = timedelta(0)
        self.ledger = self.new_ledger()

    def new_ledger(self) -> Ledger:
        """One that knows nothing."""
        ledger = open_ledger(f"sqlite:///{self.project.folder}/{next(self._numbers)}.db")
        assert ledger is not None
        return ledger

    def now(self) -> datetime:
        """Our clock is the company's, but for what it is `ahead`."""
        return self.box.world.clock.now() + self.ahead

    def cycle(self, ledger: Ledger, outage: Outage | None = None, *services: str) -> Result:
        """One cycle, with this outage of these services, which ends with it."""
        config = self._config
        for service in services if outage else ():
            for fault in outage.of(service):
                self.box.fault(fault)
        if outage and (outage.address or outage.database):
            config = self._elsewhere(outage, services)
        retry = RetryPolicy(sleep=lambda seconds: None)
        try:
            hanging = {CONNECTIONS[service] for service in services} if outage and outage.hangs else ()
            with ExitStack() as stack:
                if outage and outage.database and self._warehouse:
                    stack.enter_context(self._warehouse.broken(outage.database))
                watcher = stack.enter_context(out_of_patience_with(hanging)) if hanging else Watcher()
                return run_cycle(CycleRequest(config, ledger, self.now, retry, watcher=watcher))
        finally:
            self.box.heal()

    def document(self, ledger: Ledger) -> dict[str, Any]:
        """What `status --json` shows."""
        okrs = choose_period(self._config, None, self.now())
        assert okrs is not None
        return document(report_of(Snapshots(self._config, okrs, ledger).now(self.now())))

    def lines(self, ledger: Ledger) -> dict[str, dict[str, Any]]:
        """The key results, by id."""
        return {kr["id"]: kr for objective in self.document(ledger)["objectives"] for kr in objective["key_results"]}

    def truth(self) -> dict[str, Any]:
        """The value that each key result really has by our clock; syncd has 15 of its digits."""
        found = self.box.truth(at=self.now())["key_results"]
        values = {name: line["value"] for name, line in found.items()}
        return {name: value and pytest.approx(value, rel=1e-12, abs=0) for name, value in values.items()}

    def of(self, *services: str) -> set[str]:
        """The key results that rest on these services."""
        names = {CONNECTIONS[service] for service in services}
        return {name for name, connection in self._sources.items() if connection in names}

    def change(self) -> None:
        """Something that counts happens at every service."""
        world, number = self.box.world, next(self._numbers)
        world.github.merge_pull("acme/search", world.github.add_pull("acme/search", base="main").number)
        world.github.close_issue("acme/web", world.github.add_issue("acme/web", labels=["bug"]).number)
        world.gitlab.add_release("acme/apps/mobile", f"v9.{number}")
        world.jira.transition(world.jira.create("KB", "Article").key, "Done")
        began = world.clock.now() - timedelta(days=20 + number)
        world.jira_dc.transition(world.jira_dc.create("HELP", "Incident", at=began).key, "Done")
        world.sheets.set_cell(OKR_BOOK, "Support", "C11", 1000.0 - number)
        world.metrics.error_rate = 1 / number
        if self._warehouse is not None:
            self._warehouse.change()

    def _elsewhere(self, outage: Outage, services: tuple[str, ...]) -> Config:
        text = (self.project.folder / "syncd.yaml").read_text(encoding="utf-8")
        address = self._untrusted if outage.address == SELF_SIGNED else outage.address
        for service in services:
            if service == "sql" and self._warehouse is not None:
                keys = self._warehouse.elsewhere(address, outage.database)
                text = text.replace(f'"{self._warehouse.url}"', keys)
                continue
            name = {"metrics": "metrics-api"}.get(service, service)
            text = text.replace(f'"{self.box.url}/{name}"', f'"{address}/{name}"')
        path = self.project.folder / "elsewhere.yaml"
        path.write_text(text, encoding="utf-8")
        return load_config(path)


def _thin_out(box: Sandbox) -> None:
    """One repository of two pages is enough, and a shorter one is read sooner; a page of Jira holds a few."""
    items = box.world.github.repo("acme/web").items
    for number in sorted(items)[:-120]:
        del items[number]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, new_postgres: Callable[[], str]) -> Iterator[Lab]:
    """One for all tests: each leaves it healthy, and equal to the truth."""
    folder = tmp_path_factory.mktemp("lab")
    with serve(now=DEMO_NOW) as box, self_signed(folder) as untrusted, pytest.MonkeyPatch.context() as patch:
        project = write_project(folder / "project", box)
        for name, value in project.env.items():
            patch.setenv(name, value)
        patch.setattr("syncd.sandbox.github.api.QUOTA", 1_000_000)  # of an hour: a nightly run makes a month's requests
        _thin_out(box)
        with warehouse_of(project, new_postgres(), box.world) as warehouse:
            yield Lab(project, box, untrusted, warehouse)


def _unless(gate: bool) -> list[pytest.MarkDecorator]:
    return [] if gate else [pytest.mark.nightly]


LIKE_ANOTHER = {
    "503", "504", "429 without Retry-After", "403 secondary limit for 30 s", "403 secondary limit once",
    "truncated once", "404", "headers ten minutes behind", "a name that is not there", "502 with HTML",
}  # fmt: skip
"""Outages that differ from another in what the contracts of connectors hold, and in nothing that a cycle sees."""

# In every run an outage befalls one of its services, each service in its turn; in the nightly run, all of them.
MATRIX = [
    pytest.param(
        service,
        outage,
        id=f"{service}: {name}",
        marks=_unless(name not in LIKE_ANOTHER and number % len(outage.services) == turn),
    )
    for number, (name, outage) in enumerate(OUTAGES.items())
    for turn, service in enumerate(outage.services)
]
FIRST = {"429 once", "wrong types", "endless page loop", "token revoked between two pages"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("service", "outage"), MATRIX)
def test_a_service_that_breaks_gives_no_wrong_number_and_stops_nobody(lab: Lab, service: str, outage: Outage) -> None:
    if differences(lab.document(lab.ledger), lab.box):  # the first one here, or the one before failed
        lab.cycle(lab.ledger)
    assert differences(lab.document(lab.ledger), lab.box) == []
    before = lab.lines(lab.ledger)
    lab.change()
    truth = lab.truth()
    broken = lab.of(service)
    assert {name for name in broken if before[name]["value"] != truth[name]}, "something is to be seen"

    result = lab.cycle(lab.ledger, outage, service)

    during = lab.lines(lab.ledger)
    assert {name: during[name]["value"] for name in truth if name not in broken} == {
        name: value for name, value in truth.items() if name not in broken
    }
    kept = {name for name in broken if during[name]["quality"] != "complete"}
    for name in broken:
        assert during[name]["value"] == (before[name]["value"] if name in kept else truth[name])
    for name in kept:
        assert during[name]["quality"] in ("failed", "partial")
        assert during[name]["reason"].startswith(f"{CONNECTIONS[service]}: ")
        assert [during[name][key] for key in ("health", "as_of")] == [before[name][key] for key in ("health", "as_of")]
    assert {pull.connection for pull, _ in result.failures} == (set() if outage.rides_out else {CONNECTIONS[service]})
    assert bool(kept) != outage.rides_out

    assert not lab.cycle(lab.ledger).failures
    assert differences(lab.document(lab.ledger), lab.box) == []


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", [pytest.param(name, marks=_unless(name in FIRST)) for name in OUTAGES])
def test_what_breaks_on_the_very_first_sync_leaves_unknown_and_no_number(lab: Lab, name: str) -> None:
    """All of its services at once."""
    ledger, outage, truth = lab.new_ledger(), OUTAGES[name], lab.truth()
    result = lab.cycle(ledger, outage, *outage.services)
    lines = lab.lines(ledger)
    for key_result, line in lines.items():
        assert line["value"] == (truth[key_result] if line["quality"] == "complete" else None)
        assert key_result in lab.of(*outage.services) or line["quality"] == "complete"
    assert bool(result.failures) != outage.rides_out
    assert not lab.cycle(ledger).failures
    assert differences(lab.document(ledger), lab.box) == []


@pytest.mark.sampled(1)
@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_of_ours_that_is_wrong_loses_nothing(lab: Lab, minutes: int) -> None:
    ledger = lab.new_ledger()
    lab.cycle(ledger)
    before = lab.lines(ledger)
    lab.change()
    truth = lab.truth()
    lab.ahead = timedelta(minutes=minutes)
    try:
        assert not lab.cycle(ledger).failures
        by_our_clock = lab.truth()
        for name, line in lab.lines(ledger).items():
            # What is dated after now, by a clock that is behind, has not happened yet.
            right = (before[name]["value"], truth[name], by_our_clock[name]) if minutes < 0 else (truth[name],)
            assert line["value"] in right
    finally:
        lab.ahead = timedelta(0)
    assert not lab.cycle(ledger).failures
    assert differences(lab.document(ledger), lab.box) == []


@pytest.mark.nightly
def test_a_repository_that_is_renamed_stays_the_same_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(now=DEMO_NOW) as box:
        project = write_project(tmp_path / "project", box)
        for name, value in project.env.items():
            monkeypatch.setenv(name, value)
        lab = Lab(project, box, "")
        lab.cycle(lab.ledger)
        for old, new in (("search", "finder"), ("mobile", "app"), ("web", "shop")):
            box.world.github.rename_repo(f"acme/{old}", new)
        lab.change()
        assert not lab.cycle(lab.ledger).failures
        assert differences(lab.document(lab.ledger), box) == []
        ledger = lab.new_ledger()
        assert not lab.cycle(ledger).failures
        assert differences(lab.document(ledger), box) == []


def test_a_sync_asks_and_writes_nothing(lab: Lab) -> None:
    """What the retry policy sends again may come twice: all of it must be reading."""
    lab.box.requests.clear()
    assert not lab.cycle(lab.new_ledger()).failures
    assert {(request.service, request.method) for request in lab.box.requests} == {(service, "GET") for service in HTTP}
