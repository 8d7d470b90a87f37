"""`syncd status`."""

from __future__ import annotations

from pathlib import Path

from syncd.cli.opening import chosen_plan, open_config, print_json, reading_ledger
from syncd.cli.status_view import print_status
from syncd.documents import document
from syncd.publishing.troubles import document as trouble_document
from syncd.publishing.troubles import troubles
from syncd.report import report


def run(path: Path, *, period: str | None, as_json: bool) -> None:
    """Prints where a period stands."""
    config, clock = open_config(path)
    plan = chosen_plan(config, period, clock())
    ledger = reading_ledger(config)
    found, unwritten = report(config, plan, ledger, clock()), troubles(ledger)
    if as_json:
        print_json(document(found) | {"unwritten": [trouble_document(trouble) for trouble in unwritten]})
        return
    print_status(found, unwritten)
