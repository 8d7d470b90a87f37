"""Writes the tables of docs/benchmarks.md, which also show whether each target is met."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from large_files import EMPTY, LIBRARY, ROWS, SYNCD, Runs
from runs import Run
from scenarios import FLOOR, LIBRARIES, STAGES, Results

_FLOOR_SECONDS = 1.4
"""The minimal client's time for 20,000 pull requests on the machine for which the targets in seconds were set."""

_TITLES = {
    "pulls": "20,000 pull requests of one repository",
    "issues": "20,000 Jira issues",
    "books": "200 ranges of 20 spreadsheets",
}
_HEAD = (
    "| {} | wall s | × minimal client | CPU s | peak MB | requests | MB |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
)
_FILES = "### Large files"
_GROWTH = "### Cycles after years of changes"
_BREADTH = "### Many key results"
_PAGES = "### The first page"
_BEGIN, _END = "<!-- the tables of make bench -->", "<!-- end of the tables -->"


def tables(results: Results, load: float) -> str:
    """The results as Markdown: the machine, the tables of each scenario, and the targets.

    `load` is the load of the machine before the run. If it is not near 0, other programs ran too, and the wall times
    are not reliable.
    """
    parts = [f"Measured on {datetime.now(UTC):%d %B %Y}: {machine()}; load average before the run: {load:.1f}."]
    for system, title in _TITLES.items():
        parts.append(f"### {title}")
        for stage in (*STAGES, "at 100 ms"):
            names = [name for world, when, name in results.runs if (world, when) == (system, stage)]
            if names:
                rows = [
                    _row(name, results.runs[system, stage, name], results.runs[system, stage, FLOOR]) for name in names
                ]
                shown = "from nothing, each response 100 ms late" if stage == "at 100 ms" else stage
                parts.append("\n".join([_HEAD.format(shown), *rows]))
    parts += [file_section(results.files, load)]
    parts += [growth_section(results.growth, load)]
    parts += [breadth_section(results.breadth, load)]
    parts += [page_section(results.pages, load)]
    parts += ["### 1,000 mapping files", "\n".join(_files(results))]
    parts += ["### The start of a command", "\n".join(_start(results))]
    parts += ["### Measuring 1,000 key results", "\n".join(_growth(results))]
    parts += ["### Targets", "\n".join(_targets(results))]
    return "\n\n".join(parts)


def file_section(runs: Runs, load: float) -> str:
    """The section on large files, with its targets. `bench.py files` writes only this section."""
    lines = [_FILES, "", f"Measured on {datetime.now(UTC):%d %B %Y}; load average before the run: {load:.1f}.", ""]
    lines += ["| file | | wall s | CPU s | × library | peak MB |", "| --- | --- | ---: | ---: | ---: | ---: |"]
    targets = []
    for kind, rows in ROWS.items():
        library, ours, empty = (runs[kind, name] for name in (LIBRARY[kind], SYNCD, EMPTY))
        title = f"{rows:,} × 5 cells, {kind.upper()}"
        for name, run in ((LIBRARY[kind], library), (SYNCD, ours), (EMPTY, empty)):
            figures = f"{run.wall:.2f} | {run.cpu:.2f} | {run.cpu / library.cpu:.1f} | {run.peak:.0f}"
            lines.append(f"| {title} | {name} | {figures} |")
        most = 4 if kind == "csv" else 3
        share = (ours.cpu - empty.cpu) / library.cpu
        targets.append(
            _target(f"{title}: CPU beyond a one-row file's at most {most} × the library's", share, most, "×")
        )
        whole = ours.cpu / library.cpu
        targets.append(_target(f"{title}: CPU of the command at most {most} × the library's", whole, most, "×"))
        if kind == "csv":
            above = ours.peak - empty.peak
            targets.append(_target(f"{title}: peak memory at most 60 MB above a one-row file's", above, 60, "MB"))
        else:
            targets.append(_target(f"{title}: peak memory at most 150 MB", ours.peak, 150, "MB"))
    return "\n".join([*lines, "", "| target | measured | |\n| --- | --- | --- |", *targets])


def growth_section(rows: Sequence[Mapping[str, Any]], load: float) -> str:
    """The section on cycles after years of changes, with its targets. `bench.py growth` writes only this section."""
    lines = [_GROWTH, "", f"Measured on {datetime.now(UTC):%d %B %Y}; load average before the run: {load:.1f}.", ""]
    names = ("unchanged s", "× no changes", "statements", "all changed s", "× no changes", "statements", "MB")
    lines += ["| ledger | changes | " + " | ".join(names) + " |"]
    lines += ["| --- | " + " | ".join(["---:"] * (len(names) + 1)) + " |"]
    targets = []
    for row in rows:
        first = next(each for each in rows if each["database"] == row["database"])
        figures = [f"{row['changes']:,}"]
        for cycle in ("unchanged", "changed"):
            figures += [f"{row[cycle]:.3f}", f"{row[cycle] / first[cycle]:.2f}", f"{row[f'{cycle} statements']}"]
        lines.append(f"| {row['database']} | " + " | ".join([*figures, f"{row['MB']:,.0f}"]) + " |")
        if row is first:
            of = f"{row['database']}, 50 of 50 changed"
            targets.append(_target(f"{of}: fewer than 120 statements", row["changed statements"], 119, "statements"))
            targets.append(_target(f"{of}: at most 0.25 s CPU", row["changed"], 0.25, "s"))
        else:
            name = (
                f"{row['database']}, after {row['changes']:,} changes: an unchanged cycle at most 1.2 × the first day's"
            )
            targets.append(_target(name, row["unchanged"] / first["unchanged"], 1.2, "×"))
    return "\n".join([*lines, "", "| target | measured | |\n| --- | --- | --- |", *targets])


def breadth_section(rows: Sequence[Mapping[str, float]], load: float) -> str:
    """The section on many key results, with its targets. `bench.py breadth` writes only this section."""
    lines = [_BREADTH, "", f"Measured on {datetime.now(UTC):%d %B %Y}; load average before the run: {load:.1f}.", ""]
    names = [name for name in rows[0] if name != "key results"]
    lines += ["| key results | " + " | ".join(f"{name} s" for name in names) + " |"]
    lines += ["| " + " | ".join(["---:"] * (len(names) + 1)) + " |"]
    for row in rows:
        lines.append(f"| {row['key results']:,} | " + " | ".join(f"{row[name]:.2f}" for name in names) + " |")
    least, most = rows[0], rows[-1]
    times = most["key results"] / least["key results"]
    targets = [
        _target(f"{row['key results']:,}: loading at most 2.5 × `yaml.compose`", row["load"] / row["compose"], 2.5, "×")
        for row in rows
    ]
    targets += [_target(f"{most['key results']:,}: an unchanged cycle at most 3 s", most["unchanged"], 3, "s")]
    for name in ("load", "unchanged", "first cycle"):
        share = most[name] / least[name] / times
        targets.append(_target(f"{name}: time per key result at most 1.2 × that for a tenth as many", share, 1.2, "×"))
    return "\n".join([*lines, "", "| target | measured | |\n| --- | --- | --- |", *targets])


def page_section(figures: Mapping[str, float], load: float) -> str:
    """The section on the first page, with its targets. `bench.py pages` writes only this section."""
    targets = [
        _target("CPU of the server at most 0.2 s", figures["server"], 0.2, "s"),
        _target("uncompressed page at most 100 kB", figures["kilobytes"], 100, "kB"),
        _target("completely painted in Chromium after at most 1 s", figures["paint"], 1, "s"),
    ]
    measured = f"Measured on {datetime.now(UTC):%d %B %Y}; load average before the run: {load:.1f}."
    return "\n".join([_PAGES, "", measured, "", "| target | measured | |\n| --- | --- | --- |", *targets])


def write_section(page: Path, section: str) -> None:
    """Replaces one section of the page. `section` begins with its heading."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(section.splitlines()[0])
    if not rest:
        before, _, rest = text.partition("### 1,000 mapping files")
        page.write_text(f"{before}{section}\n\n### 1,000 mapping files{rest}", encoding="utf-8")
        return
    _, _, after = rest.partition("\n### ")
    page.write_text(f"{before}{section}\n\n### {after}", encoding="utf-8")


def write(page: Path, content: str) -> None:
    """Writes the tables into the page, between the two comments that mark their place."""
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text(f"{before}{_BEGIN}\n\n{content}\n\n{_END}{after}", encoding="utf-8")


def machine() -> str:
    """The processor, the number of cores, the memory, and the versions of Python and the system."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in _lines(info) if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}, {platform.system()}"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _row(name: str, run: Run, floor: Run) -> str:
    times = f"{run.wall:.2f} | {run.wall / floor.wall:.1f} | {run.cpu:.2f}"
    return f"| {name} | {times} | {run.peak:.0f} | {run.requests} | {run.bytes / 1e6:.1f} |"


def _files(results: Results) -> Iterator[str]:
    run = results.runs["files", "validated", "syncd"]
    yield "| validated | wall s | CPU s | peak MB |\n| --- | ---: | ---: | ---: |"
    yield f"| syncd | {run.wall:.2f} | {run.cpu:.2f} | {run.peak:.0f} |"


def _start(results: Results) -> Iterator[str]:
    yield "| the demo | wall s | CPU s | peak MB |\n| --- | ---: | ---: | ---: |"
    for name in ("syncd status", LIBRARIES):
        run = results.runs["demo", "shown", name]
        yield f"| {name} | {run.wall:.2f} | {run.cpu:.2f} | {run.peak:.0f} |"


def _growth(results: Results) -> Iterator[str]:
    names = ("cold", "cold CPU", "again", "again CPU", "cold commit", "again commit")
    yield "| records | " + " | ".join(f"{name} s" for name in names) + " |"
    yield "| " + " | ".join(["---:"] * (len(names) + 1)) + " |"
    for ledger in results.answering:
        seconds = " | ".join(f"{ledger[name]:.2f}" for name in names)
        yield f"| {ledger['records']:,.0f} | {seconds} |"


def _targets(results: Results) -> Iterator[str]:
    yield "| target | measured | |\n| --- | --- | --- |"
    runs = results.runs
    for system, title in _TITLES.items():
        names = [
            name for world, when, name in runs if world == system and when == STAGES[0] and name.startswith("syncd")
        ]
        for name in names:
            shown = f"{title}, {name}" if len(names) > 1 else title
            ours, floor = runs[system, STAGES[0], name], runs[system, STAGES[0], FLOOR]
            if system == "pulls":
                yield _target(f"{shown}: wall time at most 2 × the minimal client's", ours.wall / floor.wall, 2, "×")
            else:
                yield _target(f"{shown}: wall time at most 3 × the minimal client's", ours.wall / floor.wall, 3, "×")
            yield _target(f"{shown}: peak memory at most 120 MB", ours.peak, 120, "MB")
            for stage in STAGES:
                more = runs[system, stage, name].requests - runs[system, stage, FLOOR].requests
                yield _target(f"{shown}, {stage}: at most two requests more than the minimal client", more, 2, "more")
    late = [name for _, when, name in runs if when == "at 100 ms" and name.startswith("syncd")]
    for name in late:
        share = runs["pulls", "at 100 ms", name].wall / runs["pulls", "at 100 ms", FLOOR].wall
        yield _target(f"Responses 100 ms late, {name}: wall time at most 0.4 × the minimal client's", share, 0.4, "×")
    status, libraries = runs["demo", "shown", "syncd status"], runs["demo", "shown", LIBRARIES]
    yield _target("`status` of the demo: CPU at most 1.6 × its libraries' import", status.cpu / libraries.cpu, 1.6, "×")
    unchanged = runs["repos", "unchanged", "syncd"]
    yield _target("50 streams unchanged: at most 50 requests", unchanged.requests, 50, "requests")
    days = results.days["history"] / results.days["snapshot"]
    yield _target("History of a year, 35,000 values: CPU at most 10 × one past snapshot", days, 10, "×")
    slower = runs["pulls", STAGES[0], FLOOR].wall / _FLOOR_SECONDS
    largest = results.answering[-1]
    for scenario, seconds, most in (
        ("50 streams unchanged, a cycle of the running service", results.service["wall"], 0.5),
        ("1,000 mapping files validated", runs["files", "validated", "syncd"].wall, 2),
        ("1,000 key results over 1,000,000 records, cold", largest["cold"], 2),
        ("1,000 key results over 1,000,000 records, nothing changed", largest["again"], 0.2),
    ):
        where = f"if the minimal client took {_FLOOR_SECONDS} s"
        yield _target(f"{scenario}: at most {most} s {where}", seconds / slower, most, "s")
        yield _target(f"{scenario}: at most {most} s as measured", seconds, most, "s")


def _target(target: str, measured: float, most: float, unit: str) -> str:
    shown = f"{measured:.0f}" if unit in ("MB", "requests", "more", "statements") else f"{measured:.2f}"
    return f"| {target} | {shown} {unit} | {'met' if measured <= most else '**not met**'} |"
