"""Projects of very many key results, and what it costs to load them and to run cycles over them: `breadth.py FOLDER`.

Files of ten key results: two objectives of five, two of these outputs that drive outcomes. Each tenth file is of the
year around the quarter: objectives of the quarter support its objectives, and outputs drive its outcomes. The numbers
are series of shared CSV files, some of them in formulas; each file has a mapping test.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
COLUMNS = 100
"""Series in a CSV file: twenty key results share each file."""

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


if __name__ == "__main__":
    write_project(Path(sys.argv[1]), int(sys.argv[2]))
