"""A running service takes over its files as they are edited: what is valid, at once; what is not, never."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from csv_project import CsvProject
from service_thread import series, serving
from waiting import wait_for

from syncd.service import Service

NOW = datetime(2026, 11, 21, 12, tzinfo=ZoneInfo("Europe/Berlin"))
HEAD = """\
period: 2026-Q4
objectives:
  - id: {0}
    title: Everything
    key_results:
"""
KEY_RESULT = (
    "      - {{id: {}, title: It, kind: output, target: {}, measure: {{from: local, file: a.csv, cell: B2}}}}\n"
)


def mapping(objective: str, **targets: int) -> str:
    return HEAD.format(objective) + "".join(KEY_RESULT.format(name, target) for name, target in targets.items())


@pytest.fixture
def project(tmp_path: Path) -> CsvProject:
    """Cycles are a day apart, so that a change that is seen earlier was watched for."""
    project = CsvProject(tmp_path, mapping("all", visits=9, calls=5), NOW, settings="schedule: 1d\n")
    (tmp_path / "syncd.yaml").write_text((tmp_path / "syncd.yaml").read_text().replace("okrs.yaml", "plans/"))
    (tmp_path / "plans" / "web").mkdir(parents=True)
    (tmp_path / "okrs.yaml").rename(tmp_path / "plans" / "okrs.yaml")
    project.write("a.csv", "", "x,7")
    return project


@pytest.fixture
def service(project: CsvProject, caplog: pytest.LogCaptureFixture) -> Iterator[Service]:
    caplog.set_level(logging.INFO, "syncd.service")
    with serving(project) as service:
        yield service


def taken_over(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What the log says of each configuration that was taken over."""
    kinds = ("keys", "objectives", "added", "changed", "removed")
    records = [vars(record) for record in caplog.records if record.getMessage() == "configuration taken over"]
    return [{kind: record[kind] for kind in kinds if kind in record} for record in records]


def ids(service: Service) -> set[str]:
    return {kr.id for okrs in service.config.periods for kr in okrs.key_results}


def test_an_edit_is_taken_over_and_measured_at_once(
    project: CsvProject, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    (project.folder / "plans" / "okrs.yaml").write_text(mapping("all", calls=6, mails=4))
    wait_for(lambda: service.cycles > 1)
    assert ids(service) == {"calls", "mails"}
    assert project.ledger.values.last("2026-Q4")["mails"].number == 7
    assert taken_over(caplog) == [
        {"added": ["mails (2026-Q4)"], "changed": ["calls (2026-Q4)"], "removed": ["visits (2026-Q4)"]}
    ]


def test_a_changed_setting_is_logged_by_its_key(
    project: CsvProject, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    settings = project.folder / "syncd.yaml"
    settings.write_text(settings.read_text().replace("schedule: 1d", "schedule: 2d"))
    wait_for(lambda: service.config.settings.schedule == "2d")
    assert taken_over(caplog) == [{"keys": ["schedule"]}]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("file", ["plans/more.yaml", "plans/web/more.yml", "plans/new/more.yaml"])
def test_a_new_file_is_taken_over(project: CsvProject, service: Service, file: str) -> None:
    """Also in a folder that is new: the folders that are watched follow the files."""
    for _ in range(2):
        path = project.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(mapping("more", mails=4))
        wait_for(lambda: "mails" in ids(service))
        path.unlink()
        wait_for(lambda: "mails" not in ids(service))


def test_a_file_that_an_editor_replaces_is_taken_over(project: CsvProject, service: Service) -> None:
    """Most editors write another file and rename it; git replaces whole folders."""
    new = project.folder / "plans" / ".okrs.yaml.tmp"
    new.write_text(mapping("all", mails=4))
    new.replace(project.folder / "plans" / "okrs.yaml")
    wait_for(lambda: ids(service) == {"mails"})
    (project.folder / "plans").rename(project.folder / "old-plans")
    (project.folder / "plans").mkdir()
    for name in ("calls", "mails"):  # the second shows that the new folder is watched
        (project.folder / "plans" / "okrs.yaml").write_text(mapping("all", **{name: 4}))
        wait_for(lambda name=name: ids(service) == {name})


def test_a_config_map_is_taken_over(tmp_path: Path) -> None:
    """Kubernetes keeps the files in a hidden folder, and renames a link to it."""
    project = CsvProject(tmp_path, mapping("all", visits=9), NOW, settings="schedule: 1d\n")
    project.write("a.csv", "", "x,7")
    for version in ("..2026_11_21", "..2026_11_22"):
        (tmp_path / version).mkdir()
    (tmp_path / "okrs.yaml").rename(tmp_path / "..2026_11_21" / "okrs.yaml")
    (tmp_path / "..2026_11_22" / "okrs.yaml").write_text(mapping("all", calls=9))
    (tmp_path / "..data").symlink_to("..2026_11_21")
    (tmp_path / "okrs.yaml").symlink_to("..data/okrs.yaml")
    with serving(project) as service:
        (tmp_path / "..data_tmp").symlink_to("..2026_11_22")
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")
        wait_for(lambda: ids(service) == {"calls"})


def test_files_that_a_glob_names_are_watched(project: CsvProject) -> None:
    settings = project.folder / "syncd.yaml"
    settings.write_text(settings.read_text().replace("plans/", "plans/*/*.okrs"))
    (project.folder / "plans" / "web" / "a.okrs").write_text(mapping("all", visits=9))
    with serving(project) as service:
        (project.folder / "plans" / "app").mkdir()
        (project.folder / "plans" / "app" / "b.okrs").write_text(mapping("more", mails=4))
        wait_for(lambda: ids(service) == {"visits", "mails"})


def test_a_wrong_file_is_refused_logged_once_and_measured_by_the_last_good_one(
    project: CsvProject, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    good_at = series(service)["syncd_config_last_reload_success_timestamp_seconds", frozenset()]
    for text in ("period: 2026-Q4\n", "period: 2026-Q4\n# still\n"):
        (project.folder / "plans" / "okrs.yaml").write_text(text)
        wait_for(lambda: service.config_problem is not None)
    assert service.config_problem is not None
    assert "plans/okrs.yaml" in service.config_problem
    assert ids(service) == {"visits", "calls"}
    scraped = series(service)
    assert scraped["syncd_config_last_reload_successful", frozenset()] == 0
    assert scraped["syncd_config_last_reload_success_timestamp_seconds", frozenset()] == good_at
    refusals = [record for record in caplog.records if record.getMessage().startswith("configuration is wrong")]
    assert len(refusals) == 1
    (project.folder / "plans" / "okrs.yaml").write_text(mapping("all", visits=9, calls=5))
    wait_for(lambda: service.config_problem is None)
    assert series(service)["syncd_config_last_reload_successful", frozenset()] == 1
    assert taken_over(caplog) == [{}]  # nothing differs from the last good one; that it is in use again is news


def test_a_bug_of_syncd_while_it_reads_files_counts_as_a_refusal(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> object:
        raise RuntimeError("a bug")

    monkeypatch.setattr(service.configuration, "_load", broken)
    assert not service.configuration.reload()
    assert service.config_problem == "internal error (see the log)"
    assert "RuntimeError: a bug" in caplog.text
    assert series(service)["syncd_config_last_reload_successful", frozenset()] == 0
    monkeypatch.undo()
    service.configuration.reload()
    assert service.config_problem is None


def test_an_edit_that_changes_nothing_starts_no_cycle(
    project: CsvProject, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    path = project.folder / "plans" / "okrs.yaml"
    path.write_text("# a comment\n" + path.read_text())
    (project.folder / "plans" / "more.yaml").write_text(mapping("more", mails=4))
    wait_for(lambda: service.cycles > 1)
    assert taken_over(caplog) == [{"objectives": ["more (2026-Q4)"], "added": ["mails (2026-Q4)"]}]
    assert service.cycles == 2


def test_the_ledger_beside_the_files_causes_no_reload(
    project: CsvProject, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite writes into the watched folder all the time."""
    reloads: list[None] = []
    reload = service.configuration.reload
    monkeypatch.setattr(service.configuration, "reload", lambda: (reloads.append(None), reload())[1])
    project.ledger.streams.add("local", "another", NOW + timedelta(days=1))
    os.utime(project.folder / "syncd.db")
    (project.folder / "notes.txt").write_text("nothing")
    (project.folder / "plans" / "more.yaml").write_text(mapping("more", mails=4))
    wait_for(lambda: service.cycles > 1)
    assert len(reloads) <= 4  # the first look, the edit, the cycle that it starts; its two writes may come apart
