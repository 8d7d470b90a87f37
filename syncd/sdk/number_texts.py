"""Reads the numbers in texts by the rules of `as:`, and suggests an `as:` for texts.

The marks between the digits decide the number: `1.180` is 1.18 in English and 1180 in German.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from syncd.sdk.as_keys import As

SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2212": "-"})
"""Turns typographic spaces and the typographic minus into plain characters."""

_CODES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
    CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
    ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND
    VUV WST XAF XCD XOF XPF YER ZAR ZMW
"""
# A list of codes, not any three capitals, because `12 MIO` are twelve million. Cents (¢) are not a currency either.
_CURRENCY = rf"(?:[A-Z]{{0,3}}[$£¤¥৳฿៛\u20a0-\u20c0﷼]|{'|'.join(_CODES.split())}|kr\.?|zł|Kč|Ft|Fr\.|Rs\.?|lei)"
_LONGEST = 60  # characters; a longer text is not read as a number
_LARGEST_SHOWN = 40
_STYLES = tuple((decimal, thousands) for thousands in (None, ",", ".", " ", "'") for decimal in (".", ","))


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a text; `needs` are the keys of `as:` that its signs require."""

    digits: str
    negative: bool
    needs: frozenset[str]


@cache
def _form() -> re.Pattern[str]:
    """The pattern of a number with its signs. The pattern has 150 currencies, so it is compiled at its first use."""
    return re.compile(
        rf"(?P<front>(?:(?:[(+-]|{_CURRENCY}) *)*)(?P<digits>[.,]?\d(?:.*\d)?)(?P<back>(?: *(?:[%)-]|{_CURRENCY}))*)",
        re.ASCII,
    )


def _take_apart(text: str) -> _Parts | None:
    match = _form().fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return None
    front, digits, back = match.group("front", "digits", "back")
    brackets = (front.count("("), back.count(")"))
    minus, trailing = front.count("-"), back.count("-")
    currencies, percents = len(re.findall(_CURRENCY, f"{front} {back}")), back.count("%")
    signs = brackets[0] + minus + front.count("+") + trailing
    if brackets[0] != brackets[1] or signs > 1 or currencies > 1 or percents > 1:
        return None
    used = {"accounting": brackets[0] + trailing, "currency": currencies, "percent": percents}
    needs = frozenset(name for name, times in used.items() if times)
    return _Parts(digits, bool(minus or needs & {"accounting"}), needs)


def _plain(digits: str, decimal: str, thousands: str | None) -> Decimal | None:
    """Reads digits by these marks for decimals and thousands; None if a mark is in a wrong place."""
    thousands = thousands.translate(SPACES) if thousands is not None else None
    whole = r"\d+" if thousands is None else rf"(?:[1-9]\d{{0,2}}(?:{re.escape(thousands)}\d{{3}})+|\d+)"
    if decimal == thousands or not re.fullmatch(rf"{whole}(?:{re.escape(decimal)}\d+)?", digits, re.ASCII):
        return None
    if thousands is not None:
        digits = digits.replace(thousands, "")
    return Decimal(digits.replace(decimal, "."))


def read_number(text: str, rules: As, *, decimal_comma: bool = False) -> Decimal | None:
    """The number in a text, read by the rules; None if the text holds no number, or is ambiguous. A percentage becomes
    a share: `18 %` is 0.18.

    `decimal_comma` says that another cell of the column can only be read with a decimal comma.
    """
    parts = _take_apart(text)
    if parts is None or not all(getattr(rules, name) for name in parts.needs):
        return None
    number = _by_marks(parts.digits, rules, decimal_comma=decimal_comma)
    if number is None:
        return None
    if "percent" in parts.needs:
        number /= 100
    return -number if parts.negative and number else number


def _by_marks(digits: str, rules: As, *, decimal_comma: bool) -> Decimal | None:
    """The number, read by the marks that the rules set. If the rules set no marks, an amount of money is read in the
    only way that its own marks allow, else in the English way.
    """
    if rules.marks:
        decimal = rules.decimal or "."
        grouped = rules.thousands or (("." if decimal == "," else ",") if rules.money else None)
        return _plain(digits, decimal, grouped)
    if not rules.money:
        return None if decimal_comma and "." in digits else _plain(digits, ".", None)
    readings = dict.fromkeys(number for number, _ in _readings(digits))
    if len(readings) > 1 and decimal_comma:
        return None
    return _plain(digits, ".", ",") if len(readings) != 1 else next(iter(readings))


def _readings(digits: str) -> Iterator[tuple[Decimal, dict[str, str]]]:
    seen: set[Decimal] = set()
    for decimal, thousands in _STYLES:
        number = _plain(digits, decimal, thousands)
        if number is not None and number not in seen:
            seen.add(number)
            marks = {"decimal": decimal} if decimal == "," or thousands is None else {}
            yield number, marks | ({"thousands": thousands} if thousands is not None else {})


def needs_decimal_comma(text: str) -> bool:
    """Whether a text can only be a number where commas are decimal and points group digits, such as `42,50`, `1.234,5`
    and `1.234.567`, but not `1,234` and `1.234`.
    """
    if ("," not in text and text.count(".") < 2) or (parts := _take_apart(text.strip().translate(SPACES))) is None:
        return False
    marks = [marks for _, marks in _readings(parts.digits)]
    return bool(marks) and all(mark.get("decimal") == "," for mark in marks)


def possible_numbers(text: str) -> list[Decimal]:
    """Every number that a text can mean with some `as:`, the likeliest first. `18 %` is returned as 18, not as 0.18."""
    parts = _take_apart(text.strip().translate(SPACES))
    if parts is None:
        return []
    numbers = sorted((number for number, _ in _readings(parts.digits)), reverse=True)  # thousands are likelier
    return [-number if parts.negative else number for number in numbers]


def number_advice(text: str, *, decimal_comma: bool = False) -> str:
    """Advice with the `as:` that reads a text as a number, such as `write as: {decimal: ","}`; "" if the text has no
    digit.
    """
    parts = _take_apart(text)
    readings = list(_readings(parts.digits)) if parts is not None else []
    if parts is None or not readings:
        return "let the cell hold the number alone" if any(character.isdigit() for character in text) else ""
    if decimal_comma:
        readings = [(number, marks) for number, marks in readings if marks.get("decimal") == ","] or readings
    flags = [f"{name}: true" for name in sorted(parts.needs)]
    by_flags = _by_marks(parts.digits, As.model_validate(dict.fromkeys(parts.needs, True)), decimal_comma=False)
    written: list[str] = []
    for number, marks in readings:
        sure = not decimal_comma or parts.digits.isdigit()
        read_without = bool(flags) and number == by_flags and sure
        keys = [*flags, *(() if read_without else (f'{name}: "{mark}"' for name, mark in marks.items()))]
        meaning = f" if it means {_shown(number, parts)}" if len(readings) > 1 else ""
        written.append(f"as: {{{', '.join(keys)}}}{meaning}")
    return f"write {', or '.join(written)}"


def _shown(number: Decimal, parts: _Parts) -> str:
    text = f"{-number if parts.negative else number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quoted(text: str) -> str:
    """A text in quotes, cut if it is long."""
    return repr(text if len(text) <= _LARGEST_SHOWN else text[: _LARGEST_SHOWN - 1] + "…")
