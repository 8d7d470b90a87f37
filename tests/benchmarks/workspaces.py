"""What many workspaces cost their workers, their database and their sources: `workspaces.py FOLDER SIZE WORKERS` prints
JSON.

Each workspace has 20 key results: four count the pull requests of one of fifty repositories, the others are series of a
file. The workers run all workspaces twice, each time due at the same moment: from nothing, and with nothing changed.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import active_children
from pathlib import Path
from typing import Any

_TESTS = Path(__file__).parents[1]
sys.path.append(str(_TESTS))

import psycopg  # noqa: E402
from box import Box, Traffic, boxed  # noqa: E402
from budgets import computed_by  # noqa: E402
from measured_projects import CLOCK, secret  # noqa: E402
from postgres_server import new_database, start_postgres, stop_postgres  # noqa: E402
from sqlalchemy import make_url  # noqa: E402

STAGES = ("from nothing", "unchanged")
KEY_RESULTS = 20
_OF_GITHUB = 4
_REPOS = 50
_CONCURRENCY = 4
_POLL = 0.5  # seconds
_DEPLOYMENT = """\
workspaces: teams/*/syncd.yaml
ledger: {ledger}
runner: procrastinate
worker: {{concurrency: {concurrency}}}
schedule: 7d
clock: {clock}
"""
_WORKSPACE = """\
connections:
  local: {{type: files, root: data/}}
  code: {{type: github, url: "{url}/github", token: "${{SECRET}}"}}
publish:
  - {{to: local, file: okrs.json}}
"""


def _write(folder: Path, size: int, ledger: str, url: str) -> None:
    """A deployment of so many workspaces."""
    folder.mkdir(parents=True)
    (folder / "syncd.yaml").write_text(_DEPLOYMENT.format(ledger=ledger, concurrency=_CONCURRENCY, clock=CLOCK))
    for number in range(size):
        team = folder / f"teams/team-{number:04}"
        (team / "mappings").mkdir(parents=True)
        (team / "data").mkdir()
        (team / "syncd.yaml").write_text(_WORKSPACE.format(url=url))
        key_results = "\n".join(_key_result(number, index) for index in range(KEY_RESULTS))
        period = "period: {start: 2026-10-01, end: 2026-12-31, id: 2026-Q4}"
        objective = f"objectives:\n  - id: all\n    title: Customers are served\n    key_results:\n{key_results}\n"
        (team / "mappings/okrs.yaml").write_text(f"{period}\n{objective}")
        header = ",".join(["Week", *(f"Line {column}" for column in range(KEY_RESULTS))])
        weeks = (f"2026-11-{2 + 7 * week:02}," + ",".join([str(100 + week)] * KEY_RESULTS) for week in range(3))
        (team / "data/numbers.csv").write_text("\n".join([header, *weeks]) + "\n")


def _key_result(number: int, index: int) -> str:
    measure = f"{{from: local, file: numbers.csv, series: {{dates: Week, values: Line {index}}}, take: latest}}"
    if index < _OF_GITHUB:
        repo = f"acme/r{number % _REPOS:02}"
        measure = f"{{from: code, repo: {repo}, what: merged_pull_requests, take: count, window: {7 * (index + 1)}d}}"
    kind, drives = ("output", ", drives: kr-19, lag: 3w") if index < _OF_GITHUB else ("outcome", "")
    keys = f"title: Number {index}, kind: {kind}, baseline: 0, target: 200{drives}"
    return f"      - {{id: kr-{index}, {keys}, measure: {measure}}}"


class _Deployment:
    """The workers of a deployment, and what they and their database have computed."""

    def __init__(self, folder: Path, ledger: str, server: Any, box: Box) -> None:
        self._folder = folder
        self._box = box
        self._address = make_url(ledger).set(drivername="postgresql").render_as_string(hide_password=False)
        self._postmaster = int((Path(server.pgdata) / "postmaster.pid").read_text().splitlines()[0])
        (self._sandbox,) = active_children()
        self._workers: list[subprocess.Popen[bytes]] = []

    @contextmanager
    def workers(self, count: int) -> Iterator[None]:
        """So many workers, until the block ends."""
        command = [sys.executable, "-m", "syncd", "worker"]
        environment = {**os.environ, **secret("pulls", self._box)}
        for number in range(count):
            with (self._folder / f"worker-{number}.log").open("wb") as log:
                self._workers.append(subprocess.Popen(command, cwd=self._folder, env=environment, stderr=log))
        try:
            yield
        finally:
            for worker in self._workers:
                worker.terminate()
            for worker in self._workers:
                worker.wait()

    def stage(self, size: int) -> dict[str, float]:
        """One cycle of every workspace, from the moment that all are due."""
        before, started = self._computed(), time.monotonic()
        self._box.traffic()
        began = self._ask("SELECT now()")[0][0]
        if self._has_rows():
            self._ask("UPDATE syncd.workspaces SET due_at = now()")
        most = 0
        while not self._has_rows() or self._ended(began) < size:
            time.sleep(_POLL)
            most = max(
                most, self._ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")[0][0]
            )
        wall, after = time.monotonic() - started, self._computed()
        waited = "SELECT extract(epoch FROM began_at - %s) FROM syncd.workspaces ORDER BY 1"
        lags = [float(row[0]) for row in self._ask(waited, began)]
        failed = self._ask("SELECT count(*) FROM syncd.workspaces WHERE outcome <> 'complete'")[0][0]
        assert not failed, f"{failed} workspaces failed"
        seconds = {name: (after[name] - before[name]) / size for name in before}
        return {
            **seconds,
            "wall": wall,
            "lag p50": lags[len(lags) // 2],
            "lag p99": lags[int(len(lags) * 0.99)],
            "connections": most,
            **_requests(self._box.traffic(), size),
            "peak MB": max(_peak(worker.pid) for worker in self._workers),
            "database MB": self._ask("SELECT pg_database_size(current_database())")[0][0] / 1e6,
        }

    def _has_rows(self) -> bool:
        return self._ask("SELECT to_regclass('syncd.workspaces')") != [(None,)]

    def _ended(self, since: Any) -> int:
        """How many workspaces have ended a cycle that began since a time."""
        ended: int = self._ask(
            "SELECT count(*) FROM syncd.workspaces WHERE began_at > %s AND ended_at > began_at", since
        )[0][0]
        return ended

    def _computed(self) -> dict[str, float]:
        """CPU seconds until now."""
        return {
            "worker": sum(computed_by(worker.pid) for worker in self._workers),
            "database": computed_by(self._postmaster),
            "sandbox": computed_by(self._sandbox.pid or 0),
        }

    def _ask(self, query: str, *values: Any) -> Sequence[tuple[Any, ...]]:
        with psycopg.connect(self._address) as connection:
            cursor = connection.execute(query, values or None)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []


def _requests(traffic: Traffic, size: int) -> dict[str, float]:
    """Requests for a workspace's cycle. `unchanged` and `repeated` are wasted: the answer was that nothing has changed,
    or the same workspace had asked already, before its job was lost. `shared` would not have been made if the
    workspaces with one credential pulled each list together, and `lists` are those that several of them pull.
    """
    by_address = traffic.by_address.values()
    askers = math.ceil(size / _REPOS)  # of each list
    return {
        "requests": traffic.requests / size,
        "unchanged": traffic.unchanged / size,
        "repeated": sum(max(0, count - askers) for count in by_address) / size,
        "shared": sum(count - 1 for count in by_address) / size,
        "lists": sum(count > 1 for count in by_address),
    }


def _peak(process: int) -> float:
    """The most memory that a process had, in MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM"))


def measured(folder: Path, size: int, workers: int) -> Mapping[str, Any]:
    """CPU seconds of a workspace's cycle by who computed them, and what else each stage took."""
    with ExitStack() as stack:
        server = start_postgres()
        stack.callback(stop_postgres, server)
        box = stack.enter_context(boxed("repos"))
        ledger = new_database(server, "okrs")
        _write(folder, size, ledger, box.url)
        deployment = _Deployment(folder, ledger, server, box)
        stack.enter_context(deployment.workers(workers))
        stages = {stage: deployment.stage(size) for stage in STAGES}
    return {"workspaces": size, "workers": workers, "stages": stages}


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
