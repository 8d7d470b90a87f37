"""Watches the files of the configuration, so that an edit is used at once.

On network file systems, or for files that are mounted one by one, the system may report no changes. The files are
therefore also read once a minute, and by each cycle.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from glob import has_magic, iglob
from pathlib import Path
from stat import S_ISDIR

from watchfiles import Change, watch

from syncd.config import Config
from syncd.service.configuration import Configuration

log = logging.getLogger("syncd.service")
_EVERY = 60.0  # seconds after which all files are read even if no change was reported
_MOMENT = 1.0  # seconds
_LOOK = 1000  # milliseconds between two checks whether `_EVERY` is over
_QUIET = 200  # milliseconds without a change after which the files are read: an editor writes several times
_BUSY = 2000  # milliseconds after which the files are read even if they still change

Folders = dict[Path, tuple[int, int]]
"""Folders with their device and inode, because a folder that was replaced by another must be watched again."""


def watch_files(configuration: Configuration, changed: Callable[[], None], stop: threading.Event) -> None:
    """Reloads the configuration whenever its files change, until `stop` is set. Calls `changed` if the configuration
    has changed.
    """

    def react(_: Collection[Path]) -> None:
        if configuration.reload():
            changed()

    watch_folders(lambda: folders_of(configuration.config), lambda: suffixes_of(configuration.config), react, stop)


def watch_folders(
    folders: Callable[[], Folders],
    suffixes: Callable[[], Collection[str]],
    react: Callable[[Collection[Path]], None],
    stop: threading.Event,
) -> None:
    """Until `stop` is set, calls `react` with the changed paths whenever files with one of the suffixes change in these
    folders.

    It also calls `react` without paths once a minute, and when files may have changed before they were watched.
    """
    while not stop.is_set():
        try:
            watched, read_all_at = folders(), time.monotonic()  # files may have changed before
            for changes in watch(
                *watched,
                watch_filter=None,  # with a filter, a busy log or ledger could keep the loop below from running
                step=_QUIET,
                debounce=_BUSY,
                rust_timeout=_LOOK,
                yield_on_timeout=True,
                stop_event=stop,
                recursive=False,
                raise_interrupt=False,
            ):
                now, paths = time.monotonic(), _concerned(changes, suffixes())
                if now >= read_all_at:
                    read_all_at = now + _EVERY
                    react(())
                elif paths:
                    react(paths)
                else:
                    continue
                if folders() != watched:
                    break
        except FileNotFoundError:  # a folder was removed since it was listed
            stop.wait(_MOMENT)
        except OSError as error:  # such as the limit of folders that a user may watch
            log.warning("files are not watched; they are read once a minute", extra={"reason": str(error)})
            _read_later(react, stop)
        except Exception:
            log.exception("files are not watched; they are read once a minute")
            _read_later(react, stop)


def _read_later(react: Callable[[Collection[Path]], None], stop: threading.Event) -> None:
    """Reads all files after a minute, and logs an error instead of raising it."""
    if not stop.wait(_EVERY):
        try:
            react(())
        except Exception:
            log.exception("files cannot be read")


def suffixes_of(config: Config) -> Collection[str]:
    """The suffixes of the files that make up a configuration."""
    files = [config.path, Path(config.settings.mappings)]
    if config.workspace is not None:
        files.append(config.workspace.deployment)
    return {".yaml", ".yml", *(file.suffix for file in files)} - {""}


def _concerned(changes: Iterable[tuple[Change, str]], suffixes: Collection[str]) -> list[Path]:
    """The changed paths that may belong to the configuration. Logs and ledgers are often in the same folder."""

    def concerns(change: Change, path: Path) -> bool:
        if path.suffix in suffixes or path.name.startswith(".."):  # Kubernetes renames `..data`
            return True
        return path.is_dir() or (change == Change.deleted and not path.suffix)  # perhaps a folder

    return [path for change, name in changes if concerns(change, path := Path(name))]


def folders_of(config: Config) -> Folders:
    """The folders whose files make up the configuration, and the folders in which such a folder may appear."""
    deployment = [config.workspace.deployment.parent] if config.workspace else []
    mappings = config.path.parent / config.settings.mappings
    return existing(
        [*deployment, config.path.parent, *(folders_of_glob(mappings) or _folders_below(mappings))],
    )


def existing(paths: Iterable[Path]) -> Folders:
    """The paths that are existing folders, with their device and inode."""
    folders: Folders = {}
    for folder in paths:
        try:
            state = folder.stat()
        except OSError:
            continue
        if S_ISDIR(state.st_mode):
            folders[folder] = state.st_dev, state.st_ino
    return folders


def folders_of_glob(pattern: Path) -> Sequence[Path]:
    """The folders in which files of a pattern are or may appear; empty if the text is not a pattern."""
    if not has_magic(str(pattern)):
        return ()
    plain = next(parent for parent in pattern.parents if not has_magic(str(parent)))
    return [plain, *map(Path, iglob(str(pattern.parent), recursive=True))]


def _folders_below(mappings: Path) -> Iterator[Path]:
    yield mappings.parent
    for folder, subfolders, _ in os.walk(mappings):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        yield Path(folder)
