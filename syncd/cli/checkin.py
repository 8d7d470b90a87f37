"""`syncd checkin`."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from syncd.cli.author import author_name, process_owner
from syncd.cli.opening import open_config, print_json, writing_ledger
from syncd.cli.output import say
from syncd.config import Config
from syncd.cycle.check_in import STANDS_FOR, Implausible, Settled, check_in
from syncd.cycle.check_in import withdraw as withdraw_checkin
from syncd.ledger import Ledger, cycle_lock
from syncd.okr.checkins import CheckIn, Withdrawal
from syncd.okr.goals import KeyResult, PeriodOkrs, is_guard
from syncd.okr.spans import midnight
from syncd.okr.words import HEALTH_WORDS, clock_time, day, value_figure
from syncd.sdk import ConfigError, parse_duration
from syncd.sdk.numbers import BEYOND, is_beyond
from syncd.status.checkin_words import content_words, value_words
from syncd.status.choosing import chosen_key_result, chosen_period, past_day
from syncd.status.document import key_result_document
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import KeyResultLine, line_of

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


def run(
    path: Path,
    name: str,
    *,
    value: str | None,
    note: str | None,
    confidence: str | None,
    author: str | None,
    expires: str | None,
    dated: str | None,
    period: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Keeps a check-in, and prints the key result's state after it."""
    opened = _opened(path, name, period, dated)
    checkin = CheckIn(
        author=author_name(_text(author), "a check-in"),
        at=opened.now,
        expires_at=_expiry(opened.dated or opened.now, expires, opened.key_result),
        value=_number("--value", value, "a plain number, such as 1050 or -0.5"),
        note=(_text(note) or "").strip() or None,
        confidence=_confidence(confidence),
        dated=opened.dated,
        entered_by=process_owner(),
    )
    if checkin.value is None and checkin.note is None and checkin.confidence is None:
        raise ConfigError(
            "a check-in needs a value, a note or a confidence; write --value N, --note TEXT or --confidence 0.6"
        )

    def change(ledger: Ledger) -> CheckIn:
        check_in(opened.config, opened.okrs, opened.key_result, ledger, checkin, force=force)
        return checkin

    _change(opened, change, _sentence, as_json=as_json)


def withdraw(
    path: Path,
    name: str,
    *,
    given: Mapping[str, object],
    note: str | None,
    author: str | None,
    dated: str | None,
    period: str | None,
    as_json: bool,
) -> None:
    """Withdraws a check-in, and prints the key result's state after it. `given` are the options of a new check-in."""
    wrong = [option for option, value in given.items() if value is not None]
    if wrong:
        raise ConfigError(f"--withdraw takes no {wrong[0]}; withdraw first, then check in again")
    opened = _opened(path, name, period, dated)
    withdrawal = Withdrawal(
        author_name(_text(author), "a withdrawal"), opened.now, (_text(note) or "").strip() or None, process_owner()
    )

    def change(ledger: Ledger) -> CheckIn:
        checkins = ledger.checkins.of(opened.okrs.period.id, name, opened.now)
        left = [
            checkin
            for checkin in checkins
            if checkin.withdrawn is None and opened.day in (None, checkin.as_of.astimezone(opened.config.zone).date())
        ]
        if not left:
            of = f" of {day(opened.day)}" if opened.day else ""
            raise ConfigError(f"{name} has no check-in{of} to withdraw; `syncd explain {name}` lists its check-ins")
        withdraw_checkin(opened.config, opened.okrs, opened.key_result, ledger, left[-1], withdrawal)
        return replace(left[-1], withdrawn=withdrawal)

    _change(opened, change, _withdrawn_sentence, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a check-in is about. `day` is the day that --date names; `dated` its end, None for today."""

    config: Config
    okrs: PeriodOkrs
    key_result: KeyResult
    now: datetime
    day: date | None
    dated: datetime | None


def _opened(path: Path, name: str, period: str | None, text: str | None) -> _Opened:
    config, clock = open_config(path)
    now = clock()
    of_day = past_day(text, config.zone, now, "--date") if text is not None else None
    is_past = of_day is not None and of_day < now.astimezone(config.zone).date()
    dated = midnight(of_day + _DAY, config.zone) - _INSTANT if of_day is not None and is_past else None
    okrs = chosen_period(config, period, dated or now)
    key_result = chosen_key_result(okrs, name)
    if is_guard(name):
        raise ConfigError(f"{name} is a guard, which takes no check-in; check in the key result that it guards")
    if dated is not None and dated not in okrs.period.span:
        first, last = okrs.period.first, okrs.period.last
        raise ConfigError(f"--date is {text}, which is not in {okrs.period.id}; name a day from {first} to {last}")
    return _Opened(config, okrs, key_result, now, of_day, dated)


def _change(
    opened: _Opened,
    change: Callable[[Ledger], CheckIn],
    sentence: Callable[[KeyResultLine, KeyResultLine, CheckIn, ZoneInfo], str],
    *,
    as_json: bool,
) -> None:
    """Changes the check-ins under the ledger's lock, and prints the key result before and after."""
    config, okrs, key_result = opened.config, opened.okrs, opened.key_result
    ledger = writing_ledger(config)
    try:
        with cycle_lock(ledger.engine):
            snapshots = Snapshots(config, okrs, ledger)
            old = line_of(snapshots.now(opened.now), key_result)
            checkin = change(ledger)
        new = line_of(snapshots.now(opened.now), key_result)
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
        say(sentence(old, new, checkin, config.zone))


def _sentence(old: KeyResultLine, new: KeyResultLine, checkin: CheckIn, zone: ZoneInfo) -> str:
    of = f" for {day(checkin.dated.astimezone(zone))}" if checkin.dated else ""
    by = f"checked in{of} by {checkin.by}, until {clock_time(checkin.expires_at.astimezone(zone))}"
    name = new.key_result.id
    if checkin.value is None:
        return f"{name}: {by}"
    if new.key_result.measure is None and new.as_of != checkin.as_of and new.as_of is not None:
        newest = value_figure(new.key_result, new.value)
        later = f"{newest} of {day(new.as_of.astimezone(zone))} is newer and stays the value"
        return f"{name}: {value_figure(new.key_result, checkin.value)} {by}; {later}"
    if new.key_result.measure is not None:
        beside = f" beside {value_figure(new.key_result, new.value)}" if new.value is not None else ""
        return f"{name}: {value_words(checkin, new)}{beside}; {by}"
    before, after = (value_figure(new.key_result, line.value) for line in (old, new))
    return f"{name}: {before} → {after}, {HEALTH_WORDS[new.standing.health]}; {by}"


def _withdrawn_sentence(old: KeyResultLine, new: KeyResultLine, checkin: CheckIn, zone: ZoneInfo) -> str:
    assert checkin.withdrawn is not None
    what = f"{content_words(checkin, new.key_result)} of {day(checkin.as_of.astimezone(zone))} by {checkin.by}"
    moved = ""
    if old.value != new.value:
        before, after = value_figure(new.key_result, old.value), value_figure(new.key_result, new.value, "unknown")
        moved = f"{before} → {after}, {HEALTH_WORDS[new.standing.health]}; "
    return f"{new.key_result.id}: {moved}{what} withdrawn by {checkin.withdrawn.by}"


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
    if is_beyond(number):
        raise ConfigError(f"{option} is {given}, {BEYOND}; check in with a larger unit, such as millions")
    return number


def _text(given: str | None) -> str | None:
    """A text of the command line, with bytes that are not UTF-8 replaced: a ledger cannot store them."""
    return None if given is None else os.fsencode(given).decode(errors="replace")
