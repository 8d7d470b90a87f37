"""What a ledger weighs after so many changes, before and after `syncd prune`; prints a table in Markdown.

    .venv/bin/python tests/benchmarks/pruned.py FOLDER [CHANGES]

Fifty cells in SQLite, all published. Each changes every quarter of an hour: 8,760 times in a quarter of a year.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[1]))

from check_in_api import check_in_api
from grown import GrowingProject

from syncd.ledger.prune import give_space_back, prune, size

CELLS = 50
QUARTER = 8_760


def lines(folder: Path, changes: int) -> Iterator[str]:
    """The table, line by line."""
    os.environ.update(OKR_KEY="of no importance", OKR_CHANNEL="json://127.0.0.1:9")
    with check_in_api() as api:
        project = GrowingProject(folder, f"sqlite:///{folder / 'ledger.db'}", api.url, CELLS)
        project.grow(changes)
    engine = project.ledger.engine
    before, began = size(engine), time.monotonic()
    pruned = prune(
        engine, dict.fromkeys(("deliveries", "events", "cycles"), project.now + timedelta(days=1)), ZoneInfo("UTC")
    )
    pruning = time.monotonic() - began
    give_space_back(engine)
    seconds, after = time.monotonic() - began - pruning, size(engine)
    yield "| | before | after |"
    yield "| --- | ---: | ---: |"
    for table, rows in pruned.items():
        yield f"| `{table}` | {rows.rows:,} | {rows.rows - rows.removed:,} |"
    yield f"| the ledger | {before / 1e6:,.0f} MB | {after / 1e6:,.0f} MB |"
    yield f"| for each change of a number | {before / changes / CELLS:,.0f} B | {after / changes / CELLS:,.0f} B |"
    yield ""
    yield f"Pruning took {pruning:,.0f} s, and giving the space back {seconds:,.1f} s."
    project.close()


if __name__ == "__main__":
    for line in lines(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else QUARTER):
        print(line, flush=True)
