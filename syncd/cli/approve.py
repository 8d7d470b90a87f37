"""`syncd approve`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from syncd.cli.asking import new_form, take_now
from syncd.cli.author import author_name, process_owner
from syncd.cli.lines import wrapped
from syncd.cli.opening import check_may_write, open_config
from syncd.cli.output import say
from syncd.cycle.approve import AnotherCandidate, NotHeld, held_value
from syncd.cycle.ask import Desk, Form, ask_about_delivery
from syncd.cycle.refusals import Refused
from syncd.cycle.stuck import refused_deliveries
from syncd.ledger import open_ledger
from syncd.okr.words import HEALTH_WORDS, signature, value_figure
from syncd.sdk import ConfigError
from syncd.status.choosing import chosen_key_result, chosen_period


def run(
    path: Path, name: str, *, period: str | None, author: str | None, number: float | None, workspace: str | None = None
) -> None:
    """Approves the held number of a key result. If no number is held, lets syncd overwrite text that others wrote in
    targets.
    """
    config, clock = open_config(path, workspace)
    okrs = chosen_period(config, period, clock())
    key_result = chosen_key_result(okrs, name, config)
    by = Form(new_form(), author_name(author, "an approval"), process_owner(), clock())
    check_may_write(path, workspace)
    ledger = open_ledger(config.ledger_url(), create=False)
    if ledger is None:
        raise ConfigError(f"{name} is not held: it was not pulled yet; run `syncd sync`")
    try:
        desk = Desk(config, okrs, key_result, ledger)
        try:
            _approve(desk, by, number, clock)
        except NotHeld as error:
            if number is not None or not _allow(desk, by, clock):
                raise ConfigError(f"{error}, and no check-in of it was left alone") from None
    except AnotherCandidate as error:
        raise ConfigError(f"{error}; see `syncd explain {name}`") from None
    except Refused as error:
        raise ConfigError(str(error)) from None
    finally:
        ledger.close()


def _approve(desk: Desk, by: Form, number: float | None, clock: Callable[[], datetime]) -> None:
    """Approves the held number. If `number` is given, approves only if `number` is the held number."""
    name, period, ledger = desk.key_result.id, desk.okrs.period.id, desk.ledger
    figure = partial(value_figure, desk.key_result)
    old = held_value(desk.okrs, desk.key_result, ledger)
    candidate = old.candidate if number is None else number
    waits = take_now(desk.config, ledger, clock, desk.ask_approval(by, candidate))
    if waits is not None:
        approved = figure(candidate, "the unknown number")
        for line in wrapped(f"{name}: the approval of {approved} is stored and counts from the next cycle: {waits}"):
            say(line)
        return
    new = ledger.values.last(period)[name]
    who = signature(by.author, by.entered_by)
    change = f"{figure(old.number)} → {figure(new.number, 'unknown')}"
    say(f"{name}: {change}, {HEALTH_WORDS[new.health]}; approved by {who}")


def _allow(desk: Desk, by: Form, clock: Callable[[], datetime]) -> bool:
    """Lets syncd overwrite the targets of a key result's refused deliveries. Returns whether the key result has such
    deliveries.
    """
    name, ledger = desk.key_result.id, desk.ledger
    deliveries = refused_deliveries(ledger, desk.okrs.period.id, name)
    for delivery in deliveries:
        request = ask_about_delivery(ledger, replace(by, id=new_form()), delivery.id, "allow")
        waits = take_now(desk.config, ledger, clock, request)
        target = f"{delivery.connection}: {delivery.target}"
        when = "the next sync, or `syncd publish`, overwrites it"
        say(f"{name}: {target}: {when if waits is None else f'stored; the next cycle overwrites it: {waits}'}")
    return bool(deliveries)
