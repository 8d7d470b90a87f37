"""A contender's run: a process of its own, and what it cost by the kernel's count."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from box import Box


@dataclass(frozen=True)
class Run:
    """Seconds of wall time and of CPU (user and system), peak resident megabytes, traffic, and what it printed."""

    wall: float
    cpu: float
    peak: float
    requests: int
    bytes: int
    output: str


def run(
    command: Sequence[str], folder: Path, environment: dict[str, str], box: Box | None, *, times: int = 1,
    before: Callable[[], None] = lambda: None,
) -> Run:  # fmt: skip
    """Runs a command `times` times: the medians of times and memory, the most traffic. RuntimeError if a run fails."""
    runs = []
    for _ in range(times):
        before()
        runs.append(_once(command, folder, environment, box))
    return Run(
        wall=median(run.wall for run in runs),
        cpu=median(run.cpu for run in runs),
        peak=median(run.peak for run in runs),
        requests=max(run.requests for run in runs),
        bytes=max(run.bytes for run in runs),
        output=runs[-1].output,
    )


def _once(command: Sequence[str], folder: Path, environment: dict[str, str], box: Box | None) -> Run:
    if box is not None:
        box.traffic()
    log = folder / "output.txt"
    with log.open("wb") as file:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=file, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)  # wait4 has already reaped the process
    output = log.read_text(encoding="utf-8", errors="replace")
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}\nexit {process.returncode}\n{output[-2000:]}")
    traffic = box.traffic() if box is not None else None
    return Run(
        wall=wall,
        cpu=used.ru_utime + used.ru_stime,
        peak=used.ru_maxrss / 1024,
        requests=traffic.requests if traffic else 0,
        bytes=traffic.bytes if traffic else 0,
        output=output,
    )
