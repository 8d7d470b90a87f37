"""The reader's language: English, unless a page is made for a reader of another language.

Every text on a page is written in English, as `gettext("%(name)s is unknown", name=…)`. Commands, JSON documents, logs
and stored texts use the English text. A page that is made inside `speaking(…)` uses the translation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal


class Language:
    """English: its texts, numbers and dates. A subclass defines another language.

    `tag` is the BCP 47 tag of the language, `direction` the direction of its script: `ltr` or `rtl`.
    """

    tag = "en"
    direction = "ltr"

    def gettext(self, message: str) -> str:
        """The translation of a message, with unchanged placeholders."""
        return message

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """The translation of a message in the grammatical form for a number."""
        return singular if number == 1 else plural

    def decimal(self, number: Decimal, *, grouped: bool = True) -> str:
        """All digits of a number: `1,092.5`."""
        return f"{number:,f}" if grouped else f"{number:f}"

    def percent(self, hundredths: Decimal) -> str:
        """A share in percent: `18 %`."""
        return f"{self.decimal(hundredths)} %"

    def day(self, day: date) -> str:
        """A day without its year: `12 Oct`."""
        return f"{day.day} {day:%b}"

    def full_day(self, day: date) -> str:
        """A day with its year: `12 Oct 2026`."""
        return f"{self.day(day)} {day:%Y}"

    def clock_time(self, moment: datetime) -> str:
        """A day with a time: `12 Oct 10:15`."""
        return f"{self.day(moment)} {moment:%H:%M}"


ENGLISH = Language()
ISOLATED = "\N{FIRST STRONG ISOLATE}\N{POP DIRECTIONAL ISOLATE}"
"""The two characters that begin and end an English sentence on a page of another language."""

_language: ContextVar[Language] = ContextVar("language", default=ENGLISH)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Sets the language for the block. Other threads keep their language."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def language() -> Language:
    """The language in force."""
    return _language.get()


def gettext(message: str, /, **parts: object) -> str:
    """A text in the reader's language, with `parts` in place of its placeholders, such as `%(name)s`."""
    text = language().gettext(message)
    return text % parts if parts else text


def ngettext(singular: str, plural: str, number: int, /, **parts: object) -> str:
    """A text in the grammatical form for a number. The placeholder `%(num)s` shows the number."""
    spoken = language()
    return spoken.ngettext(singular, plural, number) % {"num": spoken.decimal(Decimal(number)), **parts}


def original(sentence: str) -> str:
    """An English sentence for the reader: its translation if the catalogue has one, else the marked sentence.

    The marks are the characters that isolate a text of another direction. Pages turn the marks into an HTML element.
    """
    spoken = language()
    text = spoken.gettext(sentence)
    return text if spoken is ENGLISH or text != sentence else f"{ISOLATED[0]}{sentence}{ISOLATED[1]}"


def marked(message: str) -> str:
    """The message, unchanged. The call marks a text in a table for the catalogue; `gettext` translates it later."""
    return message
