"""Reads spreadsheet files below the root of a connection."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, TypeVar

from connectors.files.keys import PACKED, TEXTS, FilesMeasure
from connectors.files.limits import FilesSettings
from connectors.files.opening import opened
from connectors.files.paths import below
from connectors.files.selection import missing_in, read_parts
from syncd.sdk import Check, Context, Json, Page, RetryLater, Snapshot, SourceBroken, SourceError, Stream
from syncd.sdk.names import nearest_hint
from syncd.sdk.regular_files import open_regular, refuse_irregular
from syncd.sdk.tables import Unreadable

T = TypeVar("T")

SETTLED = 1.0
"""The time in seconds after its last write from which a file counts as completely written."""

_TRIES = 3
_SMALL = 8_000_000  # bytes that are read at once


class FilesSource:
    """An opened folder."""

    def __init__(self, root: Path, settings: FilesSettings, context: Context) -> None:
        self._root = root
        self._settings = settings
        self._context = context

    def verify(self, stream: Stream) -> None:
        """Does nothing, because files have no fields."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """Reads the whole file. Makes new readings, unless the same bytes were read before for the same measures.

        The size and time of a file do not show whether it changed, because copying keeps the time.
        """
        parts = {part: FilesMeasure.of_part(part) for part in sorted(stream.needs)}
        last = None if cursor is None else cursor.get("read")

        def read(content: BinaryIO) -> tuple[str, dict[str, Snapshot] | None]:
            digest = self._digest(stream, content)
            if digest == last:
                return digest, None
            snapshots: dict[str, Snapshot] = {}
            for file, group in opened(stream.key, content, self._settings, parts):
                snapshots |= (
                    {part: Snapshot(problem=file) for part in group}
                    if isinstance(file, str)
                    else read_parts(file, group, stream.windows, self._context.zone)
                )
            return digest, snapshots

        digest, snapshots = self._settled(stream.key, read)
        if snapshots is not None:
            clean = all(each.problem is None and each.unsettled is None for each in snapshots.values())
            yield Page(readings=snapshots, cursor={"read": digest} if clean else None if cursor is None else {})

    def _digest(self, stream: Stream, content: BinaryIO) -> str:
        """A digest of everything that determines the readings: the file's bytes, the parts with their windows, the time
        zone, the day and the version of syncd. A new version may read texts by other rules, so syncd then makes the
        readings again.
        """
        windows = sorted((part, *map(str, stream.windows.get(part, ()))) for part in stream.needs)
        rules = [version("syncd"), str(self._context.now().date()), self._context.zone.key, windows]
        digest = blake2b(repr(rules).encode(), digest_size=16)
        while block := content.read(_SMALL):
            digest.update(block)
        content.seek(0)
        return digest.hexdigest()

    def missing(self, keys: FilesMeasure) -> str | None:
        """Names the file, sheet or column of a measure that does not exist; None if all exist.

        If the folder does not exist, returns None, because a machine that checks mapping files may have no data.
        """
        if not self._root.is_dir():
            return None
        try:
            if not below(self._root, keys.file).exists():
                return f"there is no file {keys.file!r}{nearest_hint(keys.file, self._files())}"

            def look(content: BinaryIO) -> str | None:
                ((file, _),) = opened(keys.file, content, self._settings, {"": keys})
                return file if isinstance(file, str) else missing_in(file, keys, self._context.zone)

            return self._settled(keys.file, look)
        except SourceError as error:
            return str(error)

    def _files(self) -> list[str]:
        paths = (path for path in self._root.rglob("*") if path.suffix.lower() in PACKED + TEXTS)
        return [path.relative_to(self._root).as_posix() for path in paths]

    def census(self, stream: Stream) -> Iterator[Page]:
        """Yields no pages, because streams of readings have no census."""
        return iter(())

    def check(self) -> Iterator[Check]:
        """Checks whether the folder exists, and counts its spreadsheet files."""
        if not self._root.is_dir():
            yield Check("reachable", False, f"{self._root} is not a folder; correct root in syncd.yaml")
            return
        try:
            next(self._root.iterdir(), None)
        except OSError as error:
            yield Check("reachable", False, f"{self._root} cannot be read: {(error.strerror or str(error)).lower()}")
            return
        count = len(self._files())
        yield Check("reachable", True, f"{self._root}, {count} spreadsheet file{'s' * (count != 1)}")

    def close(self) -> None:
        """Does nothing, because no file stays open."""

    def _settled(self, name: str, read: Callable[[BinaryIO], T]) -> T:
        """Returns the result of `read` for a file, after checking that the file did not change meanwhile.

        Raises RetryLater if the file changes at every try.
        """
        path = below(self._root, name)
        try:
            for _ in range(_TRIES):
                for _ in range(_TRIES):
                    if not (wait := _unsettled(path)):
                        break
                    self._context.retry.sleep(wait)
                with open_regular(path) as file:
                    before = os.fstat(file.fileno())
                    content = io.BytesIO(file.read()) if before.st_size <= _SMALL else file
                    error: Exception | None = None
                    try:
                        result = read(content)
                    except (SourceBroken, Unreadable) as refusal:  # a half-written file seems damaged
                        error = refusal
                if _version(before) == _version(path.stat()):
                    if error is not None:
                        raise error
                    return result
        except OSError as error:
            raise SourceBroken(f"{name} cannot be read: {(error.strerror or str(error)).lower()}") from None
        raise RetryLater(f"{name} changes while it is read; write it elsewhere, and then move it here")


def _unsettled(path: Path) -> float:
    """The seconds until a file counts as completely written; 0 if it already does. A time ahead of this machine's clock
    is ignored.
    """
    status = path.stat()
    refuse_irregular(path, status.st_mode)
    wait = SETTLED - (time.time() - status.st_mtime)
    return wait if 0 < wait <= SETTLED else 0.0


def _version(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns
