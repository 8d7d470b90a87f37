"""Watches the files of the configuration, so that an edit is taken over at once.

Where the system reports no changes (a network file system, a file mounted alone), the next cycle reads them all the
same.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from glob import has_magic, iglob
from pathlib import Path

from watchfiles import Change, watch

from syncd.config import Config
from syncd.service.configuration import Configuration

log = logging.getLogger("syncd.service")
_TRY_AGAIN = 60.0  # seconds
_QUIET = 200  # milliseconds without a change after which the files are read: an editor writes several times
_BUSY = 2000  # milliseconds after which they are read although they still change

Folders = dict[Path, tuple[int, int]]
"""Folders with their device and inode: a folder that was replaced by another must be watched anew."""


def watch_files(configuration: Configuration, changed: Callable[[], None], stop: threading.Event) -> None:
    """Reloads the configuration whenever its files change, and calls `changed` if it differs then; until `stop`."""
    while not stop.is_set():
        watched = _folders(configuration.config)
        try:
            for _ in watch(
                *watched,
                watch_filter=_filter(configuration.config),
                step=_QUIET,
                debounce=_BUSY,
                stop_event=stop,
                recursive=False,
                raise_interrupt=False,
            ):
                if configuration.reload():
                    changed()
                if _folders(configuration.config) != watched:
                    break
        except OSError as error:
            log.warning("files are not watched; each cycle reads them", extra={"reason": str(error)})
            stop.wait(_TRY_AGAIN)
        except Exception:
            log.exception("files are not watched; each cycle reads them")
            stop.wait(_TRY_AGAIN)
        if not stop.is_set() and configuration.reload():  # what changed while nobody watched
            changed()


def _filter(config: Config) -> Callable[[Change, str], bool]:
    """Whether a change may concern the configuration: the ledger often lies in the same folder."""
    files = [config.path, Path(config.settings.mappings)]
    if config.workspace is not None:
        files.append(config.workspace.deployment)
    suffixes = {".yaml", ".yml", *(file.suffix for file in files)} - {""}

    def concerns(change: Change, name: str) -> bool:
        path = Path(name)
        if path.suffix in suffixes or path.name.startswith(".."):  # Kubernetes renames `..data`
            return True
        return path.is_dir() or (change == Change.deleted and not path.suffix)  # perhaps a folder

    return concerns


def _folders(config: Config) -> Folders:
    """The folders whose files make up the configuration, and those in which such a folder may appear."""
    folders: Folders = {}
    deployment = [config.workspace.deployment.parent] if config.workspace else []
    for folder in (*deployment, config.path.parent, *_mapping_folders(config.path.parent / config.settings.mappings)):
        try:
            state = folder.stat()
        except OSError:
            continue
        if folder.is_dir():
            folders[folder] = state.st_dev, state.st_ino
    return folders


def _mapping_folders(mappings: Path) -> Iterator[Path]:
    if has_magic(str(mappings)):
        plain = next(parent for parent in mappings.parents if not has_magic(str(parent)))
        yield plain
        yield from map(Path, iglob(str(mappings.parent), recursive=True))
        return
    yield mappings.parent
    for folder, subfolders, _ in os.walk(mappings):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        yield Path(folder)
