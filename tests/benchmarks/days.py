"""A year of days of a key result that changed in every cycle, beside one snapshot of a past day: `days.py FOLDER`.

Prints the seconds of both as JSON. `history` reads the snapshots of all days in one pass.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from syncd.config import load_config
from syncd.explain.history import history
from syncd.ledger import Ledger, open_ledger
from syncd.ledger.definition_versions import define
from syncd.ledger.definitions import definition
from syncd.ledger.schema import cycles, values
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import report_of

CYCLES = 35_000
"""A year of cycles every 15 minutes."""

START = datetime(2025, 11, 1, tzinfo=UTC)
QUARTER_HOUR = timedelta(minutes=15)
SETTINGS = "mappings: okrs.yaml\ntimezone: Europe/Berlin\nconnections:\n  local: {type: files, root: .}\n"
MAPPING = """\
period: {start: 2025-11-01, end: 2026-11-30, id: year}
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - id: calls
        title: Fewer calls
        kind: outcome
        baseline: 0
        target: 40000
        measure: {from: local, file: calls.csv, cell: A1}
"""


def measured(folder: Path) -> dict[str, float]:
    """The best of three: the seconds of a snapshot of a past day with its report, and of the history of all days."""
    folder.mkdir(parents=True)
    (folder / "syncd.yaml").write_text(SETTINGS)
    (folder / "okrs.yaml").write_text(MAPPING)
    config = load_config(folder / "syncd.yaml")
    (okrs,) = config.periods
    (calls,) = okrs.key_results
    ledger = open_ledger(f"sqlite:///{folder / 'syncd.db'}")
    assert ledger is not None
    with ledger.engine.begin() as connection:
        connection.execute(insert(cycles), [_cycle(number) for number in range(CYCLES)])
        defined = {calls.id: definition(calls, okrs.period, config.shares, "okrs.yaml")}
        number = define(connection, okrs.period.id, 1, defined)[calls.id]
        connection.execute(insert(values), [_value(cycle, number) for cycle in range(CYCLES)])
    now = START + CYCLES * QUARTER_HOUR

    def one_day(ledger: Ledger) -> None:
        report_of(Snapshots(config, okrs, ledger).at(now - timedelta(days=100)))

    def every_day(ledger: Ledger) -> None:
        snapshots = Snapshots(config, okrs, ledger)
        history(snapshots, snapshots.now(now), calls)

    seconds = {"snapshot": _best(lambda: one_day(ledger)), "history": _best(lambda: every_day(ledger))}
    ledger.close()
    return seconds


def _cycle(number: int) -> dict[str, object]:
    at = START + number * QUARTER_HOUR
    return {"id": number + 1, "started_at": at, "ended_at": at, "pulls": {}, "only": None, "dry_run": None}


def _value(number: int, definition: int) -> dict[str, object]:
    share = number / 40_000
    return {
        "period": "year", "key_result": "calls", "cycle": number + 1, "definition": definition, "number": float(number),
        "progress": share, "score": share, "health": "on_track", "quality": "complete", "reason": None, "at": None,
        "counted": 1, "lacking": 0, "since": None, "confirmed": number + 1, "candidate": None,
    }  # fmt: skip


def _best(work: Callable[[], None]) -> float:
    seconds = []
    for _ in range(3):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return min(seconds)


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]))))
