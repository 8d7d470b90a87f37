"""A contender's run: a process of its own, and what the kernel says that it took."""

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
    """Seconds of wall time and of CPU (user and system), peak resident megabytes; what it asked of the sandbox."""

    wall: float
    cpu: float
    peak: float
    requests: int
    bytes: int
    said: str


def run(
    command: Sequence[str], folder: Path, environment: dict[str, str], box: Box | None, *, times: int = 1,
    before: Callable[[], None] = lambda: None,
) -> Run:  # fmt: skip
    """Runs a command so many times; each number is the median of its own. RuntimeError where it fails."""
    runs = []
    for _ in range(times):
        before()
        runs.append(_once(command, folder, environment, box))
    return Run(
        wall=median(one.wall for one in runs),
        cpu=median(one.cpu for one in runs),
        peak=median(one.peak for one in runs),
        requests=max(one.requests for one in runs),
        bytes=max(one.bytes for one in runs),
        said=runs[-1].said,
    )


def _once(command: Sequence[str], folder: Path, environment: dict[str, str], box: Box | None) -> Run:
    if box is not None:
        box.traffic()
    out = folder / "said.txt"
    with out.open("wb") as file:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=file, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)  # it was waited for here
    said = out.read_text(encoding="utf-8", errors="replace")
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}\nexit {process.returncode}\n{said[-2000:]}")
    traffic = box.traffic() if box is not None else None
    return Run(
        wall=wall,
        cpu=used.ru_utime + used.ru_stime,
        peak=used.ru_maxrss / 1024,
        requests=traffic.requests if traffic else 0,
        bytes=traffic.bytes if traffic else 0,
        said=said,
    )
