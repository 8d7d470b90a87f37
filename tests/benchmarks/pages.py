"""Times the first page: `pages.py FOLDER` prints its CPU seconds on the server, its bytes and its seconds to paint.

20 objectives with 100 key results, each with a series of 13 weeks, a fifth of them outputs that drive outcomes.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

from starlette.testclient import TestClient

sys.path.append(str(Path(__file__).parents[1]))

from chromium import a_browser
from csv_project import CsvProject

from syncd.service import LedgerReader
from syncd.web import make_app, serving

_NOW = datetime(2026, 12, 29, 10, tzinfo=UTC)
_OBJECTIVES, _KEY_RESULTS, _TIMES = 20, 5, 9
_PAINTED = """() => new Promise(done => new PerformanceObserver(
  list => done(Math.max(list.getEntries().at(-1).startTime, performance.getEntriesByType('navigation')[0].loadEventEnd))
).observe({type: 'largest-contentful-paint', buffered: true}))"""
"""Milliseconds until the largest part of the page was painted and everything was loaded."""


def project(folder: Path) -> LedgerReader:
    """The company, synced once near the end of its quarter."""
    days = [date(2026, 10, 1) + timedelta(weeks=week) for week in range(13)]
    names = [f"n{number}" for number in range(_OBJECTIVES * _KEY_RESULTS)]
    lines = ["period: 2026-Q4", "objectives:"]
    for objective in range(_OBJECTIVES):
        lines += [f"  - id: o{objective}", f"    title: Customers of area {objective} reach what they came for sooner"]
        lines += ["    owner: team", "    key_results:"]
        for number in range(_KEY_RESULTS):
            name, output = names[objective * _KEY_RESULTS + number], number == _KEY_RESULTS - 1
            lines.append(
                f"      - {{id: {name}, title: The number of things that go well rises to a hundred, target: 100, "
                f"baseline: 0, kind: {'output' if output else 'outcome'}, "
                + (f"drives: {names[objective * _KEY_RESULTS]}, lag: 1w, " if output else "")
                + f"measure: {{from: local, file: numbers.csv, series: {{dates: Day, values: {name}}}}}}}"
            )
    made = CsvProject(folder, "\n".join(lines) + "\n", _NOW)
    rows = [
        ",".join([str(day), *(str(round(week * (3 + at % 6) + at * 7 % 11 / 10, 1)) for at in range(len(names)))])
        for week, day in enumerate(days)
    ]
    made.write("numbers.csv", ",".join(["Day", *names]), *rows)
    made.cycle()
    made.ledger.close()
    path = folder / "syncd.yaml"
    path.write_text(f"{path.read_text()}clock: {_NOW.isoformat()}\n", encoding="utf-8")
    return LedgerReader(path, made.config)


def measured(folder: Path) -> dict[str, float]:
    """CPU seconds of the server, kilobytes, and seconds until the whole page is painted: medians."""
    app = make_app(project(folder))
    client = TestClient(app, base_url="http://localhost")
    page = client.get("/")  # the first one loads the templates
    seconds = []
    for _ in range(_TIMES):
        began = time.process_time()
        page = client.get("/")
        seconds.append(time.process_time() - began)
    paints = []
    with serving(app, "127.0.0.1", 0) as port, a_browser() as browser:
        for _ in range(_TIMES):
            view = browser.new_page()
            view.goto(f"http://127.0.0.1:{port}/")
            paints.append(view.evaluate(_PAINTED) / 1000)
            view.close()
    return {"server": median(seconds), "kilobytes": len(page.content) / 1000, "paint": median(paints)}


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]))))
