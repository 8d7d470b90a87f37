"""Makes a check-in from the texts that a person wrote: options of a command, fields of a form, or keys of a JSON
body.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.config import Config
from syncd.cycle.check_in import STANDS_FOR
from syncd.okr.checkins import CheckIn
from syncd.okr.day_texts import past_day
from syncd.okr.goals import KeyResult, is_guard
from syncd.okr.spans import Period, midnight
from syncd.sdk import ConfigError, parse_duration
from syncd.sdk.numbers import BEYOND, is_text_beyond

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_PLAIN_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")

Label = Callable[[str], str]
"""Returns the name of a field as a person writes it, such as `--value` for a command."""


@dataclass(frozen=True, slots=True)
class CheckInTexts:
    """The texts of a check-in that a person wrote, without its day. A field that was left empty is None."""

    value: str | None = None
    note: str | None = None
    confidence: str | None = None
    expires: str | None = None

    def checkin(
        self, key_result: KeyResult, now: datetime, dated: datetime | None, author: str, entered_by: str, label: Label
    ) -> CheckIn:
        """The check-in with these texts. Raises ConfigError, which says which text is wrong and what to write
        instead.
        """
        checkin = CheckIn(
            author=author,
            at=now,
            expires_at=_expiry(dated or now, self.expires, key_result, label("expires")),
            value=number_of(label("value"), self.value, "a plain number, such as 1050 or -0.5"),
            note=(self.note or "").strip() or None,
            confidence=_confidence(label("confidence"), self.confidence),
            dated=dated,
            entered_by=entered_by,
        )
        if checkin.value is None and checkin.note is None and checkin.confidence is None:
            wanted = f"write {label('value')} N, {label('note')} TEXT or {label('confidence')} 0.6"
            raise ConfigError(f"a check-in needs a value, a note or a confidence; {wanted}")
        return checkin


def end_of_day(text: str | None, config: Config, now: datetime, label: str) -> datetime | None:
    """The last instant of the past day that a text names; None if the text names today or there is no text.

    Raises ConfigError for any other text.
    """
    if text is None:
        return None
    named = past_day(text, config.zone, now, label)
    is_past = named < now.astimezone(config.zone).date()
    return midnight(named + _DAY, config.zone) - _INSTANT if is_past else None


def check_takes_check_ins(key_result: KeyResult) -> None:
    """Raises ConfigError if the key result is a guard."""
    if is_guard(key_result.id):
        raise ConfigError(
            f"{key_result.id} is a guard, which takes no check-in; check in the key result that it guards"
        )


def check_day(config: Config, period: Period, now: datetime, dated: datetime | None, label: str) -> None:
    """Raises ConfigError if a check-in describes a day outside the period: the day `dated`, or today (None) once the
    period is over. A settled period takes no check-in whatever its day, which `check_in.check` says.
    """
    if now >= period.span.end + config.settings.settle:
        return
    if dated is None and now >= period.span.end:
        raise ConfigError(
            f"{period.id} is over, and a check-in describes one of its days; write {label} {period.last} for the last"
        )
    if dated is not None and dated not in period.span:
        first, last, day = period.first, period.last, dated.astimezone(period.zone).date()
        raise ConfigError(f"{label} is {day}, which is not in {period.id}; name a day from {first} to {last}")


def _expiry(now: datetime, given: str | None, key_result: KeyResult, label: str) -> datetime:
    length = key_result.stale_after or STANDS_FOR
    if given is not None:
        try:
            length = parse_duration(given)
        except ValueError as error:
            raise ConfigError(f"{label} {error}") from None
    if length <= timedelta():
        raise ConfigError(f"{label} is {given!r}; write a duration above 0, such as 10d")
    return now + length


def _confidence(label: str, given: str | None) -> float | None:
    wanted = "a number from 0 to 1, such as 0.6"
    confidence = number_of(label, given, wanted)
    if confidence is not None and not 0 <= confidence <= 1:
        raise ConfigError(f"{label} is {given!r}; write {wanted}")
    return confidence


def number_of(label: str, given: str | None, wanted: str) -> float | None:
    """The number in a text; None if there is no text. Raises ConfigError for any other text; `wanted` describes the
    right texts.
    """
    if given is None:
        return None
    number = float(given) if _PLAIN_NUMBER.fullmatch(given.strip()) else math.nan
    if not math.isfinite(number):
        raise ConfigError(f"{label} is {given!r}; write {wanted}")
    if is_text_beyond(given.strip()):
        raise ConfigError(f"{label} is {given}, {BEYOND}; check in with a larger unit, such as millions")
    return number
