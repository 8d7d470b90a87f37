"""Advises what to write in a mapping file where a text is in the place of a number."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from syncd.config.scalars import plain_scalar
from syncd.sdk.number_texts import possible_numbers

_ANY = "write a number such as 4000 or 42.5"
_LEADING = re.compile(
    r"(?:(?P<at_least>>=?|≥|at least|over|above|more than|min\.?)"
    r"|(?P<at_most><=?|≤|at most|under|below|less than|max\.?|up to)"
    r"|=|~|≈|about|approx\.?|ca\.?|around) *",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"(?P<before>[^\d+().,%-]{0,4}?) *(?P<number>[+-]?\d(?:.*?\d)?) *"
    r"(?:(?P<factor>thousand|million|billion|mio\.?|mn|bn|k|M)(?![a-z]))? *(?P<unit>[^\d]{0,20})"
)
_FACTORS = {
    **dict.fromkeys(("k", "thousand"), 1_000),
    **dict.fromkeys(("M", "mn", "mio", "million"), 1_000_000),
    **dict.fromkeys(("bn", "billion"), 1_000_000_000),
}
_PLAIN_UNIT = re.compile(r"[\w€$£¥][\w€$£¥ ./-]*")
_MARKS = re.compile(r"[+\d.,' \u00a0\u202f()-]+")


def instead_of(text: str, *, share: bool = False, bound: bool = False, unit: bool = True) -> str:
    """What to write instead of a text, such as `write 4000`.

    `share` says that the number is a share of 1. `bound` says that the number is itself a bound; the advice then names
    no other key for bounds. `unit` says whether the number is in the unit of its key result; if it is not, the advice
    names no key for a unit.
    """
    advised = _unit if unit else _no_unit
    text = text.strip()
    if leading := _LEADING.match(text):
        advice = instead_of(text[leading.end() :], share=share, bound=True, unit=unit)
        side = leading.lastgroup
        if side is None or bound or share or advice == _ANY:
            return advice
        number = re.split("[,;]", advice.removeprefix("write "))[0]
        return f"{advice}; for a bound to stay within, write keep: {{{side}: {number}}}"
    if numbers := possible_numbers(text):
        if text.rstrip(") ").endswith("%"):
            return f"write {_plain(numbers[0] / 100)}" if share else f"write {_plain(numbers[0])}{advised('%')}"
        other = f", or {_plain(numbers[1])} if the mark is a decimal one" if len(numbers) > 1 else ""
        return f"write {_plain(numbers[0])}{other}{advised(_MARKS.sub('', text))}"
    match = _AMOUNT.fullmatch(text)
    amounts = possible_numbers(match["number"]) if match else []
    if match is None or not amounts:
        return _ANY
    name, factor = match["before"].strip() or match["unit"].strip("+ "), match["factor"]
    if factor is None:
        return f"write {_plain(amounts[0])}{advised(name)}"
    whole = _plain(amounts[0] * _FACTORS[factor.rstrip(".")])
    return f"write {whole}{advised(name)}" + (f"; or {_plain(amounts[0])}{_unit(factor + name)}" if unit else "")


def _unit(name: str) -> str:
    is_plain = _PLAIN_UNIT.fullmatch(name) and plain_scalar(name) == name
    return f", and unit: {name if is_plain else json.dumps(name, ensure_ascii=False)}" if name else ""


def _no_unit(name: str) -> str:
    return ""


def _plain(number: Decimal) -> str:
    """A number as YAML writes it, without an exponent and without trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
