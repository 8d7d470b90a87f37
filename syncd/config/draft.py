"""Reads a key result from a single mapping file, or a single measure, in addition to a project's mapping files.

A draft may use the named measures of the other files. Mistakes in the other files do not make it fail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from syncd.config.crossing import project_connections
from syncd.config.document import Document, Place, parse_document, read_document, shown_path
from syncd.config.load import ChosenProject, Config, all_named_measures, mapping_documents, read_chosen
from syncd.config.mapping import Reader
from syncd.config.mapping_files import mapping_files
from syncd.config.mapping_keys import PeriodDays
from syncd.config.measures import MeasureReader, Named
from syncd.config.messages import nearest
from syncd.config.periods import Origin
from syncd.config.project import ProjectFile
from syncd.okr.goals import Band, KeyResult, Objective, PeriodOkrs, guard_id
from syncd.okr.measures import Measure
from syncd.okr.spans import Period, parse_period
from syncd.sdk import ConfigError, Problem

STANDARD_INPUT = "standard input"


@dataclass(frozen=True, slots=True)
class Draft:
    """A key result that need not be in a mapping file of the project yet. `config` contains only this key result.

    `is_bare` is true for a measure without a key result. The goal of its key result is then a placeholder without
    meaning.
    """

    config: Config
    key_result: KeyResult
    is_bare: bool

    @property
    def period(self) -> Period:
        """The period that limits the window of the draft's measure."""
        return self.config.periods[0].period

    @property
    def measure(self) -> Measure:
        """The measure of the draft."""
        assert self.key_result.measure is not None  # a draft has one
        return self.key_result.measure


def draft_of_key_result(path: Path, file: Path, name: str, workspace: str | None = None) -> Draft:
    """Reads the key result or guard with this id from a mapping file. The connections are those of the syncd.yaml at
    `path`, or of a workspace if that file is a deployment. Raises ConfigError if the file has no such key result, or
    has a mistake.
    """
    project = _Project(read_chosen(path.absolute(), workspace))
    document = read_document(file.absolute(), shown_path(file.absolute()))
    project.add(document)
    reader = Reader(document, project.connections, project.zone, project.named, project.settings.year_starts)
    content = reader.read()
    project.refuse(reader.problems)
    if content is None:
        raise ConfigError(f"{document.file} has no objectives; name a file that has")
    period, objectives = content
    for objective, place in objectives:
        for index, key_result in enumerate(objective.key_results):
            where = (*place, "key_results", index)
            if key_result.id == name:
                if key_result.measure is None:
                    problem = document.problem(where, f"{name} has no 'measure'; people check it in")
                    raise ConfigError(problems=[problem])
                return project.draft(document, where, period, key_result, is_bare=False)
            if guard_id(key_result.id) == name:
                if key_result.guard is None:
                    problem = document.problem(where, f"{key_result.id} has no 'guard'; try {key_result.id} alone")
                    raise ConfigError(problems=[problem])
                return project.draft(document, (*where, "guard"), period, key_result.guard, is_bare=False)
    name = name.removesuffix(guard_id(""))
    ids = [key_result.id for objective, _ in objectives for key_result in objective.key_results]
    raise ConfigError(f"there is no key result {name!r} in {document.file}{nearest(name, ids)}")


def draft_of_measure(path: Path, text: str, now: datetime, workspace: str | None = None) -> Draft:
    """Reads a measure in YAML. The connections are those of the syncd.yaml at `path`, or of a workspace if that file is
    a deployment. The period is the project's period of today; if no mapping file has such a period, the calendar
    quarter.
    """
    project = _Project(read_chosen(path.absolute(), workspace))
    document = parse_document(text, STANDARD_INPUT)
    if not isinstance(document.data, dict | str):
        message = "is no measure; write its keys, such as {from: local, file: calls.csv, cell: B2}"
        raise ConfigError(problems=[Problem(STANDARD_INPUT, 0, message)])
    reader = MeasureReader(document, project.connections, project.zone, project.named, {})
    measure = reader.read(document.data, ())
    project.refuse(reader.problems)
    assert measure is not None  # otherwise there is a problem
    period = project.period_of(now.astimezone(project.zone).date())
    bare = KeyResult("measure", "", "output", Band(None, None), measure)
    return project.draft(document, (), period, bare, is_bare=True)


def config_of_new(path: Path, written: Document) -> Config:
    """The configuration, with connections only, of a project that has no files yet. `written` is its future syncd.yaml
    at `path`.
    """
    return _new_project(path, written).config((), (), {})


def draft_of_new(path: Path, written: Document, measure: Document, period: Period) -> Draft:
    """The draft of a measure of a project that has no files yet."""
    project = _new_project(path, written)
    reader = MeasureReader(measure, project.connections, project.zone, {}, {})
    read = reader.read(measure.data, ())
    project.refuse(reader.problems)
    return project.draft(measure, (), period, KeyResult("measure", "", "output", Band(None, None), read), is_bare=True)


def _new_project(path: Path, written: Document) -> _Project:
    return _Project(ChosenProject(path, written, ProjectFile.model_validate(written.data), None), has_files=False)


class _Project:
    """A syncd.yaml, and the named measures of its mapping files if these files exist already."""

    def __init__(self, chosen: ChosenProject, *, has_files: bool = True) -> None:
        self.path, self.document, self.settings, self._workspace = chosen
        problems: list[Problem] = []
        self.connections = project_connections(self.document, self.settings, self._workspace, problems)
        if problems:
            raise ConfigError(problems=problems)
        self.zone = ZoneInfo(self.settings.timezone)
        self._of_others: list[Problem] = []
        pattern = self.settings.mappings
        files = mapping_files(self.path.parent, pattern, self.document, self._of_others) if has_files else []
        self._mappings: Sequence[Document] = mapping_documents(files, self._of_others)
        self.named: Mapping[str, Named] = all_named_measures(self._mappings, self._of_others)

    def add(self, document: Document) -> None:
        """Adds the named measures of this document, which may be one of the mapping files."""
        others = [other for other in self._mappings if Path(other.file).resolve() != Path(document.file).resolve()]
        self.named = {**all_named_measures(others, []), **all_named_measures([document], [])}

    def period_of(self, today: date) -> Period:
        """The shortest period of the mapping files that contains this day; if there is none, the day's quarter."""
        written = [document.data.get("period") for document in self._mappings if isinstance(document.data, dict)]
        periods = [
            period for given in written if (period := self._period(given)) and period.first <= today <= period.last
        ]
        quarter = parse_period(f"{today.year}-Q{(today.month + 2) // 3}", self.zone)
        return min(periods, key=lambda period: period.days, default=quarter)

    def _period(self, given: Any) -> Period | None:
        try:
            if isinstance(given, dict):
                return PeriodDays.model_validate(given).period(self.zone)
            return parse_period(str(given), self.zone, self.settings.year_starts)
        except ValueError:
            return None

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Raises ConfigError if there are problems. The error also lists the problems of other files, because they may
        be the cause.
        """
        if problems:
            raise ConfigError(problems=[*problems, *self._of_others])

    def draft(self, document: Document, place: Place, period: Period, key_result: KeyResult, *, is_bare: bool) -> Draft:
        """The draft of the project with only this key result."""
        key_result = replace(key_result, guard=None)  # a guard has a measure of its own
        okrs = PeriodOkrs(period, (Objective("draft", "", (key_result,)),))
        origins = {(period.id, key_result.id): Origin(document, place)}
        return Draft(self.config((document,), (okrs,), origins), key_result, is_bare)

    def config(
        self,
        mappings: tuple[Document, ...],
        periods: tuple[PeriodOkrs, ...],
        origins: Mapping[tuple[str, str], Origin],
    ) -> Config:
        """The configuration of the project with only these mapping files."""
        connections = {name: connection for name, connection in self.connections.items() if connection}
        return Config(
            self.path,
            self.settings,
            self.document,
            mappings,
            connections,
            periods,
            origins,
            workspace=self._workspace,
        )
