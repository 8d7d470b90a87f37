"""`syncd checkin`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from syncd.cli.asking import new_form, take_now
from syncd.cli.author import author_name, process_owner
from syncd.cli.lines import wrapped
from syncd.cli.opening import open_config, print_json, writing_ledger
from syncd.cli.output import say
from syncd.config import Config
from syncd.cycle.ask import Desk, checkin_of
from syncd.cycle.check_in import Implausible, Settled
from syncd.cycle.check_in_texts import CheckInTexts, check_day, check_takes_check_ins, end_of_day
from syncd.cycle.refusals import Refused
from syncd.ledger.requests import Request
from syncd.okr.checkins import CheckIn, Withdrawal
from syncd.okr.goals import KeyResult, PeriodOkrs
from syncd.okr.spans import Period
from syncd.okr.words import HEALTH_WORDS, clock_time, day, value_figure
from syncd.sdk import ConfigError
from syncd.status.checkin_words import content_words, value_words
from syncd.status.choosing import chosen_key_result, chosen_period
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
    dated: str | None,
    period: str | None,
    force: bool,
    as_json: bool,
    workspace: str | None = None,
) -> None:
    """Stores a check-in, and prints the key result's state after it."""
    opened = _opened(path, workspace, name, period, dated)
    check_day(opened.config, opened.okrs.period, opened.now, opened.dated, "--date")
    by = author_name(_text(author), "a check-in")
    texts = CheckInTexts(value, _text(note), confidence, expires)
    checkin = texts.checkin(opened.key_result, opened.now, opened.dated, by, process_owner(), "--{}".format)
    _change(
        opened,
        lambda desk: (desk.ask_check_in(new_form(), checkin, force=force), checkin),
        _sentence,
        as_json=as_json,
    )


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
    workspace: str | None = None,
) -> None:
    """Withdraws a check-in, and prints the key result's state after it. `given` are options that only a new check-in
    takes; ConfigError if one of them is not None.
    """
    wrong = [option for option, value in given.items() if value is not None]
    if wrong:
        raise ConfigError(f"--withdraw takes no {wrong[0]}; withdraw first, then check in again")
    opened = _opened(path, workspace, name, period, dated)
    withdrawal = Withdrawal(
        author_name(_text(author), "a withdrawal"), opened.now, (_text(note) or "").strip() or None, process_owner()
    )

    def ask(desk: Desk) -> tuple[Request, CheckIn]:
        left = [
            (target, checkin)
            for target, checkin in _checkins(desk, opened.now)
            if checkin.withdrawn is None and opened.day in (None, checkin.as_of.astimezone(opened.config.zone).date())
        ]
        if not left:
            of = f" of {day(opened.day)}" if opened.day else ""
            raise ConfigError(f"{name} has no check-in{of} to withdraw; `syncd explain {name}` lists its check-ins")
        target, checkin = left[-1]
        return desk.ask_withdrawal(new_form(), target, withdrawal), replace(checkin, withdrawn=withdrawal)

    _change(opened, ask, _withdrawn_sentence, as_json=as_json)


def _checkins(desk: Desk, now: datetime) -> list[tuple[Mapping[str, int], CheckIn]]:
    """The check-ins of a key result, oldest first, then the check-ins that wait for a cycle."""
    of, ledger = (desk.okrs.period.id, desk.key_result.id), desk.ledger
    kept = [({"checkin": made.id}, made) for made in ledger.checkins.of(*of, now) if made.id is not None]
    waiting = [each for each in ledger.requests.waiting() if (each.period, each.key_result) == of]
    gone = {each.body.get("request") for each in waiting}
    asked = [
        ({"request": each.id}, checkin_of(each)) for each in waiting if each.kind == "check_in" and each.id not in gone
    ]
    return [*kept, *asked]


@dataclass(frozen=True, slots=True)
class _Opened:
    """The configuration, period and key result of a check-in. `day` is the day in --date; `dated` is the end of that
    day, None for today.
    """

    config: Config
    okrs: PeriodOkrs
    key_result: KeyResult
    clock: Callable[[], datetime]
    now: datetime
    day: date | None
    dated: datetime | None


def _opened(path: Path, workspace: str | None, name: str, period: str | None, text: str | None) -> _Opened:
    config, clock = open_config(path, workspace)
    now = clock()
    dated = end_of_day(text, config, now, "--date")
    okrs = chosen_period(config, period, dated or now)
    having = [other for other in config.periods if name in other.by_id]
    if period is None and having and okrs not in having and all(dated and dated not in of.period.span for of in having):
        okrs = having[-1]  # no --period helps: the day is outside every period that has the key result
    key_result = chosen_key_result(okrs, name, config)
    check_takes_check_ins(key_result)
    of_day = (dated or now).astimezone(config.zone).date() if text is not None else None
    return _Opened(config, okrs, key_result, clock, now, of_day, dated)


def _change(
    opened: _Opened,
    ask: Callable[[Desk], tuple[Request, CheckIn]],
    sentence: Callable[[KeyResultLine, KeyResultLine, CheckIn, Period], str],
    *,
    as_json: bool,
) -> None:
    """Requests a change of the check-ins, carries it out if no cycle runs, and prints the key result before and
    after.
    """
    config, okrs, key_result = opened.config, opened.okrs, opened.key_result
    ledger = writing_ledger(config)
    try:
        snapshots = Snapshots(config, okrs, ledger)
        old = line_of(snapshots.now(opened.now), key_result)
        request, checkin = ask(Desk(config, okrs, key_result, ledger))
        waits = take_now(config, ledger, opened.clock, request)
        new = line_of(snapshots.now(opened.clock()), key_result)
    except Settled as error:
        raise ConfigError(f"{error}; name another period with --period") from None
    except Implausible as error:
        raise ConfigError(f"{error}; correct --value, or write --force if it is meant") from None
    except Refused as error:
        raise ConfigError(str(error)) from None
    finally:
        ledger.close()
    if as_json:
        print_json(key_result_document(new, okrs.period))
    if waits is not None:
        what = "withdrawal" if checkin.withdrawn else "check-in"
        for line in wrapped(f"{key_result.id}: the {what} is stored and counts from the next cycle: {waits}"):
            say(line, err=as_json)
    elif not as_json:
        say(sentence(old, new, checkin, okrs.period))


def _sentence(old: KeyResultLine, new: KeyResultLine, checkin: CheckIn, period: Period) -> str:
    zone = period.zone
    of = f" for {day(checkin.dated.astimezone(zone))}" if checkin.dated else ""
    until = f", until {clock_time(checkin.expires_at.astimezone(zone))}" if checkin.expires(period.span) else ""
    by = f"checked in{of} by {checkin.by}{until}"
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


def _withdrawn_sentence(old: KeyResultLine, new: KeyResultLine, checkin: CheckIn, period: Period) -> str:
    zone = period.zone
    assert checkin.withdrawn is not None
    what = f"{content_words(checkin, new.key_result)} of {day(checkin.as_of.astimezone(zone))} by {checkin.by}"
    moved = ""
    if old.value != new.value:
        before, after = value_figure(new.key_result, old.value), value_figure(new.key_result, new.value, "unknown")
        moved = f"{before} → {after}, {HEALTH_WORDS[new.standing.health]}; "
    return f"{new.key_result.id}: {moved}{what} withdrawn by {checkin.withdrawn.by}"


def _text(given: str | None) -> str | None:
    """A text of the command line. Bytes that are not UTF-8 are replaced, because a ledger cannot store them."""
    return None if given is None else os.fsencode(given).decode(errors="replace")
