"""The languages of the pages: each has a file of translations, and Babel's formats for numbers and dates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_datetime_format
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncd.sdk.language import ENGLISH, Language, speaking
from syncd.web.places import path_within

_OF_PROGRAMS = ("/api/", "/hooks/", "/metrics", "/healthz", "/readyz", "/events", "/static/")
_TAG = re.compile(r"\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")


class Translated(Language):
    """A language with a file of translations. A text that the file lacks is shown in English."""

    def __init__(self, locale: Locale, translations: GNUTranslations) -> None:
        self._locale, self._translations = locale, translations
        self.tag, self.direction = str(locale).replace("_", "-"), locale.text_direction
        self._day_pattern = locale.datetime_skeletons["MMMd"]
        self._moment_pattern = str(get_datetime_format("medium", locale))

    def gettext(self, message: str) -> str:
        """The translation of a message."""
        return self._translations.gettext(message) if message else message  # the empty message is the file's header

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """The translation in the singular or plural form that a number needs."""
        return self._translations.ngettext(singular, plural, number)

    def decimal(self, number: Decimal, *, grouped: bool = True) -> str:
        """A number with all its digits, such as `1.092,5`."""
        return format_decimal(number, locale=self._locale, decimal_quantization=False, group_separator=grouped)

    def percent(self, hundredths: Decimal) -> str:
        """A share in percent."""
        return format_percent(hundredths.scaleb(-2), locale=self._locale, decimal_quantization=False)

    def day(self, day: date) -> str:
        """A day without its year: `12. Okt`."""
        return str(self._day_pattern.apply(day, self._locale)).removesuffix(".")  # a day often ends sentences or cells

    def full_day(self, day: date) -> str:
        """A day with its year: `12.10.2026`."""
        return format_date(day, "medium", locale=self._locale)

    def clock_time(self, moment: datetime) -> str:
        """A day with a time: `12. Okt, 10:15`."""
        time = format_time(moment.time(), "short", locale=self._locale)
        return self._moment_pattern.replace("{0}", time).replace("{1}", self.day(moment))


class Languages:
    """English, and each language that has a file `de.po` or `pt_BR.po` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.stem: path for path in folder.glob("*.po")}
        self._translations = cache(_translations)  # a file is read when a reader first wants its language
        self._translated = lru_cache(64)(self._make)

    def of(self, accepted: str) -> Language:
        """The most wanted language in a header Accept-Language that syncd has; else English."""
        for tag in _wanted(accepted):
            if tag.partition("-")[0].lower() == "en":
                return ENGLISH
            if (translated := self._translated(tag)) is not None:
                return translated
        return ENGLISH

    def _make(self, tag: str) -> Language | None:
        """The language of a tag, with the number and date formats of the tag's region; None if syncd lacks the
        language.
        """
        try:
            locale = Locale.parse(tag, sep="-")
        except (ValueError, UnknownLocaleError):
            return None
        for name in (str(locale), f"{locale.language}_{locale.script}", locale.language):
            if name in self._files:
                return Translated(locale, self._translations(self._files[name]))
        return None


class Spoken:
    """Renders each page in the first language that its reader wants and syncd has. Programs get English."""

    def __init__(self, app: ASGIApp, languages: Languages) -> None:
        self._app, self._languages = app, languages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or path_within(scope).startswith(_OF_PROGRAMS):
            await self._app(scope, receive, send)
            return
        spoken = self._languages.of(Headers(scope=scope).get("accept-language", ""))

        async def with_language(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers["Content-Language"] = spoken.tag
                    headers.add_vary_header("Accept-Language")
            await send(message)

        with speaking(spoken):
            await self._app(scope, receive, with_language)


def _translations(path: Path) -> GNUTranslations:
    """The translations in a file of gettext's format, without those that are marked as fuzzy."""
    with path.open("rb") as file:
        catalog = read_po(file, locale=path.stem)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _wanted(accepted: str) -> Iterator[str]:
    """The tags in a header Accept-Language, the most wanted first."""
    weights: dict[str, float] = {}
    for part in accepted.split(",")[:20]:
        if match := _TAG.fullmatch(part):
            weights.setdefault(match[1], float(match[2] or 1))
    yield from sorted((tag for tag in weights if weights[tag]), key=lambda tag: -weights[tag])
