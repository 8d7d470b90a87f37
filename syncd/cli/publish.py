"""`syncd publish`, and what came of deliveries, for `sync` too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap

import typer

from syncd.cli.pulling import ready_to_pull
from syncd.ledger.outbox import STUCK
from syncd.notifying.send import EVERYBODY, MessageOutcome, send_messages
from syncd.okr.words import count
from syncd.publishing.delivery import Delivered, deliver
from syncd.sdk import RetryPolicy
from syncd.status.unwritten import gathered, in_short


def run(path: Path, *, only: str | None, retry: bool, log_format: str) -> None:
    """Delivers what waits, with `retry` also what failed for good; exit code 1 where a publisher failed."""
    with ready_to_pull(path, only, log_format) as ready:
        if retry:
            ready.ledger.outbox.reopen(STUCK, ready.clock(), only)
            if only is None:
                ready.ledger.events.reopen(ready.clock())
        found = deliver(ready.config, ready.ledger, ready.clock, retry=RetryPolicy(), only=only)
        told = send_messages(ready.config, ready.ledger, ready.clock) if only is None else ()
    say_deliveries(found)
    say_messages(told)
    if not found and not told:
        typer.echo("nothing waits to be written")
    if any(one.failed for one in found) or any(one.problem for one in told):
        raise typer.Exit(1)


def say_messages(told: Sequence[MessageOutcome]) -> None:
    """Tells who was told, and on standard error who could not be."""
    for one in told:
        if one.problem is not None:
            typer.echo(f"  ✗ notify: {one.problem}", err=True)
        else:
            whom = "everybody" if one.recipient == EVERYBODY else one.recipient
            typer.echo(f"told {whom} of {count(one.events, 'event')}")


def say_deliveries(found: Sequence[Delivered]) -> None:
    """Tells how much was written where, and on standard error what was not and why."""
    wrote = Counter(one.delivery.connection for one in found if one.wrote)
    for connection, number in wrote.items():
        typer.echo(f"wrote {count(number, 'check-in')} to {connection}")
    for line in _not_written(found):
        typer.echo(line, err=True)


def _not_written(found: Sequence[Delivered]) -> Iterator[str]:
    alike = gathered(
        (one.delivery.connection, one.state, one.reason or "", one.delivery.target, one.delivery.key_result)
        for one in found
        if one.state != "delivered"
    )
    for trouble in in_short(alike):
        first, *rest = wrap(trouble.sentence, 76, break_on_hyphens=False, break_long_words=False)
        yield f"  {trouble.sign} {first}"
        yield from (f"    {part}" for part in rest)
