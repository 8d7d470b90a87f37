"""The language of whoever reads: English, unless a page is made for a reader of another one.

Every text that a page shows is written as `gettext("%(name)s is unknown", name=…)`, in English. Commands, JSON
documents, logs and everything that is stored take the text as it is written. A page that is made inside `speaking(…)`
takes the translation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal


class Language:
    """English: its texts, and its ways to write numbers and dates. A subclass has those of another language.

    `tag` is its BCP 47 tag, `direction` that of its script: `ltr` or `rtl`.
    """

    tag = "en"
    direction = "ltr"

    def gettext(self, message: str) -> str:
        """The translation of a message; its placeholders are left as they are."""
        return message

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """The translation of the form of a message that fits a number."""
        return singular if number == 1 else plural

    def decimal(self, number: Decimal, *, grouped: bool = True) -> str:
        """All digits of a number: `1,092.5`."""
        return f"{number:,f}" if grouped else f"{number:f}"

    def percent(self, hundredths: Decimal) -> str:
        """A share in percent: `18 %`."""
        return f"{self.decimal(hundredths)} %"

    def day(self, day: date) -> str:
        """A day of this year or so: `12 Oct`."""
        return f"{day.day} {day:%b}"

    def full_day(self, day: date) -> str:
        """A day with its year: `2026-10-12`."""
        return f"{day:%Y-%m-%d}"

    def clock_time(self, moment: datetime) -> str:
        """A day with a time: `12 Oct 10:15`."""
        return f"{self.day(moment)} {moment:%H:%M}"


ENGLISH = Language()
ISOLATED = "\N{FIRST STRONG ISOLATE}\N{POP DIRECTIONAL ISOLATE}"
"""What begins and ends a sentence in English on a page of another language."""

_language: ContextVar[Language] = ContextVar("language", default=ENGLISH)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Everything in the block is worded in this language. Other threads keep theirs."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def language() -> Language:
    """The language in force."""
    return _language.get()


def gettext(message: str, /, **parts: object) -> str:
    """A text in the reader's language, with `parts` in the places of its placeholders, such as `%(name)s`."""
    text = language().gettext(message)
    return text % parts if parts else text


def ngettext(singular: str, plural: str, number: int, /, **parts: object) -> str:
    """A text in the form that fits a number, which its placeholder `%(num)s` shows."""
    spoken = language()
    return spoken.ngettext(singular, plural, number) % {"num": spoken.decimal(Decimal(number)), **parts}


def original(sentence: str) -> str:
    """A sentence that was kept or made in English: translated if it is a text of the catalogue, else marked as English.

    The marks are the characters that isolate a text of another direction; pages turn them into an element.
    """
    spoken = language()
    text = spoken.gettext(sentence)
    return text if spoken is ENGLISH or text != sentence else f"{ISOLATED[0]}{sentence}{ISOLATED[1]}"


def marked(message: str) -> str:
    """The message itself. It marks a text of a table for the catalogue; `gettext` translates it where it is shown."""
    return message
