"""Seconds of an unchanged cycle in a process that ran cycles before, as the service does: `service_cycle.py FOLDER`.

Prints JSON: the best of five, wall and CPU.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from syncd.cli.opening import open_config
from syncd.cycle.model import CycleRequest
from syncd.cycle.run import run_cycle
from syncd.ledger import open_ledger
from syncd.sdk import RetryPolicy

_TIMES = 5


def measured(folder: Path) -> dict[str, float]:
    """The best of several unchanged cycles; the folder's project was synced before."""
    config, clock = open_config(folder / "syncd.yaml")
    ledger = open_ledger(config.ledger_url())
    assert ledger is not None
    runs = []
    for _ in range(_TIMES + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        result = run_cycle(CycleRequest(config, ledger, clock, RetryPolicy()))
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
        assert not result.failures
    ledger.close()
    return {"wall": min(wall for wall, _ in runs[1:]), "cpu": min(cpu for _, cpu in runs[1:])}


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]))))
