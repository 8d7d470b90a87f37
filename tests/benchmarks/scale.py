"""Tables of docs/scale.md: what a workspace's cycle costs, and what many workspaces need by that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

SIZES = (1_000, 10_000, 100_000)
_EVERY = 900.0  # seconds between two cycles of a workspace: `schedule: 15m`
_CORES, _BUSY = 4, 0.6  # of a machine, and the share of them that may be at work
_PER_DATABASE = 1_000  # workspaces: a schema each
_ROW = 100  # bytes, of the row that a cycle adds in which nothing changed (docs/growth.md)
_COLUMNS = (
    "workspaces", "workers", "cycle", "worker s", "database s", "sandbox s", "wall s", "lag p50 s", "lag p99 s",
    "connections", "MB a worker", "requests",
)  # fmt: skip
_REQUESTS = (
    "workspaces", "workers", "cycle", "requests", "not changed", "repeated", "saved if shared", "shared lists",
)  # fmt: skip
_NEEDS = (
    "workspaces",
    "cycles a second",
    "cores of workers",
    "machines",
    "cores of databases",
    "databases",
    "connections",
    "ledgers GB",
    "rows a day",
    "GB a month",
)


def section(runs: Sequence[Mapping[str, Any]], machine: str, load: float) -> str:
    """Markdown: what was measured, and what follows of it: of the last run, in which a database has the most
    workspaces, for a cycle costs more there.
    """
    lines = [f"Measured on {datetime.now(UTC):%d %B %Y}: {machine}; load before it began: {load:.1f}.", ""]
    lines += [*_head(_COLUMNS), *(_row(run, stage) for run in runs for stage in run["stages"])]
    lines += ["", f"Requests, counted on {datetime.now(UTC):%d %B %Y}:"]
    lines += ["", *_head(_REQUESTS), *(_requests(run, stage) for run in runs for stage in run["stages"])]
    lines += ["", *_head(_NEEDS), *(_needs(size, runs[-1]) for size in SIZES)]
    return "\n".join(lines)


def _head(columns: Sequence[str]) -> Sequence[str]:
    return [f"| {' | '.join(columns)} |", "|" + " ---: |" * len(columns)]


def _row(run: Mapping[str, Any], stage: str) -> str:
    took = run["stages"][stage]
    seconds = " | ".join(f"{took[name]:.3f}" for name in ("worker", "database", "sandbox"))
    lags = f"{took['wall']:.0f} | {took['lag p50']:.0f} | {took['lag p99']:.0f}"
    rest = f"{took['connections']} | {took['peak MB']:.0f} | {took['requests']:.1f}"
    return f"| {run['workspaces']:,} | {run['workers']} | {stage} | {seconds} | {lags} | {rest} |"


def _requests(run: Mapping[str, Any], stage: str) -> str:
    took = run["stages"][stage]
    rates = " | ".join(f"{took[name]:.2f}" for name in ("requests", "unchanged", "repeated", "shared"))
    return f"| {run['workspaces']:,} | {run['workers']} | {stage} | {rates} | {took['lists']} |"


def _needs(size: int, run: Mapping[str, Any]) -> str:
    """What so many workspaces need whose cycles change nothing, four times an hour."""
    took, first = run["stages"]["unchanged"], run["stages"]["from nothing"]
    rate = size / _EVERY
    workers, database = rate * took["worker"], rate * took["database"]
    machines = math.ceil(workers / (_CORES * _BUSY))
    databases = max(math.ceil(size / _PER_DATABASE), math.ceil(database / (_CORES * _BUSY)))
    ledgers = first["database MB"] / run["workspaces"] * size / 1e3
    connections = math.ceil(workers / _BUSY) * math.ceil(took["connections"] / run["workers"])
    rows = size * 86_400 / _EVERY
    needs = f"{rate:,.1f} | {workers:,.1f} | {machines:,} | {database:,.1f} | {databases:,} | {connections:,}"
    return f"| {size:,} | {needs} | {ledgers:,.1f} | {rows:,.0f} | {rows * 30 * _ROW / 1e9:,.1f} |"
