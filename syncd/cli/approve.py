"""`syncd approve`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from syncd.cli.author import author_name, process_owner
from syncd.cli.opening import open_config
from syncd.cli.output import say
from syncd.cycle.approve import AnotherCandidate, NotHeld, allow, approve
from syncd.ledger import cycle_lock, open_ledger
from syncd.okr.words import HEALTH_WORDS, signature, value_figure
from syncd.sdk import ConfigError
from syncd.status.choosing import chosen_key_result, chosen_period


def run(path: Path, name: str, *, period: str | None, author: str | None, number: float | None) -> None:
    """Makes the held number the key result's value; without a held number, lets syncd overwrite what it left alone."""
    config, clock = open_config(path)
    okrs = chosen_period(config, period, clock())
    key_result = chosen_key_result(okrs, name)
    figure = partial(value_figure, key_result)
    author, entered_by = author_name(author, "an approval"), process_owner()
    ledger = open_ledger(config.ledger_url(), create=False)
    if ledger is None:
        raise ConfigError(f"{name} is not held: it was not pulled yet; run `syncd sync`")
    try:
        with cycle_lock(ledger.engine):
            try:
                approved = approve(
                    config,
                    okrs,
                    key_result,
                    ledger,
                    author=author,
                    entered_by=entered_by,
                    now=clock(),
                    number=number,
                )
            except NotHeld as error:
                allowed = (
                    allow(ledger, okrs, key_result, author=author, entered_by=entered_by, now=clock())
                    if number is None
                    else ()
                )
                if not allowed:
                    raise ConfigError(f"{name} is not held: {_instead(error, figure)}") from None
                for delivery in allowed:
                    target = f"{delivery.connection}: {delivery.target}"
                    say(f"{name}: {target}: the next sync, or `syncd publish`, overwrites it")
                return
    except AnotherCandidate as error:
        raise ConfigError(
            f"{name} waits with {figure(error.candidate)}, not with {figure(number)}; see `syncd explain {name}`"
        ) from None
    finally:
        ledger.close()
    old, new = figure(approved.old.number), figure(approved.new.number, "unknown")
    say(f"{name}: {old} → {new}, {HEALTH_WORDS[approved.new.health]}; approved by {signature(author, entered_by)}")


def _instead(error: NotHeld, figure: Callable[[float | None], str]) -> str:
    if error.edited:
        return "its measure was edited since; the next `syncd sync` measures it again"
    if error.value is None:
        return "it was not pulled yet; run `syncd sync`"
    reason = f" ({error.value.reason})" if error.value.reason else ""
    value = f"its value {figure(error.value.number)} is {error.value.quality}{reason}"
    return f"{value}, and no check-in of it was left alone"
