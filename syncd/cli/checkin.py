"""`syncd checkin`."""

from __future__ import annotations

import math
import os
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from syncd.cli.author import author_name
from syncd.cli.opening import chosen_key_result, chosen_plan, open_config, print_json, writing_ledger
from syncd.cycle.check_in import STANDS_FOR, Implausible, Settled, check_in
from syncd.ledger import cycle_lock
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import KeyResult, is_guard
from syncd.okr.words import HEALTH_WORDS, clock_time, day, number
from syncd.sdk import ConfigError, parse_duration
from syncd.status.checkin_words import value_words
from syncd.status.document import key_result_document
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import KeyResultLine, line_of


def run(
    path: Path,
    name: str,
    *,
    value: str | None,
    note: str | None,
    confidence: str | None,
    author: str | None,
    expires: str | None,
    period: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Keeps what somebody says of a key result, and prints where that leaves it."""
    config, clock = open_config(path)
    now = clock()
    plan = chosen_plan(config, period, now)
    key_result = chosen_key_result(plan, name)
    if is_guard(name):
        raise ConfigError(f"{name} is a guard, which takes no check-in; check in the key result that it guards")
    said = CheckIn(
        author=author_name(_text(author), "a check-in"),
        at=now,
        expires_at=_expiry(now, expires, key_result),
        value=_number("--value", value, "a plain number, such as 1050 or -0.5"),
        note=(_text(note) or "").strip() or None,
        confidence=_confidence(confidence),
    )
    if said.value is None and said.note is None and said.confidence is None:
        raise ConfigError("a check-in says something; write --value N, --note TEXT or --confidence 0.6")
    ledger = writing_ledger(config)
    try:
        with cycle_lock(ledger.engine):
            snapshots = Snapshots(config, plan, ledger)
            old = line_of(snapshots.now(now), key_result)
            check_in(config, plan, key_result, ledger, said, force=force)
        new = line_of(snapshots.now(now), key_result)
    except Settled as error:
        frozen = f"{plan.period.id} is frozen since {day(error.at.astimezone(config.zone))}: it has ended and settled"
        raise ConfigError(f"{frozen}; --period names another") from None
    except Implausible as error:
        raise ConfigError(f"{error}; correct --value, or write --force if it is meant") from None
    finally:
        ledger.close()
    if as_json:
        print_json(key_result_document(new, plan.period))
    else:
        typer.echo(_sentence(old, new, said, config.zone))


def _sentence(old: KeyResultLine, new: KeyResultLine, said: CheckIn, zone: ZoneInfo) -> str:
    by = f"checked in by {said.author}, until {clock_time(said.expires_at.astimezone(zone))}"
    name = new.key_result.id
    if said.value is None:
        return f"{name}: {by}"
    if new.key_result.measure is not None:
        beside = f" beside {number(new.value)}" if new.value is not None else ""
        return f"{name}: {value_words(said, new)}{beside}; {by}"
    return f"{name}: {number(old.value)} → {number(new.value)}, {HEALTH_WORDS[new.standing.health]}; {by}"


def _expiry(now: datetime, given: str | None, key_result: KeyResult) -> datetime:
    stands = key_result.stale_after or STANDS_FOR
    if given is not None:
        try:
            stands = parse_duration(given)
        except ValueError as error:
            raise ConfigError(f"--expires {error}") from None
    if stands <= timedelta():
        raise ConfigError(f"--expires is {given!r}; it must be more than 0")
    try:
        return now + stands
    except OverflowError:
        raise ConfigError(f"--expires is {given!r}, which is longer than any duration can be") from None


def _confidence(given: str | None) -> float | None:
    wanted = "a number from 0 to 1, such as 0.6"
    sure = _number("--confidence", given, wanted)
    if sure is not None and not 0 <= sure <= 1:
        raise ConfigError(f"--confidence is {given!r}; write {wanted}")
    return sure


def _number(option: str, given: str | None, wanted: str) -> float | None:
    if given is None:
        return None
    try:
        found = float(given)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ConfigError(f"{option} is {given!r}; write {wanted}")
    return found


def _text(given: str | None) -> str | None:
    """A text of the command line as a ledger takes it: bytes that are no UTF-8 are replaced."""
    return None if given is None else os.fsencode(given).decode(errors="replace")
