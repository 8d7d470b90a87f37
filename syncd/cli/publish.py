"""`syncd publish`, and what came of deliveries, for `sync` too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap

import typer

from syncd.cli.pulling import ready_to_pull
from syncd.ledger.outbox import STUCK
from syncd.publishing.delivery import Delivered, deliver
from syncd.publishing.troubles import gathered
from syncd.sdk import RetryPolicy
from syncd.words import count


def run(path: Path, *, only: str | None, retry: bool, log_format: str) -> None:
    """Delivers what waits, with `retry` also what failed for good; exit code 1 where a publisher failed."""
    with ready_to_pull(path, only, log_format) as ready:
        if retry:
            ready.ledger.outbox.reopen(STUCK, ready.clock(), only)
        found = deliver(ready.config, ready.ledger, ready.clock, retry=RetryPolicy(), only=only)
    say_deliveries(found)
    if not found:
        typer.echo("nothing waits to be written")
    if any(one.failed for one in found):
        raise typer.Exit(1)


def say_deliveries(found: Sequence[Delivered]) -> None:
    """Tells how much was written where, and on standard error what was not and why."""
    wrote = Counter(one.delivery.connection for one in found if one.wrote)
    for connection, number in wrote.items():
        typer.echo(f"wrote {count(number, 'check-in')} to {connection}")
    for line in _not_written(found):
        typer.echo(line, err=True)


def _not_written(found: Sequence[Delivered]) -> Iterator[str]:
    for trouble in gathered(
        (one.delivery.connection, one.state, one.reason or "", one.delivery.target, one.delivery.key_result)
        for one in found
        if one.state != "delivered"
    ):
        first, *rest = wrap(trouble.sentence, 76, break_on_hyphens=False, break_long_words=False)
        yield f"  {trouble.sign} {first}"
        yield from (f"    {part}" for part in rest)
