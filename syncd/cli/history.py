"""`syncd history`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from syncd.cli.opening import open_config, print_json, reading_ledger
from syncd.cli.output import say, say_document
from syncd.explain.documents import point_document, series_document
from syncd.explain.event_words import event_words
from syncd.explain.history import Series, by_point, history
from syncd.sdk import ConfigError
from syncd.sdk.figures import spreadsheet_cell
from syncd.status.choosing import chosen_key_result, chosen_period
from syncd.status.read_snapshots import Snapshots

_COLUMNS = (
    "day",
    "value",
    "change",
    "progress",
    "score",
    "expected",
    "health",
    "quality",
    "source",
    "measured_at",
    "events",
)


def run(
    path: Path,
    name: str,
    *,
    backfill: bool,
    period: str | None,
    as_csv: bool,
    as_json: bool,
    as_chart: bool,
    workspace: str | None = None,
) -> None:
    """Prints the value of a key result day by day."""
    if as_csv + as_json + as_chart > 1:
        raise ConfigError("--csv, --json and --chart do not go together; choose one of them")
    config, clock = open_config(path, workspace, thorough=False)
    now = clock()
    okrs = chosen_period(config, period, now)
    key_result = chosen_key_result(okrs, name, config)
    snapshots = Snapshots(config, okrs, reading_ledger(config))
    series = history(snapshots, snapshots.now(now), key_result, backfill=backfill)
    if series.not_backfilled:
        say(f"{series.not_backfilled}; nothing to backfill", err=True)
    if as_json:
        print_json(series_document(series))
    elif as_csv:
        say_document(table(series))
    elif as_chart and series.points:
        from syncd.cli.history_chart import print_chart

        print_chart(series)
    else:
        for line in series_lines(series, now):
            say(line)


def series_lines(series: Series, now: datetime) -> Iterator[str]:
    """The series as a table, or the reason why it is empty."""
    if series.points:
        from syncd.cli.history_view import render

        yield from render(series, now)
        return
    yield f"{series.key_result.id} has no value yet in {series.period.id}: {_why_none(series, now)}"
    for event in series.events:
        yield f"  {event_words(event, series)}"


def table(series: Series) -> str:
    """The series as CSV of RFC 4180: ISO days, numbers with a dot, an empty cell for an unknown number.

    No spreadsheet program reads a cell as a formula. A cell that begins with a minus is a number, and every text begins
    with a word that syncd wrote.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    events_by_point = by_point(series)
    for point in series.points:
        events = events_by_point.get(point.day, ())
        words = "; ".join(event_words(event, series) for event in events)
        cells: dict[str, Any] = {**point_document(point, series), "events": words}
        writer.writerow([_cell(cells[column]) for column in _COLUMNS])
    return text.getvalue()


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return str(spreadsheet_cell(value))
    plain = format(Decimal(repr(value)), "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _why_none(series: Series, now: datetime) -> str:
    if now < series.period.span.start:
        return f"it begins on {series.period.first.isoformat()}"
    return "run `syncd sync`" if series.key_result.measure else "no measure; it waits for a check-in"
