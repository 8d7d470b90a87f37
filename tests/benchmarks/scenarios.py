"""The scenarios: which contender does what, against which world."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import measured_projects
from box import Box, boxed
from large_files import Runs, measure_files
from measured_projects import Project
from runs import Run, run

_HERE = Path(__file__).parent
_DLT_PYTHON = _HERE.parents[1] / ".venv-bench/bin/python"
DELAY = 0.1
STAGES = ("from nothing", "50 changed", "unchanged")
_SCRIPTS = {"httpx loop (minimal client)": "floor", "PyGithub loop": "pygithub_loop", "dlt rest_api": "dlt_source"}
FLOOR = "httpx loop (minimal client)"
LIBRARIES = "import of sqlalchemy, pydantic and typer"
_IMPORTS = "import sqlalchemy, typer; from pydantic import BaseModel"


@dataclass(frozen=True)
class Contender:
    """A command in a folder of its own."""

    name: str
    command: list[str]
    folder: Path
    environment: dict[str, str]


@dataclass
class Results:
    """The run of each (system, stage, contender); the seconds of `answering.py` by size of ledger, and of `days.py`;
    the rows of `growth.py` and `breadth.py`; the seconds of `service_cycle.py`; the figures of `pages.py`.
    """

    runs: dict[tuple[str, str, str], Run] = field(default_factory=dict)
    files: Runs = field(default_factory=dict)
    answering: list[dict[str, float]] = field(default_factory=list)
    days: dict[str, float] = field(default_factory=dict)
    growth: list[dict[str, Any]] = field(default_factory=list)
    breadth: list[dict[str, float]] = field(default_factory=list)
    service: dict[str, float] = field(default_factory=dict)
    pages: dict[str, float] = field(default_factory=dict)


def measure_all(folder: Path, say: Callable[[str], None]) -> Results:
    """Runs every scenario, one after the other."""
    results = Results()
    systems: dict[str, list[tuple[str, Callable[[Path, Box], Project]]]] = {
        "pulls": [("syncd, base branch", measured_projects.whole_pulls), ("syncd", measured_projects.light_pulls)],
        "issues": [("syncd", measured_projects.issues)],
        "books": [("syncd", measured_projects.books)],
    }
    for system, ours in systems.items():
        with boxed(system) as box:
            contenders = _contenders(folder / system, system, ours, box)
            say(f"{system}: the sandbox renders its rows once")
            _run_once(contenders[0], box)
            for stage in STAGES:
                if stage == "50 changed":
                    box.change()
                for contender in contenders:
                    say(f"{system}, {stage}: {contender.name}")
                    quick = stage == "unchanged" or (system == "books" and stage != "50 changed")
                    results.runs[(system, stage, contender.name)] = _measure(contender, box, stage, 3 if quick else 1)
            if system == "pulls":
                _measure_late(folder / "late", ours, box, results, say)
    with boxed("repos") as box:
        say("50 streams unchanged: syncd")
        project = measured_projects.many_repos(folder / "repos", box)
        contender = Contender("syncd", project.sync, project.folder, project.secrets)
        _run_once(contender, box)
        results.runs[("repos", "unchanged", "syncd")] = _measure(contender, box, "unchanged", 3)
        served = [sys.executable, str(_HERE / "service_cycle.py"), str(project.folder)]
        output = run(served, project.folder, project.secrets, box).output
        results.service = json.loads(output.splitlines()[-1])
    results.files = measure_files(folder / "large", say)
    say("1,000 mapping files validated: syncd")
    files = measured_projects.many_files(folder / "files")
    results.runs[("files", "validated", "syncd")] = run(files.validate, files.folder, files.secrets, None, times=3)
    say("syncd status of the demo")
    demo = measured_projects.demo(folder / "demo")
    results.runs[("demo", "shown", "syncd status")] = run(demo.status, demo.folder, {}, None, times=9)
    libraries = [sys.executable, "-c", _IMPORTS]
    results.runs[("demo", "shown", LIBRARIES)] = run(libraries, demo.folder, {}, None, times=9)
    say("a thousand key results over 10k, 100k and 1M records")
    answering = [sys.executable, str(_HERE / "answering.py"), str(folder / "answering")]
    output = run(answering, folder, {"PYTHONPATH": str(_HERE.parents[1])}, None).output
    results.answering = json.loads(output.splitlines()[-1])
    say("the history of a year of changes, beside a snapshot of one day")
    days = [sys.executable, str(_HERE / "days.py"), str(folder / "days")]
    output = run(days, folder, {"PYTHONPATH": str(_HERE.parents[1])}, None).output
    results.days = json.loads(output.splitlines()[-1])
    results.growth = measure_growth(folder / "growth", say)
    results.breadth = measure_breadth(folder / "breadth", say)
    results.pages = measure_pages(folder / "pages", say)
    return results


def measure_growth(folder: Path, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """What a cycle costs after years of changes: the rows of `growth.py`."""
    folder.mkdir()
    with boxed("empty") as box:
        say("cycles after no change, a thousand and 35,000, in both databases")
        command = [sys.executable, str(_HERE / "growth.py"), str(folder), f"{box.url}/okr-api"]
        secrets = {"OKR_KEY": box.credentials["okr_key"], "OKR_CHANNEL": "json://127.0.0.1:9"}
        path = os.pathsep.join(map(str, (_HERE.parents[1], _HERE.parent)))
        output = run(command, folder, {"PYTHONPATH": path, **secrets}, box).output
    rows: list[dict[str, Any]] = json.loads(output.splitlines()[-1])
    return rows


def measure_breadth(folder: Path, say: Callable[[str], None]) -> list[dict[str, float]]:
    """What loading and cycles cost over 1,000 to 10,000 key results: the rows of `breadth.py`."""
    folder.mkdir()
    say("1,000, 3,000 and 10,000 key results")
    command = [sys.executable, str(_HERE / "breadth.py"), str(folder)]
    rows: list[dict[str, float]] = json.loads(run(command, folder, {}, None).output.splitlines()[-1])
    return rows


def measure_pages(folder: Path, say: Callable[[str], None]) -> dict[str, float]:
    """What the first page costs with 100 key results: the figures of `pages.py`."""
    folder.mkdir()
    say("the first page of 20 objectives with 100 key results")
    figures: dict[str, float] = json.loads(
        run([sys.executable, str(_HERE / "pages.py"), str(folder)], folder, {}, None).output.splitlines()[-1]
    )
    return figures


def measure_scale(folder: Path, sizes: Sequence[int], say: Callable[[str], None]) -> list[dict[str, Any]]:
    """What so many workspaces cost: the figures of `workspaces.py`, each for one worker and for two."""
    folder.mkdir()
    runs = []
    for size, workers in product(sizes, (1, 2)):
        say(f"{size:,} workspaces, {workers} workers")
        command = [
            sys.executable,
            str(_HERE / "workspaces.py"),
            str(folder / f"{size}-{workers}"),
            str(size),
            str(workers),
        ]
        runs.append(json.loads(run(command, folder, {}, None).output.splitlines()[-1]))
    return runs


def _measure_late(
    folder: Path, ours: list[tuple[str, Callable[[Path, Box], Project]]], box: Box, results: Results,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    """Runs the backfill again with each response a tenth of a second late: a single connection waits for each page."""
    box.delay(DELAY)
    contenders = _contenders(folder, "pulls", ours, box)
    for contender in [contenders[0], *contenders[-len(ours) :]]:
        say(f"pulls, from nothing at 100 ms: {contender.name}")
        results.runs[("pulls", "at 100 ms", contender.name)] = _measure(contender, box, "from nothing", 1)
    box.heal()


def _contenders(
    folder: Path, system: str, ours: list[tuple[str, Callable[[Path, Box], Project]]], box: Box
) -> list[Contender]:
    contenders = []
    for name, script in _SCRIPTS.items():
        if script == "pygithub_loop" and system != "pulls":
            continue
        python = str(_DLT_PYTHON) if script == "dlt_source" else sys.executable
        command = [python, str(_HERE / "contenders" / f"{script}.py"), system, box.url]
        working = folder / script
        working.mkdir(parents=True, exist_ok=True)
        contenders.append(Contender(name, command, working, measured_projects.secret(system, box)))
    for name, write in ours:
        project = write(folder / write.__name__, box)
        contenders.append(Contender(name, project.sync, project.folder, project.secrets))
    return contenders


def _run_once(contender: Contender, box: Box) -> None:
    run(contender.command, contender.folder, contender.environment, box)


_KEPT = ("syncd.yaml", "okrs.yaml")


def _reset(folder: Path) -> None:
    """Deletes all but the project's own files."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in _KEPT:
            path.unlink()


def _measure(contender: Contender, box: Box, stage: str, times: int) -> Run:
    def before() -> None:
        if stage == "from nothing":
            _reset(contender.folder)

    return run(contender.command, contender.folder, contender.environment, box, times=times, before=before)
