"""What it costs to load and to run cycles over very many key results: `breadth.py FOLDER` prints JSON.

Files of ten key results: two objectives of five, two of these outputs that drive outcomes. Each tenth file is of the
year around the quarter: objectives of the quarter support its objectives, and outputs drive its outcomes. The numbers
are series of shared CSV files, some of them in formulas; each file has a mapping test.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import yaml

from syncd.config import load_config
from syncd.cycle.model import CycleRequest
from syncd.cycle.run import run_cycle
from syncd.ledger import open_ledger
from syncd.sdk import RetryPolicy

SIZES = (1_000, 3_000, 10_000)
COMMANDS = ("status", "validate", "plan")
_TIMES = 3

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
COLUMNS = 100
"""Series in a CSV file; a key result reads each."""

_SETTINGS = """\
mappings: mappings/
clock: {now}
timezone: Europe/Berlin
connections:
  numbers: {{type: files, root: data/}}
  out: {{type: files, root: out/}}
publish:
  - {{to: out, file: okrs.json}}
"""


def write_project(folder: Path, size: int) -> Path:
    """Writes a project of so many key results; returns its syncd.yaml."""
    mappings = folder / "mappings"
    for name in ("mappings", "data", "out"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "syncd.yaml").write_text(_SETTINGS.format(now=NOW.isoformat()), encoding="utf-8")
    for number in range(size // 10):
        period = "2026" if number % 10 == 9 else "2026-Q4"
        objectives = "".join(_objective(2 * number + half) for half in range(2))
        text = f"period: {period}\nobjectives:\n{objectives}{_tests(2 * number)}"
        (mappings / f"team-{number:04}.yaml").write_text(text, encoding="utf-8")
    for number in range(-(-size // COLUMNS)):
        write_data(folder, number, 0)
    return folder / "syncd.yaml"


def write_data(folder: Path, number: int, more: int) -> None:
    """Writes a CSV file of weekly numbers; `more` is added to the last week's."""
    lines = [",".join(["Week", *(f"Line {column}" for column in range(COLUMNS))])]
    for week in range(8):
        day = date(2026, 9, 28) + timedelta(weeks=week)
        numbers = (100 + (number + column) % 7 + week * 3 + (more if week == 7 else 0) for column in range(COLUMNS))
        lines.append(",".join([day.isoformat(), *map(str, numbers)]))
    (folder / f"data/file-{number:03}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _of_year(number: int) -> int:
    """The first objective of the year's file that belongs to an objective of the quarter."""
    return number // 20 * 20 + 18


def _objective(number: int) -> str:
    of_quarter = number < _of_year(number)
    lines = [
        f"  - id: objective-{number}",
        f"    title: Customers of area {number} find answers without calling us",
        f"    owner: team-{number // 2}",
    ]
    lines += [f"    supports: objective-{_of_year(number) + number % 2}"] if of_quarter else []
    lines += ["    rollup: supporting"] if not of_quarter and number % 2 else []
    lines.append("    key_results:")
    for index in range(5):
        lines += _key_result(number, index, formula=number % 40 == 0 and index == 0)
    return "\n".join(lines) + "\n"


def _key_result(number: int, index: int, *, formula: bool) -> list[str]:
    place = 5 * number + index
    series = f"{{dates: Week, values: Line {place % COLUMNS}}}"
    measure = f"{{from: numbers, file: file-{place // COLUMNS:03}.csv, series: {series}"
    lines = [
        f"      - id: kr-{place}",
        f"        title: Calls to support line {place} fall from 300 to 50 a week",
        f"        kind: {'outcome' if index < 3 else 'output'}",
        "        unit: calls/week",
        f"        baseline: {300 if index < 3 else 0}",
        f"        target: {50 if index < 3 else 2000}",
    ]
    if index >= 3:
        outcome = 5 * (number if index == 3 else _of_year(number)) + index - 3
        lines += [f"        drives: kr-{outcome}", "        lag: 3w"]
    if formula:
        lines += [
            "        measure:",
            "          formula: a / (a + b) * 100",
            "          parts:",
            f"            a: {measure}, take: latest}}",
            f"            b: {measure}, take: first}}",
        ]
    else:
        lines.append(f"        measure: {measure}, take: {'latest' if index < 3 else 'sum'}}}")
    return lines


def _tests(objective: int) -> str:
    name = f"kr-{5 * objective + 1}"
    return f"""tests:
  - name: Half way
    at: 2026-11-15
    given:
      {name}: [{{date: 2026-11-10, value: 175}}]
    expect:
      {name}: {{value: 175, progress: 0.5}}
"""


def measured(folder: Path, size: int) -> dict[str, float]:
    """CPU seconds over a project of this size: the best of three for loading and unchanged cycles, else of one run."""
    path = write_project(folder, size)
    texts = [file.read_text(encoding="utf-8") for file in sorted((folder / "mappings").glob("*.yaml"))]
    seconds: dict[str, float] = {"key results": size}
    seconds["compose"] = _best(lambda: [yaml.compose(text, Loader=yaml.CSafeLoader) for text in texts])
    seconds["load"] = _best(lambda: load_config(path))
    config = load_config(path)
    first = folder / "mappings/team-0000.yaml"
    first.write_text(first.read_text(encoding="utf-8").replace("target: 50", "target: 40", 1), encoding="utf-8")
    seconds["one file edited"] = _best(lambda: load_config(path, last=config))
    config = load_config(path, last=config)
    ledger = open_ledger(config.ledger_url())
    assert ledger is not None
    now = NOW

    def cycle() -> None:
        nonlocal now
        now += timedelta(minutes=1)
        run_cycle(CycleRequest(config, ledger, lambda: now, RetryPolicy()))

    seconds["first cycle"] = _best(cycle, 1)
    seconds["unchanged"] = _best(cycle)
    write_data(folder, 0, 5)  # 100 of the key results: 1 % of the largest project
    time.sleep(1.1)  # syncd waits for files that were just written
    seconds["100 changed"] = _best(cycle, 1)
    ledger.close()
    for command in COMMANDS:
        seconds[command] = _process_seconds(command, path)
    return seconds


def _best(work: Callable[[], object], times: int = _TIMES) -> float:
    return min(_seconds(work) for _ in range(times))


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _process_seconds(command: str, path: Path) -> float:
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "syncd", command, "-c", path], check=True, capture_output=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    gc.set_threshold(200_000)  # as every command does
    print(json.dumps([measured(Path(sys.argv[1]) / str(size), size) for size in SIZES]))
