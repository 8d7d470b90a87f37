"""The language of whoever reads: English, unless a page is made for a reader of another one.

Every text that a page shows is written as `gettext("%(name)s is unknown", name=…)`, in English. Commands, JSON
documents, logs and everything that is stored take the text as it is written. A page that is made inside `speaking(…)`
takes the translation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Language:
    """English. A subclass has the texts of another language."""

    def gettext(self, message: str) -> str:
        """The translation of a message; its placeholders are left as they are."""
        return message

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """The translation of the form of a message that fits a number."""
        return singular if number == 1 else plural


ENGLISH = Language()

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
    return language().gettext(message) % parts


def ngettext(singular: str, plural: str, number: int, /, **parts: object) -> str:
    """A text in the form that fits a number, which its placeholder `%(num)s` may show."""
    return language().ngettext(singular, plural, number) % {"num": f"{number:,}", **parts}


def marked(message: str) -> str:
    """The message itself. It marks a text of a table for the catalogue; `gettext` translates it where it is shown."""
    return message
