"""The workspaces of one process, while some of them hang, fail or are removed."""

from __future__ import annotations

import logging
import math
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from standing_workspaces import MAPPING, OWN
from waiting import HANG

from syncd.config.deployment import read_deployment
from syncd.ledger import LedgerError
from syncd.service import LedgerReader
from syncd.workspaces import company as companies
from syncd.workspaces import turns
from syncd.workspaces.company import Company
from syncd.workspaces.member import ShownMember
from syncd.workspaces.turns import Turns


class Reader(LedgerReader):
    """One that a test lets fail."""

    failures: dict[str, Exception] = {}
    reads: list[str] = []

    def read(self) -> Sequence[Metric]:
        name = self.config.path.parent.name
        self.reads.append(name)
        if name in self.failures:
            raise self.failures[name]
        metric = GaugeMetricFamily("syncd_of_a_test", "What was read.")
        metric.add_metric((), 1)
        return [metric]


class Shown(ShownMember):
    """A workspace that hangs where a test says, until it says that nothing does."""

    reader = Reader
    hangs_in = ""
    goes_on = threading.Event()

    def act(self) -> None:
        if self.hangs_in == "act":
            self.goes_on.wait(HANG)
        super().act()

    def close(self) -> None:
        if self.hangs_in == "close":
            self.goes_on.wait(HANG)
        super().close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a deployment with two workspaces."""
    for name in ("alpha", "bravo"):
        team = tmp_path / "teams" / name
        team.mkdir(parents=True)
        (team / "syncd.yaml").write_text(OWN.replace("NAME", name))
        (team / "okrs.yaml").write_text(MAPPING.replace("NAME", name))
    (tmp_path / "syncd.yaml").write_text("workspaces: teams/*/syncd.yaml\nledger: sqlite:///{workspace}.db\n")
    return tmp_path


@pytest.fixture
def company(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    deployment = read_deployment(folder / "syncd.yaml")
    assert deployment is not None
    monkeypatch.setattr(Shown, "goes_on", threading.Event())
    monkeypatch.setattr(Reader, "failures", {})
    monkeypatch.setattr(Reader, "reads", [])
    company = Company(deployment, Shown)
    yield company
    Shown.goes_on.set()
    company.stop()


def open_all(company: Company) -> None:
    for member in company._members.values():
        member.turn()


def test_workspace_that_is_removed_while_turns_are_given_is_closed(company: Company, folder: Path) -> None:
    """Another thread takes over its files in the middle of the look at those that leave."""

    class Leaving(Shown):
        @property
        def closed(self) -> bool:  # type: ignore[override]
            edits.start()
            edits.join(0.2)
            return True

        @closed.setter
        def closed(self, _: bool) -> None:
            pass

    bravo = company._members["bravo"]
    edits = threading.Thread(target=lambda: company._take_over(()))
    company._leaving = [Leaving("charlie", lambda _: bravo._valid_config(), company._databases, lambda: None)]
    (folder / "teams" / "bravo" / "syncd.yaml").unlink()
    company._takers()
    edits.join(HANG)
    assert company._leaving == [bravo]
    assert bravo in company._takers()


def test_last_workspace_is_removed_like_any_other(company: Company, folder: Path) -> None:
    for name in ("alpha", "bravo"):
        (folder / "teams" / name / "syncd.yaml").unlink()
        company._take_over(())
    assert company.names() == []
    assert company.config_problem is None
    assert company.not_ready() == "no workspace can be served: there are none"


def test_edit_of_the_deployment_that_names_no_workspace_removes_none(company: Company, folder: Path) -> None:
    path = folder / "syncd.yaml"
    path.write_text(path.read_text().replace("teams/", "taems/"))
    company._take_over(())
    assert company.names() == ["alpha", "bravo"]
    assert company.config_problem is not None
    assert "workspaces is 'taems/*/syncd.yaml', and no file is there" in company.config_problem


def test_second_folder_of_a_name_takes_no_workspace_down(company: Company, folder: Path) -> None:
    path = folder / "syncd.yaml"
    path.write_text(path.read_text().replace("teams/*/syncd.yaml", "'*/*/syncd.yaml'"))
    company._take_over(())
    open_all(company)
    shutil.copytree(folder / "teams" / "alpha", folder / "other" / "alpha")
    company._take_over(())
    assert company.names() == ["alpha", "bravo"]
    daemon = company.daemon("alpha")
    assert daemon is not None
    assert company.problem("alpha") is None
    assert "is the workspace 'alpha' by the name of its folder, and so is" in str(daemon.config_problem)


def test_turns_that_hang_while_workspaces_are_opened_are_a_standstill(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_MOST", 1)
    monkeypatch.setattr(companies, "_STANDSTILL", 0.0)
    monkeypatch.setattr(Shown, "hangs_in", "act")
    company._turns.moved_at = math.inf  # the scheduler itself moves
    assert company.standstill() is None
    company._turns._begin(company._members["alpha"])
    assert company.standstill() is not None
    Shown.goes_on.set()
    assert company._turns.join(HANG) == []


def test_turn_without_a_thread_is_taken_at_a_later_look(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begin, refused, running = threading.Thread.start, list[str](), list[int]()

    def refuse_first(thread: threading.Thread) -> None:
        if not refused:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        begin(thread)

    class Taker:
        name = "alpha"

        def late(self) -> float:
            running.append(len(given.running))
            return 0.0

        def turn(self) -> None:
            stopping.set()

    def takers() -> Sequence[Taker]:
        looks.append(None)
        if len(looks) > 500:  # it is never tried again
            stopping.set()
        return [taker]

    stopping, taker, looks = threading.Event(), Taker(), list[None]()
    given = Turns(stopping)
    monkeypatch.setattr(turns, "_LOOK", 0.01)
    monkeypatch.setattr(threading.Thread, "start", refuse_first)
    given.run(takers)
    assert refused == ["turn-alpha"]
    assert running[:2] == [0, 0]
    assert [record.message for record in caplog.records] == ["a turn cannot begin yet"]
    assert given.join(HANG) == []


def test_stop_leaves_a_database_behind_that_does_not_answer(
    company: Company, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(companies, "_GRACE", 0.1)
    monkeypatch.setattr(companies, "_CLOSING", 0.1)
    monkeypatch.setattr(Shown, "hangs_in", "close")
    monkeypatch.setattr(company, "_takers", list)
    runs = threading.Thread(target=company.run, daemon=True)
    runs.start()
    company.stop()
    runs.join(HANG / 2)  # without a bound of its own it ends when `goes_on` is waited for no more
    assert not runs.is_alive()
    assert "its database does not answer" in caplog.text


def scraped(company: Company) -> str:
    return company.scrape().decode()


def test_metrics_of_a_workspace_that_fails_leave_those_of_the_others(
    company: Company, caplog: pytest.LogCaptureFixture
) -> None:
    open_all(company)
    Reader.failures["alpha"] = ValueError("a bug")
    caplog.set_level(logging.ERROR)
    for _ in range(2):
        company._metrics._readings.clear()
        assert 'syncd_of_a_test{workspace="bravo"} 1.0' in scraped(company)
    assert caplog.text.count("metrics cannot be read") == 1


def test_ledger_that_failed_is_no_sooner_read_again_than_others(company: Company) -> None:
    open_all(company)
    Reader.failures["alpha"] = LedgerError("it is silent")
    for _ in range(2):
        assert 'syncd_of_a_test{workspace="bravo"} 1.0' in scraped(company)
    assert Reader.reads == ["alpha", "bravo"]
