"""A project over CSV files, or over other connections, with a ledger and a clock that tests set."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from syncd.config import Config, load_config
from syncd.cycle.model import CycleRequest, Result
from syncd.cycle.run import run_cycle
from syncd.ledger import open_ledger
from syncd.okr.goals import KeyResult
from syncd.sdk import RetryPolicy
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import Report, report_of


class CsvProject:
    """A folder with `syncd.yaml` and `okrs.yaml`, its ledger, and the time at which its cycles run."""

    def __init__(
        self,
        folder: Path,
        mapping: str,
        now: datetime,
        *,
        settings: str = "",
        ledger: str | None = None,
        connections: str = "  local: {type: files, root: .}\n",
    ) -> None:
        self.folder, self.now = folder, now
        (folder / "syncd.yaml").write_text(f"mappings: okrs.yaml\n{settings}connections:\n{connections}")
        (folder / "okrs.yaml").write_text(mapping)
        opened = open_ledger(ledger or f"sqlite:///{folder / 'syncd.db'}")
        assert opened is not None
        self.ledger = opened

    @property
    def config(self) -> Config:
        return load_config(self.folder / "syncd.yaml")

    def write(self, file: str, *lines: str) -> None:
        (self.folder / file).write_text("".join(f"{line}\n" for line in lines))

    def edit(self, old: str, new: str) -> None:
        path = self.folder / "okrs.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def request(self, **options: Any) -> CycleRequest:
        return CycleRequest(self.config, self.ledger, lambda: self.now, RetryPolicy(sleep=lambda _: None), **options)

    def cycle(self, **options: Any) -> Result:
        return run_cycle(self.request(**options))

    def snapshots(self) -> Snapshots:
        config = self.config
        return Snapshots(config, config.periods[0], self.ledger)

    def report(self, now: datetime | None = None) -> Report:
        return report_of(self.snapshots().now(now or self.now))

    def key_result(self, name: str) -> KeyResult:
        return next(kr for kr in self.config.periods[0].key_results if kr.id == name)
