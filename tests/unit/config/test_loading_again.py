"""Loading a configuration again: what is as before is not parsed again, and what refers to a change follows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncd.config import Config, document, load_config
from syncd.okr.measures import Measure, ReadingMeasure
from syncd.sdk import ConfigError

PROJECT = "mappings: okrs/\nconnections:\n  local: {type: files, root: .}\n"
MEASURES = "measures:\n  calls: {from: local, file: a.csv, cell: B1}\n"
OBJECTIVE = """\
period: 2026-Q4
objectives:
  - id: NAME
    title: A better NAME
    key_results:
      - {id: kr-NAME, title: More of NAME, kind: outcome, baseline: 0, target: 10, measure: calls}
"""


class Project:
    """A project of three mapping files; `load` loads it again and says which files were parsed."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.parsed: list[str] = []
        self.config: Config | None = None
        (folder / "okrs").mkdir()
        self.write("syncd.yaml", PROJECT)
        self.write("okrs/measures.yaml", MEASURES)
        for name in ("search", "service"):
            self.write(f"okrs/{name}.yaml", OBJECTIVE.replace("NAME", name))
        compose = document.compose

        def counted(text: str, shown: str) -> Any:
            self.parsed.append(Path(shown).name)
            return compose(text, shown)

        monkeypatch.setattr(document, "compose", counted)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def load(self) -> list[str]:
        self.parsed.clear()
        self.config = load_config(self.folder / "syncd.yaml", last=self.config)
        return sorted(self.parsed)

    def measure(self, key_result: str) -> Measure | None:
        assert self.config is not None
        return self.config.periods[0].by_id[key_result].measure


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    project = Project(tmp_path, monkeypatch)
    assert project.load() == ["measures.yaml", "search.yaml", "service.yaml", "syncd.yaml"]
    return project


def test_nothing_is_parsed_again_if_nothing_changed(project: Project) -> None:
    config = project.config
    (project.folder / "okrs/search.yaml").touch()
    assert project.load() == []
    assert project.config is config


def test_only_the_changed_file_is_parsed(project: Project) -> None:
    project.write("okrs/search.yaml", OBJECTIVE.replace("NAME", "search").replace("target: 10", "target: 20"))
    assert project.load() == ["search.yaml"]
    assert project.config == load_config(project.folder / "syncd.yaml")


def test_key_result_follows_a_measure_of_another_file(project: Project) -> None:
    project.write("okrs/measures.yaml", MEASURES.replace("a.csv", "b.csv"))
    assert project.load() == ["measures.yaml"]
    for name in ("kr-search", "kr-service"):
        measure = project.measure(name)
        assert isinstance(measure, ReadingMeasure)
        assert measure.stream == "b.csv"


def test_key_result_that_refers_to_what_is_gone_is_refused(project: Project) -> None:
    project.write("okrs/measures.yaml", MEASURES.replace("calls", "letters"))
    with pytest.raises(ConfigError) as refused:
        project.load()
    assert {Path(problem.file).name for problem in refused.value.problems} == {"search.yaml", "service.yaml"}
    project.write("okrs/measures.yaml", MEASURES)
    assert project.load() == []


def test_settings_apply_to_files_that_are_as_before(project: Project) -> None:
    project.write("syncd.yaml", PROJECT + "timezone: Asia/Tokyo\n")
    assert project.load() == ["syncd.yaml"]
    assert project.config is not None
    assert project.config.periods[0].period.zone.key == "Asia/Tokyo"


def test_file_that_is_gone_leaves(project: Project) -> None:
    (project.folder / "okrs/search.yaml").unlink()
    assert project.load() == []
    assert project.config is not None
    assert [kr.id for kr in project.config.periods[0].key_results] == ["kr-service"]


def test_file_under_a_new_name_is_called_by_it(project: Project) -> None:
    (project.folder / "okrs/search.yaml").rename(project.folder / "okrs/finding.yaml")
    assert project.load() == ["finding.yaml"]
    assert project.config is not None
    assert project.config.file_of("2026-Q4", "kr-search") == "okrs/finding.yaml"


def test_broken_file_leaves_the_others_as_they_are(project: Project) -> None:
    project.write("okrs/search.yaml", "objectives: [")
    with pytest.raises(ConfigError):
        project.load()
    assert project.parsed == ["search.yaml"]
