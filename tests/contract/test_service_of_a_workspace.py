"""A service of a workspace: its own ledger and files, and what the deployment's file says for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from opened import create_ledger
from service_thread import in_a_thread, labels
from waiting import wait_for

from syncd.config import load_config
from syncd.service import Service

NOW = datetime(2026, 11, 21, 12, tzinfo=ZoneInfo("Europe/Berlin"))
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Everything
    key_results:
      - {id: calls, title: Calls, kind: output, target: 9, measure: {from: local, file: a.csv, cell: A1}}
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The file of a deployment with two workspaces that have the same ids."""
    ledger = "sqlite:///{workspace}.db"
    if request.param == "postgresql":
        new: Callable[[], str] = request.getfixturevalue("new_postgres")
        ledger = new()
        request.getfixturevalue("monkeypatch").setenv("LEDGER", ledger)
        ledger = "${LEDGER}"
    (tmp_path / "syncd.yaml").write_text(
        f'workspaces: teams/*/syncd.yaml\nledger: "{ledger}"\nschedule: 1d\ntimezone: Europe/Berlin\n'
    )
    for name, number in (("search", 3), ("support", 5)):
        team = tmp_path / "teams" / name
        (team / "mappings").mkdir(parents=True)
        (team / "mappings" / "okrs.yaml").write_text(MAPPING)
        (team / "a.csv").write_text(f"{number}\n")
        (team / "syncd.yaml").write_text("connections: {local: {type: files, root: .}}\n")
    return tmp_path / "syncd.yaml"


@contextmanager
def serving(deployment: Path, name: str) -> Iterator[Service]:
    config = load_config(deployment, name)
    with closing(create_ledger(config.ledger_url())) as ledger:
        service = Service(deployment, config, lambda: NOW, ledger)
        with in_a_thread(service):
            yield service


def value(service: Service) -> float | None:
    return service.ledger.values.last("2026-Q4")["calls"].number


def test_services_of_two_workspaces_run_at_the_same_time(deployment: Path) -> None:
    with ExitStack() as stack:
        search = stack.enter_context(serving(deployment, "search"))
        support = stack.enter_context(serving(deployment, "support"))
        assert (value(search), value(support)) == (3, 5)
        assert (search.standing_by, support.standing_by) == (None, None)
        of_search = {"workspace": "search", "period": "2026-Q4", "objective": "service", "key_result": "calls"}
        assert labels(search, "syncd_key_result_value") == [of_search]


def test_what_is_edited_for_all_is_taken_over(deployment: Path) -> None:
    with serving(deployment, "search") as service:
        deployment.write_text(deployment.read_text().replace("schedule: 1d", "schedule: 2d"))
        wait_for(lambda: service.config.settings.schedule == "2d")
        assert service.config.workspace is not None
        own = deployment.parent / "teams" / "search" / "syncd.yaml"
        own.write_text(own.read_text() + "schedule: 3d\n")
        wait_for(lambda: service.config.settings.schedule == "3d")


def test_another_workspace_that_breaks_or_goes_is_no_trouble(deployment: Path) -> None:
    with serving(deployment, "search") as service:
        other = deployment.parent / "teams" / "support" / "syncd.yaml"
        other.write_text("nonsense: [\n")
        deployment.write_text(deployment.read_text().replace("schedule: 1d", "schedule: 2d"))
        wait_for(lambda: service.config.settings.schedule == "2d")
        other.unlink()
        deployment.write_text(deployment.read_text().replace("schedule: 2d", "schedule: 4d"))
        wait_for(lambda: service.config.settings.schedule == "4d")
        assert service.config_problem is None


def test_a_workspace_that_is_gone_keeps_its_last_good_configuration(deployment: Path) -> None:
    with serving(deployment, "search") as service:
        (deployment.parent / "teams" / "search" / "syncd.yaml").unlink()
        wait_for(lambda: service.config_problem is not None)
        assert service.config_problem is not None
        assert service.config_problem.endswith("syncd.yaml:1: there is no workspace 'search'; known here: support")
        assert [kr.id for kr in service.config.periods[0].key_results] == ["calls"]
