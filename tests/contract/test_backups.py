"""The service backs its ledger up by schedule: online, read back, and the newest ones stay."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from csv_project import CsvProject
from opened import create_ledger
from service_thread import cycle, series, serving
from starlette.testclient import TestClient
from waiting import wait_for

from syncd.ledger import LedgerError, cycle_lock
from syncd.ledger.backup import back_up, export
from syncd.ledger.restore import restore
from syncd.service.backups import Backups, due
from syncd.web import make_app

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MAPPING = """\
period: 2026-Q4
objectives:
  - id: all
    title: Everything
    key_results:
      - {id: visits, title: It, kind: output, target: 9, measure: {from: local, file: a.csv, cell: B1}}
"""
METRIC = ("syncd_backup_last_success_timestamp_seconds", frozenset[tuple[str, str]]())


def new_project(folder: Path, keys: str, ledger: str | None = None) -> CsvProject:
    settings = f"schedule: 1d\nbackup: {keys}\n" + (f"ledger: {ledger}\n" if ledger else "")
    project = CsvProject(folder, MAPPING, NOW, settings=settings, ledger=ledger)
    project.write("a.csv", "x,7")
    return project


def backups(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("syncd-*") if path.name != "syncd-of-mine.db")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_newest_backups_stay_and_can_be_restored(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    new: Callable[[], str] | None = request.getfixturevalue("new_postgres") if database == "postgresql" else None
    project = new_project(tmp_path, "{to: copies, every: 1s, keep: 2}", new() if new else None)
    folder, ending = tmp_path / "copies", "tar.gz" if new else "db"
    folder.mkdir()
    unfinished = folder / f".syncd-20261101T000000Z-{project.ledger.identity.id[:8]}.db.unfinished"
    others = [folder / "syncd-of-mine.db", folder / "syncd-20200101T000000Z-00000000.db", folder / "notes.txt"]
    for file in (*others, unfinished):
        file.write_text("not yours")
    with serving(project) as service:
        seen: set[str] = set()
        wait_for(lambda: seen.update(backups(folder)) or len(seen) > 3)
        cycle(service)  # goes on meanwhile
        assert abs(series(service)[METRIC] - datetime.now(UTC).timestamp()) < 600
    name = re.compile(rf"syncd-\d{{8}}T\d{{6}}Z-{project.ledger.identity.id[:8]}\.{ending}")
    own = [file for file in backups(folder) if name.fullmatch(file)]
    assert 2 <= len(own) <= 3
    assert [file.read_text() for file in others] == ["not yours"] * 3
    assert not unfinished.exists()
    place = f"sqlite:///{tmp_path / 'restored.db'}"
    restore(place, folder / own[0])
    with closing(create_ledger(place)) as restored:
        assert restored.values.last("2026-Q4")["visits"].number == 7
    project.ledger.close()


def test_a_backup_that_fails_is_shown_and_logged_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "syncd.service")
    project = new_project(tmp_path, "{to: a.csv, every: 1s}")
    with serving(project) as service:
        wait_for(lambda: service.backup_problem)
        assert service.backup_problem is not None
        assert re.search(r"the backup .*a\.csv/syncd-.* cannot be written: .*a\.csv", service.backup_problem)
        assert service.backup_problem in {vars(record).get("reason") for record in caplog.records}
        assert series(service)[METRIC] == 0
        client = TestClient(make_app(service), base_url="http://127.0.0.1")
        assert "The last backup of the ledger failed." in client.get("/").text
        assert client.get("/readyz").status_code == 200
        settings = tmp_path / "syncd.yaml"
        settings.write_text(settings.read_text().replace("to: a.csv", "to: copies"))
        wait_for(lambda: service.backup_problem is None)
        assert series(service)[METRIC] > 0
        assert "The last backup of the ledger failed." not in client.get("/").text
    project.ledger.close()


def test_a_ledger_that_was_replaced_pushes_no_backup_out(tmp_path: Path) -> None:
    project = new_project(tmp_path, "{to: copies, every: 1s, keep: 1}")
    with serving(project) as service:
        wait_for(lambda: backups(tmp_path / "copies"))
        (tmp_path / "syncd.db").unlink()
        wait_for(lambda: "was deleted or replaced" in (service.backup_problem or ""))
        (name,) = backups(tmp_path / "copies")
    project.ledger.close()
    restore(f"sqlite:///{tmp_path / 'syncd.db'}", tmp_path / "copies" / name)


@pytest.mark.parametrize("copy", [back_up, export])
def test_a_ledger_that_is_gone_is_told_as_gone(tmp_path: Path, copy: Callable[[str, Path], object]) -> None:
    """`syncd sync` would refuse to make a new one there."""
    project = new_project(tmp_path, "{to: copies}")
    with cycle_lock(project.ledger.engine):
        project.cycle()
    project.ledger.close()
    (tmp_path / "syncd.db").unlink()
    with pytest.raises(LedgerError, match=r"is gone: .*; put it back with `syncd restore FILE`"):
        copy(f"sqlite:///{tmp_path}/syncd.db", tmp_path / "copy")


MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("newest", "tried", "expected"),
    [
        (None, None, True),
        (NOW - DAY, None, True),
        (NOW - DAY + MINUTE, None, False),
        (NOW + DAY, None, True),  # the clock was set back
        (NOW - 2 * DAY, NOW - MINUTE, False),
        (NOW - 2 * DAY, NOW - 11 * MINUTE, True),
    ],
)
def test_a_backup_is_due_by_the_newest_and_soon_after_one_that_failed(
    newest: datetime | None, tried: datetime | None, expected: bool
) -> None:
    assert due(newest, tried, DAY, NOW) is expected


def test_a_service_that_starts_again_goes_on_from_the_newest_backup(tmp_path: Path) -> None:
    project = new_project(tmp_path, "{to: copies}")
    project.cycle()
    copies = Backups(tmp_path / "copies", project.ledger)
    assert copies.newest(NOW) is None
    copies.write(NOW, 3)
    assert copies.newest(NOW) == NOW
    project.ledger.close()


def test_a_backup_of_a_clock_that_was_ahead_takes_no_place_of_a_later_one(tmp_path: Path) -> None:
    project = new_project(tmp_path, "{to: copies}")
    project.cycle()
    copies = Backups(tmp_path / "copies", project.ledger)
    ahead = copies.write(NOW + 9 * DAY, 1)
    first, second = (copies.write(NOW + number * MINUTE, 1) for number in range(2))
    assert copies.newest(NOW + MINUTE) == NOW + MINUTE
    assert (ahead.exists(), first.exists(), second.exists()) == (True, False, True)
    project.ledger.close()


def test_the_service_prunes_after_its_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "syncd.service")
    project = new_project(tmp_path, "{to: copies}\nretain: {cycles: 1s}")
    for minutes in range(8):
        project.now = NOW - timedelta(hours=2) + timedelta(minutes=minutes)
        project.cycle()
    project.now = NOW
    with serving(project):
        wait_for(
            lambda: [vars(record)["cycles"] for record in caplog.records if record.getMessage() == "pruned"] == [5]
        )
    project.ledger.close()
