"""`syncd prune`. The command works even if mapping files are not valid."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

from syncd.cli.opening import written_ledger_url
from syncd.cli.output import say
from syncd.config.load import read_chosen
from syncd.config.project import clock_of
from syncd.ledger import LedgerBusy, open_ledger
from syncd.ledger.prune import give_space_back, prune, size
from syncd.okr.words import count
from syncd.sdk import ConfigError


def run(path: Path, *, dry_run: bool, workspace: str | None = None) -> None:
    """Removes the rows that `retain:` does not keep, and prints how many rows of each table were removed."""
    url = written_ledger_url(path, workspace)
    settings = read_chosen(path.absolute(), workspace).settings
    ledger = open_ledger(url, create=False)
    if ledger is None:
        raise ConfigError("there is no ledger yet; `syncd sync` makes it")
    with closing(ledger):
        engine = ledger.engine
        before = size(engine)
        times = settings.retain.before(clock_of(settings)())
        pruned = prune(engine, times, ZoneInfo(settings.timezone), dry_run=dry_run)
        for table, rows in pruned.items():
            say(f"{table:<11}{rows.removed:>11,} of {count(rows.rows, 'row')} {'would go' if dry_run else 'removed'}")
        if dry_run:
            say(f"the ledger has {_megabytes(before)}")
            return
        try:
            give_space_back(engine)
        except LedgerBusy as error:
            say(f"the file keeps its size: {error}; prune again when it has ended")
        else:
            say(f"the ledger has {_megabytes(size(engine))}, and had {_megabytes(before)}")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
