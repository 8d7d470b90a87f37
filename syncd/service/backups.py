"""The backups that the service writes by a schedule: their file names, when the next backup is due, and which old
backups are removed.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily

from syncd.ledger import Ledger
from syncd.ledger.backup import back_up

_TIME = "%Y%m%dT%H%M%SZ"
_RETRY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Backups:
    """The backups of one ledger in a folder. The name of a backup contains its time and the ledger's id:
    `syncd-20261128T030000Z-1f3a9c2e.db`, or `.tar.gz` for PostgreSQL.

    Other files of the folder are not changed, including backups of other ledgers.
    """

    folder: Path
    ledger: Ledger
    address: Callable[[], str] | None = None
    """Returns the ledger's current URL, whose password may change."""

    def newest(self, now: datetime) -> datetime | None:
        """The time of the newest backup that is not in the future; None if there is none. OSError if the folder cannot
        be read.
        """
        return max((at for at, _ in self._files(until=now)), default=None)

    def write(self, now: datetime, keep: int) -> Path:
        """Writes a backup and reads it back, then removes all backups but the newest `keep`. LedgerError if writing or
        reading fails.

        A backup with a date after `now`, written while a clock was ahead, is neither counted nor removed.
        """
        engine = self.ledger.engine
        ending = "db" if engine.dialect.name == "sqlite" else "tar.gz"
        file = self.folder / f"syncd-{now.astimezone(UTC):{_TIME}}-{self._id}.{ending}"
        self._remove_unfinished()
        back_up(engine.url.render_as_string(hide_password=False), file, self.address)
        for _, old in sorted(self._files(until=now), reverse=True)[keep:]:
            old.unlink(missing_ok=True)
        return file

    @property
    def _id(self) -> str:
        return self.ledger.identity.id[:8]

    def _files(self, until: datetime) -> Iterator[tuple[datetime, Path]]:
        name = re.compile(rf"syncd-(\d{{8}}T\d{{6}}Z)-{self._id}\.(?:db|tar\.gz)", re.ASCII)
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if match := name.fullmatch(path.name):
                with suppress(ValueError):  # 31 February
                    at = datetime.strptime(match[1], _TIME).replace(tzinfo=UTC)
                    if at <= until:
                        yield at, path

    def _remove_unfinished(self) -> None:
        """Removes the files of a backup whose process was killed."""
        for path in self.folder.glob(f".syncd-*Z-{self._id}.*") if self.folder.is_dir() else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def due(newest: datetime | None, tried: datetime | None, every: timedelta, now: datetime) -> bool:
    """Whether a backup is due. It is due `every` after the newest backup. After a failed try, the next try is due at
    most ten minutes later.
    """
    waits = tried is not None and now - tried < min(every, _RETRY)
    return not waits and (newest is None or not timedelta() <= now - newest < every)


def backup_gauge(newest: datetime | None) -> GaugeMetricFamily:
    """The gauge of the newest backup; 0 if there is none, so that an alert can detect that case."""
    text = "When the newest scheduled backup was written, in Unix time; 0 if there is none."
    gauge = GaugeMetricFamily("syncd_backup_last_success_timestamp_seconds", text)
    gauge.add_metric((), newest.timestamp() if newest is not None else 0.0)
    return gauge
