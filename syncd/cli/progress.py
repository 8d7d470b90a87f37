"""The progress of pulls: a moving display on a terminal, plain lines elsewhere, and each failure once at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from syncd.cli.lines import cut
from syncd.cli.output import safe, say
from syncd.cycle.model import Pull, PullResult, Result, Watcher
from syncd.okr.words import count

_NAME = 48  # columns for a stream's name


@contextmanager
def watcher(stream: TextIO, *, kept: bool = True) -> Iterator[Watcher]:
    """A watcher that shows progress on `stream` while the context lasts. `kept` is false for `syncd try`, which stores
    nothing.
    """
    if stream.isatty():
        with _moving() as moving:
            yield moving
    else:
        yield Watcher(ended=lambda outcome: _print_complete(outcome, stream, kept=kept))


def failures(result: Result) -> list[str]:
    """A line for each stream, or part of a stream, that could not be read. Parts with the same failure share a line."""
    return list(dict.fromkeys(f"failed: {_name(pull)}: {reason}" for pull, reason in result.failures))


def not_sent(result: Result) -> Iterator[str]:
    """A line for each stream that a dry run did not pull, with the stored rows that it uses instead."""
    return (f"not sent: {_name(pulled.pull)}: {pulled.not_sent}" for pulled in result.pulls if pulled.not_sent)


def print_failures(result: Result) -> None:
    """Prints on standard error the notes about streams, and the streams that could not be read, with the reasons."""
    notes = (f"note: {_name(outcome.pull)}: {note}" for outcome in result.pulls for note in outcome.notes)
    for line in [*notes, *failures(result)]:
        say(line, err=True)


def _print_complete(outcome: PullResult, stream: TextIO, *, kept: bool) -> None:
    # `print_failures` prints the streams that failed, once the cycle has ended.
    if outcome.quality == "complete" and outcome.not_sent is None:
        changed = f"pulled {_name(outcome.pull)}: {count(outcome.changed, 'row')} changed"
        say(changed if kept else f"read {_name(outcome.pull)}", err=stream is sys.stderr)


def _name(pull: Pull) -> str:
    return f"{pull.connection}: {pull.stream.name}"


@contextmanager
def _moving() -> Iterator[Watcher]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[rows]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks: dict[int, TaskID] = {}
        rows: dict[int, int] = {}

        def pulling(pulls: Sequence[Pull]) -> None:
            for pull in pulls:
                tasks[pull.id] = progress.add_task(escape(cut(safe(_name(pull)), _NAME)), total=None, rows="")

        def page(pull: Pull, number: int) -> None:
            rows[pull.id] = rows.get(pull.id, 0) + number
            progress.update(tasks[pull.id], rows=f"{rows[pull.id]:,} rows")

        def ended(outcome: PullResult) -> None:
            progress.remove_task(tasks[outcome.pull.id])

        yield Watcher(pulling, page, ended)
