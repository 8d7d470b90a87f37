"""The whole configuration, checked: syncd.yaml, every mapping file, and what they say of each other."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from syncd.config.document import Document, read_document
from syncd.config.mapping import Reader, named_measures
from syncd.config.mapping_test_keys import MappingTestKeys
from syncd.config.mapping_tests import MappingTest, MappingTestReader
from syncd.config.measures import Named
from syncd.config.messages import problems
from syncd.config.plans import Plans, Source
from syncd.config.project import Connection, ProjectFile, Resolver, password_in_url, read_connections
from syncd.config.publications import Publication, read_publications
from syncd.okr.goals import Plan, Shares
from syncd.okr.measures import leaves, stream_keys
from syncd.sdk import ConfigError, Problem

if TYPE_CHECKING:
    from syncd.okr.lint import Finding


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that syncd.yaml and the mapping files say, with no secret in it."""

    path: Path
    settings: ProjectFile
    document: Document
    connections: Mapping[str, Connection]
    plans: tuple[Plan, ...]
    sources: Mapping[tuple[str, str], Source] = field(repr=False)
    tests: tuple[MappingTest, ...] = field(default=(), repr=False)
    publications: tuple[Publication, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The zone that days are cut in."""
        return ZoneInfo(self.settings.timezone)

    @property
    def shares(self) -> Shares:
        """Where on track and at risk end."""
        return Shares(self.settings.health.on_track, self.settings.health.at_risk)

    def ledger_url(self, environment: Mapping[str, str] = os.environ) -> str:
        """The ledger's URL with references resolved and a relative SQLite path set at syncd.yaml's folder."""
        resolver = Resolver(self.document, environment, within=partial(quote, safe=""))
        url: str = resolver(self.settings.ledger, ("ledger",))
        if resolver.problems:
            raise ConfigError(problems=resolver.problems)
        prefix = "sqlite:///"
        if url.startswith(prefix) and not url.startswith(prefix + "/") and url != prefix + ":memory:":
            return prefix + str(self.path.parent / url.removeprefix(prefix))
        return url

    def notify_addresses(self) -> Mapping[str, Sequence[str]]:
        """Every recipient's addresses, references resolved, by owner, and by `to` those of everybody."""
        notify = self.settings.notify
        if notify is None:
            return {}
        resolver = Resolver(self.document)
        found = {
            name: resolver(addresses, ("notify",)) for name, addresses in {**notify.owners, "to": notify.to}.items()
        }
        if resolver.problems:
            raise ConfigError(problems=resolver.problems)
        return found

    def file_of(self, period: str, key_result: str) -> str:
        """The file that a key result stands in, from syncd.yaml's folder: the same whatever folder syncd runs in."""
        file = os.path.relpath(self.sources[(period, key_result)].document.file, self.path.parent)
        return Path(file).as_posix()

    def check_references(self) -> None:
        """ConfigError lists every reference (`${NAME}`) that is not set, of the connections that are used."""
        used = {leaf.connection for plan in self.plans for kr in plan.measured for leaf in leaves(kr.measure)}
        used |= {publication.connection.name for publication in self.publications}
        found: list[Problem] = []
        for name in used:
            try:
                self.connections[name].resolved()
            except ConfigError as error:
                found.extend(error.problems)
        try:
            self.notify_addresses()
        except ConfigError as error:
            found.extend(error.problems)
        if found:
            raise ConfigError(problems=found)

    def findings(self) -> Iterator[tuple[Problem, Finding]]:
        """What lint says of every plan, each with its place."""
        from syncd.okr.lint import lint  # here: of all commands only `validate` runs the rules

        for plan in self.plans:
            for finding in lint(plan):
                source = self.sources[(plan.period.id, finding.subject)]
                yield source.problem(f"{finding.subject} {finding.message}", finding.rule.key), finding


def load_config(path: Path) -> Config:
    """The configuration that starts at a syncd.yaml. ConfigError carries every problem of all its files."""
    with _uncollected():
        return _load(path.absolute())


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nothing that is read here is garbage, and looking through it over and over takes a fifth of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _load(path: Path) -> Config:
    document = read_document(path, _shown(path))
    if document.data is None:
        raise ConfigError(problems=[Problem(document.file, 0, "is empty; `syncd init` writes one to start from")])
    try:
        settings = ProjectFile.model_validate(document.data)
    except ValidationError as error:
        raise ConfigError(problems=problems(error, ProjectFile, document)) from None
    found: list[Problem] = []
    connections: dict[str, Connection | None] = dict.fromkeys(settings.connections)
    for item in read_connections(document, settings.connections):
        if isinstance(item, Problem):
            found.append(item)
        else:
            connections[item.name] = item
    found.extend(_settings_problems(settings, document))
    gathered = Plans(found)
    tests: list[tuple[Document, str, list[MappingTestKeys]]] = []
    mappings = list(_documents(_mapping_files(path.parent, settings.mappings, document, found), found))
    named = _named_measures(mappings, found)
    for mapping in mappings:
        reader = Reader(mapping, connections, ZoneInfo(settings.timezone), named)
        read = reader.read()
        found.extend(reader.problems)
        if read:
            gathered.add(mapping, *read)
            tests.append((mapping, read[0].id, reader.tests))
    plans = gathered.finish()
    publications: list[Publication] = []
    ids = {kr.id for plan in plans for kr in plan.key_results}
    for entry in read_publications(document, settings.publish, connections, ids):
        if isinstance(entry, Problem):
            found.append(entry)
            continue
        publications.append(entry)
        measured = {
            key
            for plan in plans
            for kr in plan.measured
            for leaf in leaves(kr.measure)
            if leaf.connection == entry.connection.name
            for key in stream_keys(leaf)
        }
        for target in sorted(measured.intersection(entry.targets(ids).values())):
            message = f"{target} is what a key result is measured from; write to another place"
            found.append(document.problem(entry.place, message))
    read_tests = [] if found else list(_tests(plans, tests, found))
    if found:
        raise ConfigError(problems=found)
    sound = {name: connection for name, connection in connections.items() if connection}
    return Config(path, settings, document, sound, plans, gathered.sources, tuple(read_tests), tuple(publications))


def _tests(
    plans: Sequence[Plan], written: Iterable[tuple[Document, str, list[MappingTestKeys]]], found: list[Problem]
) -> Iterator[MappingTest]:
    by_period = {plan.period.id: plan for plan in plans}
    for document, period, tests in written:
        reader = MappingTestReader(document, by_period[period])
        yield from reader.read(tests)
        found.extend(reader.problems)


def _documents(files: Iterable[Path], found: list[Problem]) -> Iterator[Document]:
    for file in files:
        try:
            mapping = read_document(file, _shown(file))
        except ConfigError as error:
            found.extend(error.problems)
            continue
        if mapping.data is None:
            found.append(Problem(mapping.file, 0, "is empty; a mapping file has a 'period' and 'objectives'"))
            continue
        yield mapping


def _named_measures(mappings: Iterable[Document], found: list[Problem]) -> Mapping[str, Named]:
    known: dict[str, Named] = {}
    for mapping in mappings:
        for name, measure in named_measures(mapping).items():
            first = known.setdefault(name, measure)
            if first is not measure:
                where = f"{first.document.file}:{first.document.line(first.place)}"
                message = f"measure {name!r} is taken: {where} has it; each name stands for one measure in all files"
                found.append(mapping.problem(measure.place, message))
    return known


def _shown(path: Path) -> str:
    """A path as messages say it: relative to the working folder where it lies below it."""
    return str(path).removeprefix(os.path.join(os.getcwd(), ""))


def _settings_problems(settings: ProjectFile, document: Document) -> Iterator[Problem]:
    if password_in_url(settings.ledger):
        message = "ledger holds a password written out; write postgresql+psycopg://user:${LEDGER_PASSWORD}@host/db"
        yield document.problem(("ledger",), message)
    if not settings.ledger.startswith(("sqlite:///", "postgresql+psycopg://", "${")):
        message = f"ledger is {settings.ledger!r}; write sqlite:///syncd.db or postgresql+psycopg://user@host/db"
        yield document.problem(("ledger",), message)
    if settings.health.at_risk > settings.health.on_track:
        yield document.problem(("health",), "at_risk is above on_track; swap them")


def _mapping_files(folder: Path, pattern: str, document: Document, found: list[Problem]) -> list[Path]:
    start = folder / pattern
    if start.is_dir():
        # Hidden ones are an editor's, or the folders behind a Kubernetes ConfigMap's links.
        files = [
            file
            for suffix in ("*.yaml", "*.yml")
            for file in start.rglob(suffix)
            if not any(part.startswith(".") for part in file.relative_to(start).parts)
        ]
    elif start.is_file():
        files = [start]
    else:
        try:
            files = [file for file in folder.glob(pattern) if file.is_file()]
        except (ValueError, NotImplementedError):
            files = [Path(name) for name in _absolute_glob(pattern)]
    if not files:
        message = f"mappings is {pattern!r}, and no .yaml file is there; name the folder that holds them, or a glob"
        found.append(document.problem(("mappings",), message))
    return sorted(files)


def _absolute_glob(pattern: str) -> list[str]:
    from glob import glob

    return glob(pattern, recursive=True)
