"""Finds the mapping files of a project. Reports folders that cannot be listed, and links that lead out of the folder of
mapping files.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path, PurePath

from syncd.config.document import Document, shown_path
from syncd.sdk import Problem


def mapping_files(folder: Path, pattern: str, document: Document, problems: list[Problem]) -> list[Path]:
    """The files that `mappings:` of a syncd.yaml (`document`) names: the files of a folder, or the files that match a
    glob.
    """
    start = folder / pattern
    unreadable: list[OSError] = []
    if start.is_dir():
        unreadable = _unreadable(start)
        # Hidden files belong to editors. The links of a Kubernetes ConfigMap point into hidden folders.
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
            unreadable = list(unreadable_on_the_way(folder, pattern))
            files = [
                file for file in folder.glob(pattern) if not file.is_dir() and not _is_hidden(file, folder, pattern)
            ]
        except (ValueError, NotImplementedError):
            files = [Path(name) for name in _absolute_glob(pattern)]
    for error in unreadable:
        why = f"{error.filename} cannot be read: {(error.strerror or str(error)).lower()}"
        problems.append(document.problem(("mappings",), why))
    if not files and not unreadable:
        message = f"mappings is {pattern!r}, and no .yaml file is there; name the folder that holds them, or a glob"
        problems.append(document.problem(("mappings",), message))
    return [file for file in sorted(files) if stays_in(_home(start), file, problems)]


def _home(start: Path) -> Path:
    """The folder that all mapping files must be in: the folder that `mappings:` names, or the folder where its glob
    begins.
    """
    while not start.is_dir():
        start = start.parent
    return start.resolve()


def stays_in(home: Path, file: Path, problems: list[Problem]) -> bool:
    """Whether a file is in the folder `home` after links are followed. If the file is elsewhere, adds a problem.

    A git repository can contain links, and an error message about a file quotes some of the file's text. Through a
    link, such a message could show any file that syncd may read, such as a token.
    """
    try:
        stays = file.resolve().is_relative_to(home)
    except (OSError, RuntimeError):
        problems.append(Problem(shown_path(file), 0, "cannot be read: its links lead in a circle, or out of reach"))
        return False
    if not stays:
        message = f"is a link that leads out of {shown_path(home)}, and is not read; put the file itself there"
        problems.append(Problem(shown_path(file), 0, message))
    return stays


def _unreadable(start: Path) -> list[OSError]:
    """The errors for folders that cannot be listed. `rglob` silently skips such folders, and their key results would be
    missing.
    """
    errors: list[OSError] = []
    for _, folders, _ in os.walk(start, onerror=errors.append):
        folders[:] = [folder for folder in folders if not folder.startswith(".")]
    return errors


def unreadable_on_the_way(folder: Path, pattern: str) -> Iterator[OSError]:
    """The errors for folders on the path of a glob that cannot be read. `glob` silently skips such folders."""
    for ancestor in reversed(PurePath(pattern).parents[:-1]):
        try:
            places = list(folder.glob(str(ancestor)))
        except (ValueError, NotImplementedError):  # an absolute pattern
            return
        for place in places:
            if place.is_dir() and not os.access(place, os.R_OK | os.X_OK):
                yield PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))


def _is_hidden(file: Path, folder: Path, pattern: str) -> bool:
    """Whether a file or a folder above it is hidden, as files of editors and ConfigMaps are, and the glob does not name
    the hidden part.
    """
    named = PurePath(pattern).parts
    return any(part.startswith(".") and part not in named for part in file.relative_to(folder).parts)


def _absolute_glob(pattern: str) -> list[str]:
    from glob import glob

    return glob(pattern, recursive=True)
