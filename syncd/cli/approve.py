"""`syncd approve`."""

from __future__ import annotations

from pathlib import Path

import typer

from syncd.cli.author import author_name
from syncd.cli.opening import chosen_key_result, chosen_plan, open_config
from syncd.cycle.approve import AnotherCandidate, NotHeld, allow, approve
from syncd.ledger import cycle_lock, open_ledger
from syncd.okr.words import HEALTH_WORDS
from syncd.okr.words import number as shown
from syncd.sdk import ConfigError


def run(path: Path, name: str, *, period: str | None, author: str | None, number: float | None) -> None:
    """Makes the number that waits the key result's value; where none does, lets its check-ins be written over."""
    config, clock = open_config(path)
    plan = chosen_plan(config, period, clock())
    key_result = chosen_key_result(plan, name)
    author = author_name(author, "an approval")
    ledger = open_ledger(config.ledger_url(), create=False)
    if ledger is None:
        raise ConfigError(f"{name} is not held: it was not pulled yet")
    try:
        with cycle_lock(ledger.engine):
            try:
                done = approve(config, plan, key_result, ledger, author=author, now=clock(), number=number)
            except NotHeld as error:
                allowed = allow(ledger, plan, key_result, author=author, now=clock()) if number is None else ()
                if not allowed:
                    raise ConfigError(f"{name} is not held: {_instead(error)}") from None
                for one in allowed:
                    typer.echo(
                        f"{name}: {one.connection}: {one.target}: the next sync, or `syncd publish`, writes over it"
                    )
                return
    except AnotherCandidate as error:
        raise ConfigError(f"{name} waits with {shown(error.candidate)}, not with {shown(number)}") from None
    finally:
        ledger.close()
    old, new = shown(done.old.number), "unknown" if done.new.number is None else shown(done.new.number)
    typer.echo(f"{name}: {old} → {new}, {HEALTH_WORDS[done.new.health]}; approved by {author}")


def _instead(error: NotHeld) -> str:
    if error.edited:
        return "its measure was edited since; the next `syncd sync` measures it anew"
    if error.value is None:
        return "it was not pulled yet"
    reason = f" ({error.value.reason})" if error.value.reason else ""
    return (
        f"its value {shown(error.value.number)} is {error.value.quality}{reason}, and no check-in of it was left alone"
    )
