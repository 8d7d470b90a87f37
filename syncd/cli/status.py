"""`syncd status`."""

from __future__ import annotations

from pathlib import Path

from syncd.cli.opening import open_config, print_json, reading_ledger
from syncd.cli.status_view import print_status
from syncd.status.choosing import chosen_period
from syncd.status.document import status_document
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import report_of
from syncd.status.unwritten import troubles
from syncd.status.work import where_the_work_went


def run(path: Path, *, period: str | None, as_json: bool, workspace: str | None = None) -> None:
    """Prints the status of a period."""
    config, clock = open_config(path, workspace, thorough=False)
    okrs = chosen_period(config, period, clock())
    ledger = reading_ledger(config)
    snapshot = Snapshots(config, okrs, ledger).now(clock())
    report, unwritten, work = report_of(snapshot), troubles(ledger), where_the_work_went(snapshot, okrs, ledger)
    if as_json:
        print_json(status_document(report, unwritten, work))
        return
    print_status(report, unwritten, work)
