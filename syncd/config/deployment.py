"""A deployment: a syncd.yaml whose `workspaces:` names the syncd.yaml files of many teams. The deployment has one
ledger setting and defaults for all of its workspaces.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from hashlib import blake2b
from pathlib import Path, PurePath

from syncd.config.document import Document, shown_path
from syncd.config.ledger_address import LedgerAddress, shared_ledger_problems, workers_ledger_problems
from syncd.config.mapping_files import stays_in, unreadable_on_the_way
from syncd.config.messages import nearest
from syncd.config.project import ProjectFile
from syncd.config.project_document import read_filled, read_project, settings_of
from syncd.sdk import ConfigError, Problem

_DEFAULTS = ("schedule", "timezone", "retain", "web", "clock")
"""The keys of a deployment that are defaults for its workspaces."""

_MERGED = ("retain", "web")  # keys that are merged key by key: a workspace may add roles and keep the login
_OF_ALL = ("workspaces", "ledger", "runner", "worker")  # a workspace cannot have them
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")  # PostgreSQL allows 63 characters, `ws_` included
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace: its name, its own syncd.yaml, and the syncd.yaml of its deployment."""

    name: str
    path: Path
    deployment: Path


class WorkspaceNotChosen(ConfigError):
    """No workspace was chosen in a deployment with many workspaces. The message lists the workspaces."""

    def __init__(self, deployment: Deployment, problem: Problem) -> None:
        super().__init__(problems=[problem])
        self.deployment = deployment


@dataclass(frozen=True)
class Deployment:
    """The syncd.yaml of a deployment, and the files of its workspaces. The files are looked up at the first access."""

    path: Path
    document: Document
    settings: ProjectFile

    @cached_property
    def files(self) -> Mapping[str, Sequence[Path]]:
        """The workspaces' files by the names of their folders, in the order of the names. Raises ConfigError if this
        user may not read a folder that can contain many workspaces, because these workspaces would seem to be deleted.
        """
        for place in self._closed:
            if place not in self._closed_workspaces:
                message = f"{shown_path(place)} cannot be read: permission denied"
                raise ConfigError(problems=[self.document.problem(("workspaces",), message)])
        by_name: dict[str, list[Path]] = defaultdict(list)
        for file in _files(self.path, self.settings.workspaces or ""):
            by_name[file.parent.name].append(file)
        return {name: by_name[name] for name in sorted(by_name)}

    @cached_property
    def _closed(self) -> Sequence[Path]:
        errors = unreadable_on_the_way(self.path.parent, self.settings.workspaces or ".")
        return [Path(error.filename) for error in errors]

    @property
    def _closed_workspaces(self) -> Sequence[Path]:
        """The unreadable folders that can contain at most a single workspace."""
        depth = len(self.path.parent.parts) + len(PurePath(self.settings.workspaces or ".").parts) - 1
        several = "**" in PurePath(self.settings.workspaces or ".").parts
        return [place for place in self._closed if len(place.parts) == depth and not several]

    def with_workspaces(self) -> Deployment:
        """Returns this deployment. Raises ConfigError if it has no workspace."""
        if not self.files and not self.refused:
            raise ConfigError(problems=[self._nothing_there()])
        return self

    def _nothing_there(self) -> Problem:
        message = f"workspaces is {self.settings.workspaces!r}, and no file is there; write a glob that starts at this "
        return self.document.problem(("workspaces",), f"{message}folder, such as teams/*/syncd.yaml")

    def names(self) -> Collection[str]:
        """The names of all workspaces, including refused workspaces."""
        return {*self.workspaces, *self.refused}

    @cached_property
    def workspaces(self) -> Mapping[str, Workspace]:
        """The workspaces by name."""
        return {name: self._workspace(name, files) for name, files in self.files.items() if name not in self.refused}

    @cached_property
    def refused(self) -> Mapping[str, Problem]:
        """Each folder that cannot be a workspace, with the problem."""
        problems = {name: self._problem(name, files) for name, files in self.files.items()}
        closed = {
            place.name: Problem(shown_path(place), 0, "cannot be read: permission denied")
            for place in self._closed_workspaces
        }
        return closed | {name: problem for name, problem in problems.items() if problem is not None}

    def _workspace(self, name: str, files: Sequence[Path]) -> Workspace:
        return Workspace(name, files[0], self.path)

    def _problem(self, name: str, files: Sequence[Path]) -> Problem | None:
        return _not_a_workspace(name, files, self._home)

    def _files_of(self, name: str) -> Sequence[Path]:
        """The files of all folders with this name. Reads only these folders if `workspaces:` has a pattern for
        folders.
        """
        parts = PurePath(self.settings.workspaces or "").parts
        if "files" in vars(self) or len(parts) < 2 or "**" in parts[-1] or not _NAME.fullmatch(name):
            return self.files.get(name, ())
        *above, folder, file = parts
        if folder == "**":
            above.append(folder)
        elif not fnmatchcase(name, folder):
            return ()
        return _files(self.path, str(PurePath(*above, name, file)))

    @cached_property
    def _home(self) -> Path:
        return self.path.parent.resolve()

    def chosen(self, name: str | None) -> Workspace:
        """The workspace with this name. Raises ConfigError with the names of the workspaces if none has this name, or
        if `name` is None.

        Does not read other workspaces, because a job of a worker needs only one workspace of perhaps a thousand.
        """
        if name is not None and (files := self._files_of(name)):
            if (problem := self._problem(name, files)) is not None:
                raise ConfigError(problems=[problem])
            return self._workspace(name, files)
        if name is not None and name in self.refused:
            raise ConfigError(problems=[self.refused[name]])
        if not self.workspaces:
            raise ConfigError(problems=[*self.refused.values()] or [self._nothing_there()])
        if name is None:
            names = list(self.workspaces)
            more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
            message = (
                f"this is a deployment of many workspaces; choose one with --workspace: {', '.join(names[:_LISTED])}"
            )
            raise WorkspaceNotChosen(self, self.document.problem(("workspaces",), message + more))
        message = f"there is no workspace {name!r}{nearest(name, self.workspaces)}"
        raise ConfigError(problems=[self.document.problem(("workspaces",), message)])

    def ledger_url(self) -> str:
        """The URL of the database with the ledgers of all workspaces, each in a schema of its own. The URL may contain
        `{shard}`.

        Raises ConfigError if workers cannot share the database.
        """
        url = LedgerAddress(self.settings.ledger, self.document, self.path.parent).resolved()
        if problems := list(workers_ledger_problems(url, self.document)):
            raise ConfigError(problems=problems)
        return url

    def read(self, workspace: Workspace, last: Document | None = None) -> tuple[Document, ProjectFile]:
        """The syncd.yaml of a workspace with the deployment's defaults, and its keys. Raises ConfigError if a key is
        wrong.
        """
        own = read_filled(workspace.path, last)
        if isinstance(own.data, dict):
            if problems := list(_not_of_a_workspace(own, self.document.file)):
                raise ConfigError(problems=problems)
            own = _with_defaults(own, self.document)
        if last is not None and (own.file, own.digest) == (last.file, last.digest):
            own = last
        return own, settings_of(own)


def read_deployment(path: Path) -> Deployment | None:
    """The deployment of a syncd.yaml; None if the file belongs to a single project. Raises ConfigError if a key is
    wrong.
    """
    document, settings = read_project(path)
    return None if settings.workspaces is None else deployment_of(path, document, settings)


def deployment_above(path: Path) -> Workspace | None:
    """The workspace of a deployment in a folder above this syncd.yaml, if the syncd.yaml belongs to one; else None."""
    own = path.absolute()
    for folder in own.parents[1:]:
        with suppress(ConfigError, OSError):  # an invalid or unreadable file names no workspace
            deployment = read_deployment(folder / "syncd.yaml") if (folder / "syncd.yaml").is_file() else None
            if deployment is not None and (workspace := deployment.chosen(own.parent.name)).path == own:
                return workspace
    return None


def deployment_for(path: Path) -> Deployment | None:
    """The deployment in a folder above this syncd.yaml whose `workspaces:` matches it; None if there is none. The file
    at `path` need not exist yet.
    """
    own = path.absolute()
    for folder in own.parents[1:]:
        with suppress(ConfigError, OSError):
            deployment = read_deployment(folder / "syncd.yaml") if (folder / "syncd.yaml").is_file() else None
            pattern = PurePath(deployment.settings.workspaces or "") if deployment is not None else PurePath()
            if deployment is not None and _matches(own.relative_to(folder).parts, pattern.parts):
                return deployment
    return None


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a glob matches the path with these parts. Python's own `full_match` exists only since 3.13."""
    if not parts or not pattern:
        return not parts and not pattern
    if pattern[0] == "**":
        return any(_matches(parts[start:], pattern[1:]) for start in range(len(parts)))
    return fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def deployment_of(path: Path, document: Document, settings: ProjectFile) -> Deployment:
    """The deployment of a syncd.yaml that was read already. Raises ConfigError if a key is wrong."""
    problems = [*_not_of_a_deployment(document, settings), *shared_ledger_problems(settings.ledger, document)]
    if settings.runner == "procrastinate":
        problems += workers_ledger_problems(settings.ledger, document)
    if problems:
        raise ConfigError(problems=problems)
    return Deployment(path, document, settings)


def _files(path: Path, pattern: str) -> list[Path]:
    """The files in the deployment's folder that match a pattern. The deployment's own file and files in hidden folders
    are left out.
    """
    folder = path.parent
    try:
        files = sorted(folder.glob(pattern))
    except (ValueError, NotImplementedError):  # an empty or an absolute pattern
        return []
    return [
        file
        for file in files
        if file != path and not any(part.startswith(".") for part in file.relative_to(folder).parts[:-1])
    ]


def _not_a_workspace(name: str, files: Sequence[Path], home: Path) -> Problem | None:
    """The reason why the files in folders of one name cannot be a workspace; None if they are one. `home` is the
    deployment's resolved folder.
    """
    shown = [shown_path(file) for file in files]
    if files[0].is_dir():
        return Problem(shown[0], 0, "is a folder, and `workspaces` names files; write teams/*/syncd.yaml for teams/*")
    if len(files) > 1:
        message = (
            f"is the workspace {name!r} by the name of its folder, and so is {shown[0]}; rename one of the folders"
        )
        return Problem(shown[1], 0, message)
    if not _NAME.fullmatch(name):
        message = f"is in the folder {name!r}, which is the workspace's name; write lower-case letters, digits and "
        return Problem(shown[0], 0, f"{message}'-' only, at most 60, such as search-team")
    problems: list[Problem] = []
    return None if stays_in(home, files[0], problems) else problems[0]


def _not_of_a_deployment(document: Document, settings: ProjectFile) -> Iterator[Problem]:
    keys = [key for key in document.data if key not in (*_DEFAULTS, *_OF_ALL)]
    for key in keys:
        message = f"{key} is of each workspace, not of the deployment; write it into the files that `workspaces:` names"
        yield document.problem((key,), f"{message} ({settings.workspaces})")


def _not_of_a_workspace(own: Document, deployment: str) -> Iterator[Problem]:
    for key in _OF_ALL:
        if key in own.data:
            message = f"{key} is of the deployment ({deployment}), not of a workspace; remove it here"
            yield own.problem((key,), message)


def _with_defaults(own: Document, deployment: Document) -> Document:
    data = {key: deployment.data[key] for key in (*_DEFAULTS, "ledger") if key in deployment.data} | own.data
    for key in _MERGED:
        of_all, of_own = deployment.data.get(key), own.data.get(key)
        if isinstance(of_all, dict) and isinstance(of_own, dict):
            data[key] = of_all | of_own
    digest = blake2b(own.digest + deployment.digest, digest_size=16).digest()
    return replace(own, data=data, defaults=deployment, digest=digest)
