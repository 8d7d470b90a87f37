"""Conditions on the fields of records, and the rules that decide whether two texts are equal.

Only this module compares texts. The ledger uses this module to find out which stored texts meet a condition. It then
selects the records with these texts in SQL. Both databases and the plain evaluator therefore agree (decision 0030).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from unicodedata import normalize
from zoneinfo import ZoneInfo

from syncd.sdk.facts import Scalar
from syncd.sdk.numbers import LARGEST_WHOLE, rounded

UNMEASURED = {"unmeasured": True}
"""Marks a field of a measure whose value comes from the connection, not from the mapping. A change of this field does
not change the measure.
"""

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", re.ASCII)
# ASCII except the wildcard and K ; `, because each of these three has a second code point that NFC replaces.
_SINGLE_SPELLING = re.compile(r"[ -)+-:<-JL-_a-~]*")


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on one field. If a field has many values, one value that meets the condition is enough.

    `any_of` compares texts, and numbers as their shortest text. None in `any_of` matches a field without a value. In a
    text, `*` stands for any characters; a lone `*` matches numbers too. `negated` inverts the condition. `at_least` and
    `at_most` compare a number with numbers, and a text with texts.

    Texts are compared in Unicode NFC; with `ignores_case`, ignoring upper and lower case. If the field holds a time and
    the filter names only a day, the filter means the whole day in the time zone `zone`, such as `Europe/Zurich`.
    """

    field: str
    any_of: tuple[Scalar | None, ...] = ()
    negated: bool = False
    at_least: Scalar | None = None
    at_most: Scalar | None = None
    ignores_case: bool = dataclasses.field(default=False, metadata=UNMEASURED)
    zone: str = dataclasses.field(default="UTC", metadata=UNMEASURED)

    @property
    def bound(self) -> Scalar | None:
        """The bound with which the field is compared; None if the filter has no bound."""
        return self.at_least if self.at_least is not None else self.at_most

    @property
    def asks_for_values(self) -> bool:
        """Whether only records with certain values pass the filter."""
        return bool(self.any_of) and not self.negated

    @property
    def texts(self) -> frozenset[str | None]:
        """The values of `any_of` as texts, in the form in which they are compared, with wildcards."""
        return _wanted(self.any_of, self.ignores_case).texts

    @property
    def has_single_spelling(self) -> bool:
        """Whether a text meets the condition only if it equals a value of `any_of` character by character."""
        if self.ignores_case or self.bound is not None:
            return False
        texts = [scalar_text(value) for value in self.any_of if value is not None]
        return all(_SINGLE_SPELLING.fullmatch(text) and not _DAY.fullmatch(text) for text in texts)

    @property
    def matches_every_number(self) -> bool:
        """Whether `any_of` has a lone wildcard."""
        return "*" in self.any_of

    def accepts(self, values: Sequence[Scalar]) -> bool:
        """Whether a record with these values of the field passes the filter."""
        met = any(map(self.admits, values)) or (None in self.any_of and not values)
        return met is not self.negated

    def admits(self, value: Scalar) -> bool:
        """Whether a single value meets the condition, before `negated` inverts the condition."""
        if isinstance(value, str):
            return self._admits_text(value)
        if self.bound is None:
            return self.matches_every_number or scalar_text(value) in _wanted(self.any_of, False).texts
        if isinstance(self.bound, str):
            return False
        number, bound = float(value), float(self.bound)  # PostgreSQL returns a large float as another whole number
        return number >= bound if self.at_least is not None else number <= bound

    def _admits_text(self, text: str) -> bool:
        if self.bound is not None:
            return isinstance(self.bound, str) and self._is_within(text, self.bound)
        wanted, spelled = _wanted(self.any_of, self.ignores_case), spelling(text, self.ignores_case)
        if spelled in wanted.texts or any(_matches(parts, spelled) for parts in wanted.patterns):
            return True
        moment = _moment(text, self.zone) if wanted.days else None
        return moment is not None and moment.date().isoformat() in wanted.days

    def _is_within(self, text: str, bound: str) -> bool:
        """Whether a text is on the right side of a bound. If the text and the bound are days or times, the earlier day
        or time is smaller.
        """
        moment, limit = _moment(text, self.zone), _moment(bound, self.zone)
        if moment is not None and _DAY.fullmatch(bound):
            text = moment.date().isoformat()
        elif limit is not None and (moment is not None or _DAY.fullmatch(text)):
            moment = moment or _moment(f"{text}T00:00", self.zone)
            if moment is not None:
                return moment >= limit if self.at_least is not None else moment <= limit
        text, bound = spelling(text), spelling(bound)
        return text >= bound if self.at_least is not None else text <= bound

    def __str__(self) -> str:
        if self.at_least is not None:
            return f"{self.field} ≥ {scalar_text(self.at_least)}"
        if self.at_most is not None:
            return f"{self.field} ≤ {scalar_text(self.at_most)}"
        values = " or ".join("none" if value is None else scalar_text(value) for value in self.any_of)
        return f"{self.field} {'is not' if self.negated else 'is'} {values}"


def shown_scalar(value: Scalar) -> str:
    """A scalar for people. A number has at most 15 digits."""
    return scalar_text(value if isinstance(value, str) else rounded(value))


def scalar_text(value: Scalar) -> str:
    """A scalar as text; a whole number is written without `.0`."""
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() and abs(value) <= LARGEST_WHOLE else repr(float(value))


def spelling(text: str, ignores_case: bool = False) -> str:
    """The canonical form of a text. Two texts are the same if their canonical forms are equal."""
    if text.isascii():
        return text.lower() if ignores_case else text
    return normalize("NFC", normalize("NFD", text).casefold() if ignores_case else text)


def is_day(value: Scalar | None) -> bool:
    """Whether a value is a day without a time, such as `2026-11-01`."""
    return isinstance(value, str) and _DAY.fullmatch(value) is not None


def is_day_or_time(text: str) -> bool:
    """Whether a text is a day such as `2026-11-01`, or a time."""
    return _moment(f"{text}T00:00" if is_day(text) else text, "UTC") is not None


@dataclass(frozen=True, slots=True)
class _Wanted:
    texts: frozenset[str | None]
    patterns: Sequence[Sequence[str]]
    days: frozenset[str]


@lru_cache(maxsize=1000)
def _wanted(any_of: tuple[Scalar | None, ...], ignores_case: bool) -> _Wanted:
    texts = [spelling(scalar_text(value), ignores_case) for value in any_of if value is not None]
    patterns = [text.split("*") for text in texts if "*" in text]
    days = frozenset(filter(_DAY.fullmatch, texts))
    return _Wanted(frozenset([*texts, *([None] if None in any_of else [])]), patterns, days)


def _matches(parts: Sequence[str], text: str) -> bool:
    """Whether a text consists of the parts in order, with any characters between them."""
    first, *middle, last = parts
    at, end = len(first), len(text) - len(last)
    if at > end or not text.startswith(first) or not text.endswith(last):
        return False
    for part in middle:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def _moment(text: str, zone: str) -> datetime | None:
    """The time in a text; None if the text is not a time. A time without an offset is a local time of the zone."""
    if not _TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(ZoneInfo(zone)) if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    except (ValueError, OverflowError):
        return None
