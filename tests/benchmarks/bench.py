"""`make bench`: runs every benchmark, prints the tables and writes them into docs/benchmarks.md.

Some commands run one benchmark and write only its section: `bench.py files` (large files), `bench.py growth` (ledgers
after years of changes), `bench.py breadth` (many key results) and `bench.py pages` (the first page). `bench.py scale`
runs the benchmarks of many workspaces in about half an hour, and writes docs/scale.md. `bench.py scale 100` runs only
the benchmark of 100 workspaces, and prints the results.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from large_files import measure_files
from report import (
    breadth_section,
    file_section,
    growth_section,
    machine,
    page_section,
    tables,
    write,
    write_section,
)
from scale import section as scale_section
from scenarios import measure_all, measure_breadth, measure_growth, measure_pages, measure_scale

PAGE = Path(__file__).parents[2] / "docs/benchmarks.md"
SCALE = PAGE.with_name("scale.md")
SIZES = (100, 1_000)


def main() -> None:
    """Runs the benchmarks, which takes about a quarter of an hour. No other programs should run on the machine."""
    started, load = time.monotonic(), os.getloadavg()[0]

    def say(progress: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s  {progress}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        if sys.argv[1:2] == ["scale"]:
            sizes = [int(size) for size in sys.argv[2:]]
            content = scale_section(measure_scale(Path(folder) / "scale", sizes or SIZES, say), machine(), load)
            if not sizes:
                write(SCALE, content)
            print(content)
            return
        if sys.argv[1:]:
            sections = {
                "files": lambda: file_section(measure_files(Path(folder), say), load),
                "breadth": lambda: breadth_section(measure_breadth(Path(folder) / "breadth", say), load),
                "pages": lambda: page_section(measure_pages(Path(folder) / "pages", say), load),
                "growth": lambda: growth_section(measure_growth(Path(folder) / "growth", say), load),
            }
            section = sections[sys.argv[1]]()
            write_section(PAGE, section)
            print(section)
            return
        content = tables(measure_all(Path(folder), say), load)
    write(PAGE, content)
    print(content)


if __name__ == "__main__":
    main()
