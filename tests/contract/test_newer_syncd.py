"""A service beside a newer syncd: it stops writing where the ledger says so, and goes on where it does not."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
from csv_project import CsvProject
from service_thread import cycle, serving
from sqlalchemy import text
from starlette.testclient import TestClient
from waiting import wait_for

from syncd.service import Service
from syncd.web import make_app

MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
      - {id: visits, title: It, kind: output, target: 9, measure: {from: local, file: a.csv, cell: B1}}
"""
SENTENCE = "a newer syncd has taken over the ledger"


@pytest.mark.parametrize(("writes_from", "stops"), [("9999", True), ("0015", False)])
def test_a_service_writes_on_only_where_the_ledger_lets_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, writes_from: str, stops: bool
) -> None:
    caplog.set_level(logging.INFO, "syncd.service")
    project = CsvProject(tmp_path, MAPPING, datetime(2026, 11, 21, 12, tzinfo=UTC), settings="schedule: 1d\n")
    project.write("a.csv", "x,7")
    with serving(project) as service:
        with project.ledger.engine.begin() as connection:
            connection.execute(text("UPDATE control SET writes_from = :number"), {"number": writes_from})
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        project.write("a.csv", "x,8")
        answer = TestClient(make_app(service), base_url="http://127.0.0.1").get("/readyz")
        if stops:
            service.reload()
            wait_for(lambda: service.ledger_problem)
            assert (answer.status_code, SENTENCE in answer.text) == (503, True)
            assert SENTENCE in next(vars(entry)["reason"] for entry in caplog.records if "reason" in vars(entry))
        else:
            cycle(service)
            assert answer.status_code == 200
        assert project.ledger.values.last("2026-Q4")["visits"].number == (7 if stops else 8)
    project.ledger.close()


def test_a_service_is_ready_once_it_has_claimed_the_ledger(tmp_path: Path) -> None:
    """Before that a `syncd restore` could slip in between."""
    project = CsvProject(tmp_path, MAPPING, datetime(2026, 11, 21, 12, tzinfo=UTC), settings="schedule: 1d\n")
    project.write("a.csv", "x,7")
    project.cycle()
    service = Service(tmp_path / "syncd.yaml", project.config, lambda: project.now, project.ledger)
    answer = TestClient(make_app(service), base_url="http://127.0.0.1").get("/readyz")
    assert (answer.status_code, answer.text) == (503, "starting\n")
