"""`syncd sync`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

import typer

from syncd.cli.publish import say_deliveries, say_messages
from syncd.cli.pulling import ready_to_pull
from syncd.cycle.model import Result
from syncd.cycle.run import run_cycle
from syncd.okr.goals import is_guard
from syncd.okr.words import HEALTH_WORDS, count, number
from syncd.status.verdicts import VERDICT_SIGNS, VERDICT_WORDS, ordered

NOTHING_OPEN = "no key result is measured now: no period is open (one begins later, or has settled)"
_RESTATED = 5  # records of one key result; explain has them all


def run(path: Path, *, only: str | None, dry_run: bool, reconcile: bool, log_format: str) -> None:
    """Runs one cycle and says what changed; exit code 1 where a source or a publisher failed."""
    with ready_to_pull(path, only, log_format, reconcile=reconcile) as request:
        started = time.monotonic()
        result = run_cycle(request, dry_run=dry_run)
    _say(result, time.monotonic() - started, dry_run)
    if result.failures or result.unwritten:
        raise typer.Exit(1)


def say_failures(result: Result) -> None:
    """Tells what could not be read, and why."""
    for pull, why in result.failures:
        typer.echo(f"failed: {pull.connection}: {pull.stream.key}: {why}", err=True)


def _say(result: Result, seconds: float, dry_run: bool) -> None:
    for line in _new_verdicts(result):
        typer.echo(line)
    for change in result.changes:
        old, new = change.old, change.new
        if new.quality == "held":
            typer.echo(f"  {change.key_result:<24} {number(new.number):>10}   held")
            for part in wrap(new.reason or "", 74, break_on_hyphens=False):
                typer.echo(f"      {part}")
            continue
        health = HEALTH_WORDS[new.health]
        if old is not None and old.measure != new.measure:
            typer.echo(f"  {change.key_result:<24} {number(new.number):>10}   {health}")
            was = (
                "" if old.number is None else f": by the one before it was {number(old.number)}, which does not compare"
            )
            typer.echo(f"      its measure was edited{was}")
            continue
        if old is not None and old.number == new.number and old.health == new.health:
            continue
        if old is not None and old.number == new.number:
            typer.echo(f"  {change.key_result:<24} {number(new.number):>10}   {HEALTH_WORDS[old.health]} → {health}")
            continue
        before = "–" if old is None else number(old.number)
        typer.echo(f"  {change.key_result:<24} {before:>10} → {number(new.number):<10} {health}")
        for one in change.restated[:_RESTATED]:
            typer.echo(f"      restated: {one.label}: {one.why}")
        if len(change.restated) > _RESTATED:
            more = len(change.restated) - _RESTATED
            typer.echo(f"      and {more} more: `syncd explain {change.key_result}` lists them")
    say_failures(result)
    say_deliveries(result.delivered)
    say_messages(result.messages)
    kept = "would change" if dry_run else "changed"
    changed = sum(
        change.old is None or change.old.number != change.new.number
        for change in result.changes
        if not is_guard(change.key_result)
    )
    if not result.key_results:
        typer.echo(NOTHING_OPEN)
    failures = f", {len(result.failures)} failed" if result.failures else ""
    held = f", {result.held} held" if result.held else ""
    typer.echo(
        f"{count(result.key_results, 'key result')} measured, {changed} {kept}{held}; "
        f"{count(len(result.pulls), 'stream')} pulled{failures}; {seconds:.1f} s"
    )


def _new_verdicts(result: Result) -> Iterator[str]:
    """The links whose verdict changed, watermelons first; of links that are new, the watermelons alone."""
    before = {id(new.link): new.old for new in result.verdicts}
    for link in ordered(new.link for new in result.verdicts):
        verdict, old = link.alignment.verdict, before[id(link)]
        if old is not None or verdict == "watermelon":
            was = f" (was {VERDICT_WORDS[old.verdict]})" if old else ""
            first, *rest = wrap(f"{link.brief}{was}", 76 - len(VERDICT_WORDS[verdict]))
            yield f"{VERDICT_SIGNS[verdict]} {VERDICT_WORDS[verdict]}  {first}"
            yield from (f"    {' ' * len(VERDICT_WORDS[verdict])}{part}" for part in rest)
