"""Loads and checks the whole configuration: syncd.yaml, every mapping file, and the references between them."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import is_
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from syncd.config.connections import Connection
from syncd.config.crossing import export_problems, project_connections
from syncd.config.document import Document, read_document, shown_path
from syncd.config.ledger_address import LedgerAddress, ledger_problems
from syncd.config.mapping import Reader, named_measures
from syncd.config.mapping_files import mapping_files
from syncd.config.measures import MeasureReader, Named
from syncd.config.messages import nearest
from syncd.config.pages_of_all import misplaced_web_keys
from syncd.config.path_errors import path_errors
from syncd.config.periods import Origin, PeriodJoiner
from syncd.config.project import ProjectFile
from syncd.config.project_document import read_project
from syncd.config.publications import Publication, read_publications
from syncd.config.references import Resolver
from syncd.config.settings_rules import settings_problems
from syncd.okr.goals import PeriodOkrs, Shares
from syncd.okr.measures import RecordMeasure, leaves, stream_keys
from syncd.sdk import ConfigError, Problem

if TYPE_CHECKING:
    from syncd.config.deployment import Deployment, Workspace
    from syncd.config.mapping_tests import MappingTest
    from syncd.okr.lint import Finding, PulledRows


@dataclass(frozen=True, slots=True)
class Config:
    """The content of syncd.yaml and the mapping files, without secrets."""

    path: Path
    settings: ProjectFile
    document: Document
    mappings: tuple[Document, ...] = field(repr=False)
    connections: Mapping[str, Connection]
    periods: tuple[PeriodOkrs, ...]
    origins: Mapping[tuple[str, str], Origin] = field(repr=False)
    tests: tuple[MappingTest, ...] = field(default=(), repr=False)
    publications: tuple[Publication, ...] = ()
    workspace: Workspace | None = None
    _relative: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of all days."""
        return ZoneInfo(self.settings.timezone)

    @property
    def shares(self) -> Shares:
        """The shares of the expected score from which a score is on track or at risk."""
        return Shares(self.settings.health.on_track, self.settings.health.at_risk)

    def ledger_url(self, environment: Mapping[str, str] = os.environ) -> str:
        """The ledger's URL with references resolved. A relative SQLite path starts at the folder of the syncd.yaml that
        has the key `ledger`.
        """
        return _ledger_address(self.settings.ledger, self.document, self.path, self.workspace).resolved(environment)

    def address(self, key: str, reference: str) -> str:
        """The address in a key, such as `notify`, with its references resolved. Raises ConfigError if a reference is
        not set.
        """
        resolver = Resolver(self.document)
        address: str = resolver(reference, (key,))
        if resolver.problems:
            raise ConfigError(problems=resolver.problems)
        return address

    def unknown_owners(self) -> Iterator[Problem]:
        """A problem for each name in `notify: owners:` that owns neither an objective nor a key result."""
        notify = self.settings.notify
        of_objectives = {objective.owner for okrs in self.periods for objective in okrs.objectives}
        of_key_results = {kr.owner for okrs in self.periods for kr in okrs.key_results}
        owners = {owner for owner in of_objectives | of_key_results if owner is not None}
        for name in sorted(set(notify.owners) - owners) if notify is not None else ():
            message = f"no objective or key result has the owner {name!r}{nearest(name, owners)}"
            yield self.document.problem(("notify", "owners", name), message)

    def file_of(self, period: str, key_result: str) -> str:
        """The path of a key result's file, relative to the folder of syncd.yaml and not to the working folder."""
        file = self.origins[(period, key_result)].document.file
        if file not in self._relative:
            self._relative[file] = Path(os.path.relpath(file, self.path.parent)).as_posix()
        return self._relative[file]

    def unopened(self, only: str | None = None) -> Mapping[str, str]:
        """The reason why each connection of `publish:` that fails cannot be opened: a reference is not set, or its
        value is not valid. The key `notify` stands for the addresses of `notify:`. `only` limits the result to the
        connections through which this key result is published.
        """
        reasons: dict[str, str] = {}
        for publication in self.publications:
            if only is None or publication.targets({only}):
                with _noted(reasons, publication.connection.name):
                    publication.connection.resolved()
        notify = self.settings.notify
        for reference in notify.references if notify is not None and only is None else ():
            with _noted(reasons, "notify"):
                self.address("notify", reference)
        return reasons

    def warnings(self) -> Iterator[Problem]:
        """A problem for each setting of a connection that is valid but probably wrong."""
        for connection in self.connections.values():
            for key, message in connection.settings.warnings():
                yield connection.document.problem((*connection.place, key), f"{connection.name}: {message}")

    def web_warnings(self) -> Iterator[Problem]:
        """A problem for each setting of `web:` that is valid but probably wrong."""
        for place, message in (*self.settings.web.warnings(), *misplaced_web_keys(self.document)):
            yield self.document.problem(("web", *place), message)

    def findings(self, rows: PulledRows | None = None) -> Iterator[tuple[Problem, Finding]]:
        """The findings of lint about the OKRs of all periods, each with its place. `rows` adds findings about
        records.
        """
        from syncd.okr.lint import lint  # here: of all commands only `validate` runs the rules

        for okrs in self.periods:
            for finding in lint(okrs, rows):
                origin = self.origins[(okrs.period.id, finding.subject)]
                yield origin.problem(f"{finding.subject} {finding.message}", finding.rule.key), finding


def read_ledger_url(path: Path, workspace: str | None = None, *, instead: str | None = None) -> str:
    """The URL of the ledger that a syncd.yaml names; in a deployment, the URL of a workspace's ledger. Mapping files
    are not read.

    `instead` replaces the value of `ledger:`. Raises ConfigError if this value is not the URL of a ledger.
    """
    file, document, settings, chosen = read_chosen(path.absolute(), workspace)
    url = instead or settings.ledger
    if problems := list(ledger_problems(url, document)):
        raise ConfigError(problems=problems)
    return _ledger_address(url, document, file, chosen).resolved()


class ChosenProject(NamedTuple):
    """The syncd.yaml of a project, or of a workspace of a deployment, with its keys."""

    path: Path
    document: Document
    settings: ProjectFile
    workspace: Workspace | None


def read_chosen(path: Path, workspace: str | None, last: Document | None = None) -> ChosenProject:
    """Reads the syncd.yaml of a project, or of a workspace of a deployment.

    Raises ConfigError if a key is wrong, if a deployment has no such workspace, or if `workspace` is given for a
    project.
    """
    document, settings = read_project(path, last)
    if settings.workspaces is None:
        if workspace is not None:
            message = f"has no `workspaces:`, so there is no {workspace!r}; leave out --workspace, or name a deployment"
            raise ConfigError(problems=[Problem(document.file, 0, message)])
        return ChosenProject(path, document, settings, None)
    from syncd.config.deployment import deployment_of  # here: a single project does not need it

    deployment = deployment_of(path, document, settings)
    chosen = deployment.chosen(workspace)
    return ChosenProject(chosen.path, *deployment.read(chosen, last), chosen)


def load_config(
    path: Path, workspace: str | None = None, *, thorough: bool = True, last: Config | None = None
) -> Config:
    """The configuration of a project, or of a workspace of a deployment. Raises ConfigError with every problem in all
    of its files.

    Without `thorough`, the tests in mapping files are not read, and no query is checked, because the check imports a
    parser. Callers that only show data of the ledger need neither. A file with the same content as in the `last`
    configuration is not parsed again. If no file has changed, `last` itself is returned.
    """
    with path_errors(), _without_garbage_collection():
        return _load(read_chosen(path.absolute(), workspace, last.document if last else None), thorough, last)


def load_workspace(deployment: Deployment, name: str, *, thorough: bool = True, last: Config | None = None) -> Config:
    """The configuration of a workspace, in a deployment that was read already: for callers that load many workspaces.
    Raises ConfigError like `load_config`, and reuses the `last` configuration in the same way.
    """
    chosen = deployment.chosen(name)
    with path_errors(), _without_garbage_collection():
        own = deployment.read(chosen, last.document if last else None)
        return _load(ChosenProject(chosen.path, *own, chosen), thorough, last)


@contextmanager
def _noted(reasons: dict[str, str], name: str) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        reasons[name] = "; ".join(map(str, error.problems)) or str(error)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Switches garbage collection off, because loading creates no garbage, and collection would take a fifth of the
    loading time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _ledger_address(url: str, document: Document, file: Path, workspace: Workspace | None) -> LedgerAddress:
    if workspace is None:
        return LedgerAddress(url, document, file.parent)
    return LedgerAddress(url, document, workspace.deployment.parent, workspace.name)


def _load(project: ChosenProject, thorough: bool, last: Config | None) -> Config:
    path, document, settings, workspace = project
    of_files: list[Problem] = []
    mappings = mapping_documents(mapping_files(path.parent, settings.mappings, document, of_files), of_files, last)
    if last is not None and not of_files and _same((document, *mappings), (last.document, *last.mappings)):
        return last
    problems: list[Problem] = []
    connections = project_connections(document, settings, workspace, problems)
    problems += [*settings_problems(settings, document), *of_files]
    joined = PeriodJoiner(problems)
    files: list[tuple[Document, str | None]] = []  # each with the period of its objectives, if they are valid
    named, zone = all_named_measures(mappings, problems), ZoneInfo(settings.timezone)
    for mapping in mappings:
        reader = Reader(mapping, connections, zone, named, settings.year_starts, thorough=thorough)
        content = reader.read()
        problems.extend(reader.problems)
        files.append((mapping, content[0].id if content else None))
        if content:
            joined.add(mapping, *content)
    periods = joined.finish(tuple(_work(document, connections, zone, problems)))
    problems += export_problems(settings, document, periods)
    publications: list[Publication] = []
    by_period = {okrs.period.id: [kr.id for kr in okrs.key_results] for okrs in periods}
    ids = {name for names in by_period.values() for name in names}
    measured: dict[str, set[str]] = {}
    for leaf in (leaf for okrs in periods for kr in okrs.measured for leaf in leaves(kr.measure)):
        measured.setdefault(leaf.connection, set()).update(stream_keys(leaf))
    for publication in read_publications(document, settings.publish, connections, by_period):
        if isinstance(publication, Problem):
            problems.append(publication)
            continue
        publications.append(publication)
        streams = measured.get(publication.connection.name, set())
        for target in sorted(streams.intersection(publication.targets(ids).values())):
            message = f"a key result is measured from {target}; write to another place"
            problems.append(document.problem(publication.place, message))
    tests = list(_mapping_tests(files, periods, problems)) if thorough else []
    if problems:
        raise ConfigError(problems=problems)
    used = {*settings.connections, *measured}  # the connection to other workspaces exists only if a measure reads them
    valid = {name: connection for name, connection in connections.items() if connection and name in used}
    publishing = tuple(publications)
    return Config(
        path,
        settings,
        document,
        mappings,
        valid,
        periods,
        joined.origins,
        tuple(tests),
        publishing,
        workspace=workspace,
    )


def _work(
    document: Document, connections: Mapping[str, Connection | None], zone: ZoneInfo, problems: list[Problem]
) -> Iterator[RecordMeasure]:
    reader = MeasureReader(document, connections, zone, {}, {}, problems)
    for connection in filter(None, connections.values()):
        for keys in connection.settings.work_lists():
            measure = reader.read({"from": connection.name, "take": "count", **keys}, (*connection.place, "work"))
            if isinstance(measure, RecordMeasure):
                yield measure


def _mapping_tests(
    files: Iterable[tuple[Document, str | None]], periods: Sequence[PeriodOkrs], problems: list[Problem]
) -> Iterator[MappingTest]:
    """The tests of all files. The keys of the tests are checked even if the rest of a file is not valid."""
    from syncd.config.mapping_tests import MappingTestReader, read_test_keys  # here: figures need no tests

    keys = [(document, period, list(read_test_keys(document, problems))) for document, period in files]
    by_period = {okrs.period.id: okrs for okrs in periods}
    for document, period, tests in keys if not problems else ():
        if period is not None:
            reader = MappingTestReader(document, by_period[period])
            yield from reader.read(tests)
            problems.extend(reader.problems)


def _same(documents: Sequence[Document], others: Sequence[Document]) -> bool:
    return len(documents) == len(others) and all(map(is_, documents, others))


def mapping_documents(
    files: Iterable[Path], problems: list[Problem], last: Config | None = None
) -> tuple[Document, ...]:
    """The documents in mapping files. Adds a problem for a file that cannot be read, or is empty."""
    before = {document.file: document for document in last.mappings} if last else {}
    documents: list[Document] = []
    for file in files:
        try:
            mapping = read_document(file, shown_path(file), before.get(shown_path(file)))
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        if mapping.data is None:
            problems.append(Problem(mapping.file, 0, "is empty; a mapping file has a 'period' and 'objectives'"))
            continue
        documents.append(mapping)
    return tuple(documents)


def all_named_measures(mappings: Iterable[Document], problems: list[Problem]) -> Mapping[str, Named]:
    """The named measures of all mapping files. Adds a problem if two files have the same name for a measure."""
    by_name: dict[str, Named] = {}
    for mapping in mappings:
        for name, measure in named_measures(mapping).items():
            first = by_name.setdefault(name, measure)
            if first is not measure:
                where = f"{first.document.file}:{first.document.line(first.place)}"
                message = f"measure {name!r} is defined at {where} already; measures need a name that no other file has"
                problems.append(mapping.problem(measure.place, message))
    return by_name
