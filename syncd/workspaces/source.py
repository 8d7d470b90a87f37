"""The source of key results that other workspaces export. It opens the ledger of the other workspace only while it
reads.

The source never writes to that ledger, and never waits for its locks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from syncd.config import Config
from syncd.ledger import open_ledger
from syncd.sdk import Check, ConfigError, Json, Page, Snapshot, Stream, SyncdError
from syncd.workspaces.exported_days import ExportedDays, unknown_on, unread
from syncd.workspaces.exported_keys import ExportedKeys
from syncd.workspaces.exports import BrokenFiles, Exports, NotReadable


class ExportsSource:
    """Reads exported key results of a deployment. `clock` and `zone` belong to the workspace that reads, so that
    readings have the days of that workspace.
    """

    def __init__(self, deployment: Path, clock: Callable[[], datetime], zone: ZoneInfo) -> None:
        self._deployment = deployment
        self._clock = clock
        self._exports = Exports(deployment)
        self._zone = zone

    def verify(self, stream: Stream) -> None:
        """Does nothing, because key results have no fields."""

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """Reads all days of each needed key result at each pull, because past days may be restated."""
        now = self._clock()
        readable: dict[str, tuple[ExportedKeys, Config]] = {}
        snapshots: dict[str, Snapshot] = {}
        for part in sorted(stream.needs):
            keys = ExportedKeys.of_part(part)
            try:
                readable[part] = keys, self._exports.config(keys)
            except BrokenFiles as error:
                snapshots[part] = unread(keys, str(error))
            except NotReadable as error:
                snapshots[part] = unknown_on(keys, str(error), stream.windows.get(part), now, self._zone)
        yield Page(readings=snapshots | self._read(stream, readable, now))

    def _read(
        self, stream: Stream, readable: Mapping[str, tuple[ExportedKeys, Config]], now: datetime
    ) -> dict[str, Snapshot]:
        if not readable:
            return {}
        name, config = stream.key, next(iter(readable.values()))[1]
        problem = f"the workspace {name!r} has no ledger yet; `syncd sync --workspace {name}` makes it"
        try:
            ledger = open_ledger(config.ledger_url(), create=False)
            if ledger is not None:
                with closing(ledger):
                    return {
                        part: ExportedDays(config, ledger, keys, now, self._zone).snapshot(stream.windows.get(part))
                        for part, (keys, config) in readable.items()
                    }
        except (SyncdError, ConfigError):
            problem = f"the ledger of the workspace {name!r} cannot be read; `syncd status --workspace {name}` says why"
        return {part: unread(keys, problem) for part, (keys, _) in readable.items()}

    def census(self, stream: Stream) -> Iterator[Page]:
        """Empty: streams of readings have no census."""
        return iter(())

    def check(self) -> Iterator[Check]:
        """Checks whether the deployment's syncd.yaml exists."""
        there = self._deployment.is_file()
        yield Check("reachable", there, f"{self._deployment}{'' if there else ' is gone'}")

    def close(self) -> None:
        """There is nothing to close: each ledger is closed after it was read."""
