"""How a cycle goes: a moving display on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from syncd.cycle.model import Pull, PullResult, Watcher
from syncd.okr.words import count


@contextmanager
def watcher(stream: TextIO) -> Iterator[Watcher]:
    """Something that shows a cycle's progress on a stream while the context lasts."""
    if stream.isatty():
        with _moving() as watching:
            yield watching
    else:
        yield Watcher(ended=lambda outcome: print(_line(outcome), file=stream, flush=True))


def _line(outcome: PullResult) -> str:
    pull = outcome.pull
    said = "complete" if outcome.quality == "complete" else f"{outcome.quality}: {outcome.reason}"
    return f"pulled {pull.connection}: {pull.stream.key}: {count(outcome.changed, 'row')} changed, {said}"


@contextmanager
def _moving() -> Iterator[Watcher]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[rows]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks: dict[int, int] = {}
        rows: dict[int, int] = {}

        def pulling(pulls: Sequence[Pull]) -> None:
            for pull in pulls:
                name = f"{pull.connection}: {pull.stream.key}"
                name = name if len(name) <= 48 else name[:47] + "…"
                tasks[pull.id] = progress.add_task(name, total=None, rows="")

        def page(pull: Pull, number: int) -> None:
            rows[pull.id] = rows.get(pull.id, 0) + number
            progress.update(tasks[pull.id], rows=f"{rows[pull.id]:,} rows")  # type: ignore[arg-type]

        def ended(outcome: PullResult) -> None:
            progress.remove_task(tasks[outcome.pull.id])  # type: ignore[arg-type]

        yield Watcher(pulling, page, ended)
