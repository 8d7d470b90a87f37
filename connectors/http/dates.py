"""Fills days into requests: `{start}` and `{end}` of the window and `{today}`, as days or as moments, in the format
that the request names.

| written | sent, if the window is 2026-10-01 to 2026-12-31 in Berlin |
|---|---|
| `{start}` | 2026-10-01 |
| `{end:%d.%m.%Y}` | 31.12.2026 |
| `{start:seconds}`, `{start:milliseconds}` | 1790805600, 1790805600000: the first instant of the day |
| `{start:utc}` | 2026-09-30T22:00:00Z |
| `{end+1d:utc}` | 2026-12-31T23:00:00Z: the first instant after the window |
| `{end+1d-1s:seconds}` | 1798757999: its last second |

Other braces are not changed, because queries of Prometheus, Datadog and GraphQL have many braces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from syncd.sdk import Days

_NAMES = ("start", "end", "today")
_PLACE = re.compile(r"\{([A-Za-z]\w*)([+\- ][^{}:]*)?(?::([^{}]*))?\}")
_SHIFT = re.compile(r"([+-]\d{1,7})([ds])", re.ASCII)
_SHIFTS = re.compile(r"([+-]\d{1,7}[ds])*", re.ASCII)
_NUMBERS = {"seconds": 1, "milliseconds": 1000}
_UTC = "utc"
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_OF_DAYS = frozenset("YymdjbBaAuwUWVGx")
_OF_TIMES = frozenset("HIMSfpzZ")
_LOOKALIKE = re.compile(r"\{\s*([A-Za-z]+)\s*((?:[+-]\s*\d+\s*[ds]\s*)*)(:[^{}]*)?\}")
_COLON = "(?::|%3A)?"
_TIME = rf"(?:T|\s|\+|%20)\d\d{_COLON}\d\d(?:{_COLON}\d\d(?:[.,]\d+)?)?"
_ZULU = re.compile(rf"(?:(?:{_TIME})?Z|{_TIME}(?:\+|%2B|-)00{_COLON}(?:00)?)(?!\w)", re.IGNORECASE)
"""A literal time in UTC, or only the zone UTC, directly after a day. Such a time is a mistake, because in UTC the day
begins hours earlier or later.
"""
_ZULU_FORM = re.compile(r"(?<!%)Z$|[+-]00:?00$")
_SAMPLE = Days(date(2026, 10, 1), date(2026, 12, 31), date(2026, 11, 21))

Filled = str | int


class Dates:
    """Fills the days into the texts of a request."""

    def __init__(self, days: Days | None, zone: ZoneInfo) -> None:
        """A moment is the first instant of its day in the zone, plus the days and seconds that the text adds. If `days`
        is None, only requests that name no days can be filled in.
        """
        self._days = {"start": days.first, "end": days.last, "today": days.today} if days is not None else {}
        self._zone = zone

    def path(self, text: str) -> str:
        """Fills in a path. The filled-in texts are quoted, so that each stays within its segment or parameter."""
        return _PLACE.sub(lambda place: quote(str(self._filled(place)), safe=""), text)

    def text(self, text: str) -> str:
        """Fills in a text of any other kind."""
        return _PLACE.sub(lambda place: str(self._filled(place)), text)

    def value(self, part: Any) -> Any:
        """Fills in a part of a JSON body. A text that consists only of a number of seconds or milliseconds becomes a
        number.
        """
        if isinstance(part, Mapping):
            return {name: self.value(inner) for name, inner in part.items()}
        if isinstance(part, list):
            return [self.value(inner) for inner in part]
        if not isinstance(part, str):
            return part
        whole = _PLACE.fullmatch(part)
        return self._filled(whole) if whole and whole[1] in _NAMES else self.text(part)

    def _filled(self, place: re.Match[str]) -> Filled:
        name, shifts, form = place.groups()
        if name not in _NAMES:
            return place[0]
        days, seconds = _shift(shifts or "")
        day = self._days[name] + timedelta(days=days)
        if form is None:
            return day.isoformat()
        # In UTC, so that an added second is a second even when clocks change.
        moment = datetime(day.year, day.month, day.day, tzinfo=self._zone).astimezone(UTC) + timedelta(seconds=seconds)
        if form in _NUMBERS:
            return round(moment.timestamp()) * _NUMBERS[form]
        if form == _UTC:
            return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        return moment.astimezone(self._zone).strftime(form)


def names_days(part: Any) -> bool:
    """Whether a text, or a part of a body, names days of the window."""
    if isinstance(part, Mapping):
        return any(map(names_days, part.values()))
    if isinstance(part, list):
        return any(map(names_days, part))
    return isinstance(part, str) and any(place[1] in _NAMES for place in _PLACE.finditer(part))


def check_days(part: Any) -> None:
    """Raises ValueError if a text, or a part of a body, names days in a way that cannot be filled in exactly."""
    for name in part if isinstance(part, Mapping) else ():
        if isinstance(name, str) and (written := first_place(name)) is not None:
            raise ValueError(f'has {written} in a name, and days stand in values; write such as {{from: "{{start}}"}}')
    for inner in part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ():
        check_days(inner)
    if not isinstance(part, str):
        return
    for place in _PLACE.finditer(part):
        _check(place[1], place[2], place[3], place[0])
        if place[1] in _NAMES and place[3] not in (_UTC, *_NUMBERS) and (behind := _ZULU.match(part, place.end())):
            raise ValueError(_not_utc(f"{place[0]}{behind[0]}", place[1]))
    if (meant := _lookalike(part)) is not None:
        written, right = meant
        raise ValueError(f"has {written}, which would be sent as it is; write {right}")


def first_place(text: str) -> str | None:
    """The first placeholder for a day in a text, even a wrong one, as it is written; None if there is none."""
    if (place := next((place for place in _PLACE.finditer(text) if place[1] in _NAMES), None)) is not None:
        return place[0]
    meant = _lookalike(text)
    return meant[0] if meant is not None else None


def _lookalike(text: str) -> tuple[str, str] | None:
    """A placeholder that probably means a day but has blanks, capitals or double braces, and its correct form; None if
    there is none. Fields of Airtable such as `{End}` and selections of GraphQL such as `{ rows { start } }` do not
    count, because other text surrounds them.
    """
    edges = "/=&?" if text.startswith(("/", "?")) else ""  # the characters around a value in a path
    for match in _LOOKALIKE.finditer(text):
        name, shifts, form = match[1], match[2].replace(" ", ""), (match[3] or "").strip()
        before, behind = text[: match.start()], text[match.end() :]
        right, is_doubled = f"{{{name.lower()}{shifts}{form}}}", before.endswith("{") and behind.startswith("}")
        if name.lower() not in _NAMES or (match[0] == right and not is_doubled):
            continue
        if form and not ("%" in form or form[1:] in (_UTC, *_NUMBERS)):
            continue
        is_value = before[-1:] in edges and behind[:1] in edges
        is_outside = before.count("{") == before.count("}")
        if is_value or is_doubled or shifts or form or name.isupper() or (name.islower() and is_outside):
            return (f"{{{match[0]}}}" if is_doubled else match[0]), right
    return None


def _not_utc(written: str, name: str) -> str:
    right = (
        "{start:utc}"
        if name == "start"
        else f"{{{name}+1d:utc}} for the first instant after that day, or {{{name}+1d-1s:utc}} for its last second"
    )
    zone = "Z" if written.rstrip("}")[-1:] in "Zz" else "zone"
    return f"has {written}, whose {zone} would stand behind a local time; write utc for a time in UTC: {right}"


def _check(name: str, shifts: str | None, form: str | None, written: str) -> None:
    if name not in _NAMES:
        meant = next((each for each in _NAMES if sorted(each) == sorted(name)), None)
        if meant is not None:
            raise ValueError(f"has {written}; did you mean {{{meant}}}?")
        return
    if not _SHIFTS.fullmatch(shifts or ""):
        raise ValueError(f"has {written}; add days or seconds, such as {{{name}+1d}} or {{{name}+1d-1s:seconds}}")
    days, seconds = _shift(shifts or "")
    if abs(days) > _MOST_DAYS:
        raise ValueError(f"has {written}; add at most {_MOST_DAYS} days")
    if form is not None:
        _check_form(name, form, written)
    is_moment = form is not None and (form == _UTC or form in _NUMBERS or bool(_OF_TIMES & _directives(form)))
    if seconds and not is_moment:
        raise ValueError(f"has {written}, a day and no moment; drop the seconds, or write such as {{{name}:utc}}")
    if is_moment and name != "start" and not shifts:
        raise ValueError(
            f"has {written}, the first instant of a day that is to be included; write {{{name}+1d:{form}}} for the "
            f"first instant after it, or {{{name}+1d-1s:{form}}} for its last second"
        )


_MOST_DAYS = 3660


def _check_form(name: str, form: str, written: str) -> None:
    if form == _UTC or form in _NUMBERS:
        return
    used = _directives(form)
    unknown = sorted(used - _OF_DAYS - _OF_TIMES - {"%"})
    if unknown or not used & (_OF_DAYS | _OF_TIMES):
        what = f"%{unknown[0]}, which is none of strftime's" if unknown else "no part of a date"
        raise ValueError(
            f"has {written} with {what}; write a format such as {{start:%d.%m.%Y}}, or seconds, milliseconds or utc"
        )
    if _ZULU_FORM.search(form):
        raise ValueError(_not_utc(written, name))


def _directives(form: str) -> frozenset[str]:
    return frozenset(match[1] for match in _DIRECTIVE.finditer(form))


def _shift(text: str) -> tuple[int, int]:
    """The days and the seconds that a text such as `+1d-1s` adds."""
    added = {"d": 0, "s": 0}
    for number, unit in _SHIFT.findall(text):
        added[unit] += int(number)
    return added["d"], added["s"]


def sample(fill: Callable[[Dates], Any]) -> Any:
    """The request, filled in with invented days, for checks."""
    return fill(Dates(_SAMPLE, ZoneInfo("UTC")))
