"""`syncd sync`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import typer

from syncd.cli.lines import wrapped
from syncd.cli.moved import moves
from syncd.cli.output import say
from syncd.cli.progress import failures, not_sent, print_failures
from syncd.cli.publish import print_deliveries, print_messages
from syncd.cli.pulling import ready_to_pull
from syncd.cycle.model import Result, ValueChange
from syncd.cycle.run import run_cycle
from syncd.okr.goals import KeyResult, is_guard
from syncd.okr.words import HEALTH_WORDS, count, value_figure
from syncd.status.verdicts import VERDICT_SIGNS, VERDICT_WORDS, ordered

NOTHING_OPEN = "no key result is measured now: no period is open (one begins later, or has settled)"
_RESTATED = 5  # records shown for one key result; `explain` lists them all
_INDENT = " " * 6


def run(
    path: Path,
    *,
    only: str | None,
    dry_run: bool,
    reconcile: bool,
    log_format: str,
    new_ledger: bool,
    workspace: str | None = None,
) -> None:
    """Runs one cycle and prints what changed. The exit code is 1 if a source or a publisher failed."""
    with ready_to_pull(
        path, only, log_format, workspace=workspace, reconcile=reconcile, new_ledger=new_ledger
    ) as request:
        started = time.monotonic()
        result = run_cycle(replace(request, dry_run=dry_run))
        seconds = time.monotonic() - started
    for line in _new_verdicts(result):
        say(line)
    shown = [change for change in result.changes if _is_shown(change)]
    key_results = {(okrs.period.id, kr.id): kr for okrs in request.config.periods for kr in okrs.measured}
    for change in shown:
        for line in _change(change, key_results[change.period, change.key_result]):
            say(line)
    for sentence in [*moves(result), *not_sent(result)]:
        for line in wrapped(sentence, rest="  "):
            say(line)
    print_failures(result)
    print_deliveries(result.delivered)
    print_messages(result.messages)
    if result.delivering is not None:
        for line in wrapped(f"the check-ins are left to another process: {result.delivering}"):
            say(line)
    if not result.key_results:
        say(NOTHING_OPEN)
    say(f"{_counts(result, shown, dry_run)}; {seconds:.1f} s")
    for name, reason in result.unopened.items():
        say(f"  ✗ {name}: {reason}", err=True)
    if result.failures or result.unwritten or result.unopened:
        raise typer.Exit(1)


def _is_shown(change: ValueChange) -> bool:
    """Whether a change is printed: the number, its measure or its health changed, or a number is held. Failed pulls are
    printed separately.
    """
    old, new = change.old, change.new
    if new.quality == "held" or old is None:
        return True
    return (old.number, old.measure, old.health) != (new.number, new.measure, new.health)


def _change(change: ValueChange, key_result: KeyResult) -> Iterator[str]:
    old, new, figure = change.old, change.new, partial(value_figure, key_result)
    name, health = f"  {change.key_result:<24}", HEALTH_WORDS[new.health]
    if new.quality == "held":
        yield f"{name} {figure(new.number):>10}   held"
        yield from wrapped(new.reason or "", _INDENT)
        return
    if old is not None and old.measure != new.measure:
        yield f"{name} {figure(new.number):>10}   {health}"
        before = (
            f"; the earlier one gave {figure(old.number)}, which does not compare" if old.number is not None else ""
        )
        yield from wrapped(f"its measure was edited{before}", _INDENT)
    elif old is not None and old.number == new.number:
        yield f"{name} {figure(new.number):>10}   {HEALTH_WORDS[old.health]} → {health}"
    else:
        yield f"{name} {figure(old.number if old else None):>10} → {figure(new.number):<10} {health}"
        for restatement in change.restated[:_RESTATED]:
            yield from wrapped(f"restated: {restatement.label}: {restatement.why}", _INDENT)
        if len(change.restated) > _RESTATED:
            more = len(change.restated) - _RESTATED
            yield f"{_INDENT}and {more} more: `syncd explain {change.key_result}` lists them"
    if new.number is None and new.quality not in ("failed", "partial"):  # their reasons are listed with the failures
        yield from wrapped(new.reason or "", _INDENT)


def _counts(result: Result, shown: list[ValueChange], dry_run: bool) -> str:
    """How many key results were measured, and how many of them changed.

    The second count is the number of printed lines, without held numbers.
    """
    changed = [change for change in shown if change.new.quality != "held"]
    guards = sum(is_guard(change.key_result) for change in changed)
    verb = "would change" if dry_run else "changed"
    parts = [
        f"{count(result.key_results, 'key result')} measured",
        f"{len(changed) - guards} {verb}",
        *([f"{count(guards, 'guard')} {verb}"] if guards else []),
        *([f"{result.held} held"] if result.held else []),
    ]
    failed = f", {len(failures(result))} failed" if result.failures else ""
    withheld = sum(1 for _ in not_sent(result))
    left_out = f", {withheld} not sent" if withheld else ""
    return f"{', '.join(parts)}; {count(len(result.pulls) - withheld, 'stream')} pulled{failed}{left_out}"


def _new_verdicts(result: Result) -> Iterator[str]:
    """The links whose verdict changed, watermelons first. A new link is included only if it is a watermelon."""
    old_verdicts = {id(new.link): new.old for new in result.verdicts}
    for link in ordered(new.link for new in result.verdicts):
        verdict, old = link.alignment.verdict, old_verdicts[id(link)]
        if old is not None or verdict == "watermelon":
            was = f" (was {VERDICT_WORDS[old.verdict]})" if old else ""
            label = f"{VERDICT_SIGNS[verdict]} {VERDICT_WORDS[verdict]}  "
            yield from wrapped(f"{link.brief}{was}", label, " " * len(label))
