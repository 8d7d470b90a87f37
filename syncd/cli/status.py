"""`syncd status`."""

from __future__ import annotations

from pathlib import Path

from syncd.cli.opening import chosen_plan, open_config, print_json, reading_ledger
from syncd.cli.status_view import print_status
from syncd.status.document import document
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import report_of
from syncd.status.unwritten import trouble_document, troubles


def run(path: Path, *, period: str | None, as_json: bool) -> None:
    """Prints where a period stands."""
    config, clock = open_config(path)
    plan = chosen_plan(config, period, clock())
    ledger = reading_ledger(config)
    found, unwritten = report_of(Snapshots(config, plan, ledger).now(clock())), troubles(ledger)
    if as_json:
        print_json(document(found) | {"unwritten": [trouble_document(trouble) for trouble in unwritten]})
        return
    print_status(found, unwritten)
