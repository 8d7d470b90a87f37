"""`make bench`: measures everything, prints the tables and puts them into docs/benchmarks.md."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from report import tables, written
from scenarios import measure_all

PAGE = Path(__file__).parents[2] / "docs/benchmarks.md"


def main() -> None:
    """About five minutes; nothing else should run on the machine."""
    started, load = time.monotonic(), os.getloadavg()[0]

    def say(what: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s  {what}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        content = tables(measure_all(Path(folder), say), load)
    written(PAGE, content)
    print(content)


if __name__ == "__main__":
    main()
