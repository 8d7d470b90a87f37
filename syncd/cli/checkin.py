"""`syncd checkin`."""

from __future__ import annotations

import math
import os
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from syncd.cli.author import author_name
from syncd.cli.opening import chosen_key_result, chosen_period, open_config, print_json, writing_ledger
from syncd.cycle.check_in import STANDS_FOR, Implausible, Settled, check_in
from syncd.ledger import cycle_lock
from syncd.okr.checkins import CheckIn
from syncd.okr.goals import KeyResult, is_guard
from syncd.okr.words import HEALTH_WORDS, clock_time, day, value_figure
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
    """Keeps a check-in, and prints the key result's state after it."""
    config, clock = open_config(path)
    now = clock()
    okrs = chosen_period(config, period, now)
    key_result = chosen_key_result(okrs, name)
    if is_guard(name):
        raise ConfigError(f"{name} is a guard, which takes no check-in; check in the key result that it guards")
    checkin = CheckIn(
        author=author_name(_text(author), "a check-in"),
        at=now,
        expires_at=_expiry(now, expires, key_result),
        value=_number("--value", value, "a plain number, such as 1050 or -0.5"),
        note=(_text(note) or "").strip() or None,
        confidence=_confidence(confidence),
    )
    if checkin.value is None and checkin.note is None and checkin.confidence is None:
        raise ConfigError(
            "a check-in needs a value, a note or a confidence; write --value N, --note TEXT or --confidence 0.6"
        )
    ledger = writing_ledger(config)
    try:
        with cycle_lock(ledger.engine):
            snapshots = Snapshots(config, okrs, ledger)
            old = line_of(snapshots.now(now), key_result)
            check_in(config, okrs, key_result, ledger, checkin, force=force)
        new = line_of(snapshots.now(now), key_result)
    except Settled as error:
        frozen = f"{okrs.period.id} is frozen since {day(error.at.astimezone(config.zone))}: it has ended and settled"
        raise ConfigError(f"{frozen}; name another period with --period") from None
    except Implausible as error:
        raise ConfigError(f"{error}; correct --value, or write --force if it is meant") from None
    finally:
        ledger.close()
    if as_json:
        print_json(key_result_document(new, okrs.period))
    else:
        typer.echo(_sentence(old, new, checkin, config.zone))


def _sentence(old: KeyResultLine, new: KeyResultLine, checkin: CheckIn, zone: ZoneInfo) -> str:
    by = f"checked in by {checkin.author}, until {clock_time(checkin.expires_at.astimezone(zone))}"
    name = new.key_result.id
    if checkin.value is None:
        return f"{name}: {by}"
    if new.key_result.measure is not None:
        beside = f" beside {value_figure(new.key_result, new.value)}" if new.value is not None else ""
        return f"{name}: {value_words(checkin, new)}{beside}; {by}"
    before, after = (value_figure(new.key_result, line.value) for line in (old, new))
    return f"{name}: {before} → {after}, {HEALTH_WORDS[new.standing.health]}; {by}"


def _expiry(now: datetime, given: str | None, key_result: KeyResult) -> datetime:
    length = key_result.stale_after or STANDS_FOR
    if given is not None:
        try:
            length = parse_duration(given)
        except ValueError as error:
            raise ConfigError(f"--expires {error}") from None
    if length <= timedelta():
        raise ConfigError(f"--expires is {given!r}; write a duration above 0, such as 10d")
    try:
        return now + length
    except OverflowError:
        raise ConfigError(f"--expires is {given!r}, which is too long; write a shorter duration, such as 10d") from None


def _confidence(given: str | None) -> float | None:
    wanted = "a number from 0 to 1, such as 0.6"
    confidence = _number("--confidence", given, wanted)
    if confidence is not None and not 0 <= confidence <= 1:
        raise ConfigError(f"--confidence is {given!r}; write {wanted}")
    return confidence


def _number(option: str, given: str | None, wanted: str) -> float | None:
    if given is None:
        return None
    try:
        number = float(given)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"{option} is {given!r}; write {wanted}")
    return number


def _text(given: str | None) -> str | None:
    """A text of the command line, with bytes that are not UTF-8 replaced: a ledger cannot store them."""
    return None if given is None else os.fsencode(given).decode(errors="replace")
