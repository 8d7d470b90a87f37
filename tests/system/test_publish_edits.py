"""What is written while `publish:` is edited between cycles: a target that comes back has what it missed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from projects import Project

_MAPPING = """
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {id: calls, title: Calls fall, kind: outcome, baseline: 1200, target: 600}
"""
_PROJECT = """
mappings: okrs.yaml
clock: 2026-11-20T{hour}:00+00:00
connections:
  local: {{type: files, root: out/}}
  given: {{type: files, root: .}}
"""
_ENTRY = "publish: [{to: local, file: okrs.json}]\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "okrs.yaml").write_text(_MAPPING)
    (tmp_path / "out").mkdir()
    found = Project(tmp_path)
    configure(found, _ENTRY)
    return found


def configure(project: Project, publish: str, hour: int = 10) -> None:
    (project.folder / "syncd.yaml").write_text(_PROJECT.format(hour=hour) + publish)


def check_in(project: Project, value: float) -> None:
    project.run("checkin", "calls", "--value", str(value), "--author", "pm", check=0)


def written(project: Project) -> Any:
    document = json.loads((project.folder / "out/okrs.json").read_text())
    return document["objectives"][0]["key_results"][0]["value"]


def test_what_was_given_up_with_its_entry_is_written_once_that_is_put_back(project: Project) -> None:
    check_in(project, 900)
    configure(project, "")
    project.run("sync", check=0)
    configure(project, _ENTRY)
    project.run("sync", check=0)
    assert written(project) == 900


@pytest.mark.nightly
def test_a_target_that_is_renamed_and_back_has_what_it_missed(project: Project) -> None:
    check_in(project, 900)
    project.run("sync", check=0)
    check_in(project, 800)
    configure(project, _ENTRY.replace("okrs.json", "other.json"))
    project.run("sync", check=0)
    configure(project, _ENTRY)
    project.run("sync", check=0)
    assert written(project) == 800


def test_override_lets_what_was_refused_be_written_and_alone_sends_nothing_again(project: Project) -> None:
    (project.folder / "out/okrs.json").write_text("mine")
    check_in(project, 900)
    project.run("sync", check=0)
    assert (project.folder / "out/okrs.json").read_text() == "mine"
    configure(project, _ENTRY.replace("file", "override: true, file"))
    assert "wrote 1 check-in" in project.run("sync", check=0).stdout
    configure(project, _ENTRY)
    assert "wrote" not in project.run("sync", check=0).stdout
    assert written(project) == 900


def test_what_stuck_at_an_entry_that_is_gone_is_no_trouble_any_more(project: Project) -> None:
    (project.folder / "out").rmdir()
    (project.folder / "out").write_text("no folder")
    check_in(project, 900)
    project.run("sync", check=1)
    assert project.status()["unwritten"]
    configure(project, "")
    project.run("sync", check=0)
    assert project.status()["unwritten"] == []


def test_what_was_approved_is_stated_as_of_when_it_was_measured(project: Project) -> None:
    measured = "plausible: {at_most: 5000}, measure: {from: given, file: calls.csv, cell: A1}}"
    project.edit("okrs.yaml", "target: 600}", f"target: 600, {measured}")
    for hour, calls in ((10, 900), (11, 9000)):
        configure(project, _ENTRY, hour)
        (project.folder / "calls.csv").write_text(f"{calls}\n")
        project.run("sync", check=0)
    configure(project, _ENTRY, 12)
    project.run("approve", "calls", "--author", "pm", check=0)
    project.run("publish", check=0)
    assert written(project) == 9000
    document = json.loads((project.folder / "out/okrs.json").read_text())
    assert document["objectives"][0]["key_results"][0]["as_of"] == project.key_results()["calls"]["as_of"]
