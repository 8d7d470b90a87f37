"""What an English title expresses: work to do, a change, or the direction of a number.

The lists of words are short on purpose: a wrong warning loses more trust than a missing one. A title in another
language matches nothing.
"""

from __future__ import annotations

import re
from typing import Literal

_WORK = (
    "build complete create deliver deploy develop finish implement introduce launch migrate publish release roll+out "
    "set+up ship write"
)
_FALL = "fall falls drop drops decrease decreases decline declines shrink shrinks"
_RISE = "rise rises grow grows increase increases climb climbs"
_BRING_DOWN, _BRING_UP = "reduce decrease halve lower", "increase grow raise double"


def _any(words: str) -> str:
    return rf"(?:{'|'.join(words.split())})(?![-\w])".replace("+", " ")


_START = r"^(?:(?:kr ?)?\d+[:.)] *)?(?:(?:we|to|fully|successfully) )*"
_NUMBER = r"[~€$£+]?(-?\d[\d.,]*)"
_TO_NUMBER = rf" (?:from|to|by|below|under|above|over) (?:about |at least |at most )?{_NUMBER}"
_FROM_TO = re.compile(rf"\bfrom {_NUMBER}(.*?) to {_NUMBER}(.*)")
_YEAR = re.compile(r"20\d\d")

_LEADING_WORK = re.compile(
    _START + _any(_WORK) + r"(?! (?:rate|times?|size|costs?|notes|quality|frequency|stability|conversion)\b)"
)
_BY_ITSELF = r"(?<!\bto )(?<!\bthat )(?<!\bwhich )\b"  # not the purpose of some work: 12 experiments to grow sign-ups
_FALLING = re.compile(rf"{_BY_ITSELF}{_any(_FALL)}{_TO_NUMBER}|\w (?:falls|shrinks?)$|\bdown (?:from|to) {_NUMBER}")
_RISING = re.compile(rf"{_BY_ITSELF}{_any(_RISE)}{_TO_NUMBER}|\w (?:rises|grows?)$|\bup from {_NUMBER}")
_FEWER = re.compile(_START + r"(?:fewer|less) (?!than\b)")
_LEADING_DOWN = re.compile(_START + _any(_BRING_DOWN) + r"(?! (?:in|of)\b)")
_LEADING_UP = re.compile(_START + _any(_BRING_UP) + r"(?! (?:in|of)\b)")
_CHANGING = re.compile(_START + _any("increase reduce grow decrease boost halve") + r"(?! (?:in|of)\b)")
# `by` needs a percentage: by 12 December is no change.
_CHANGING_TO = re.compile(
    _START + _any("lower raise improve cut double") + rf".* (?:(?:from|to|below|under|above) {_NUMBER}|by \d+ ?%)"
)
_A_CHANGE_OF = re.compile(r"\b(?:growth|reduction|increase|decrease|improvement|drop|rise) (?:of|in)\b")
_REACHING = re.compile(rf"{_BY_ITSELF}(?:reach|reaches|stays?|exceeds?|succeeds?|doubles?|halves?|improves?)\b")
_SHARE = re.compile(r"\d ?%|\bpercent\b|\bhalf\b|\w in ten\b|\bevery\b|\ball\b")
_HOW_WELL = re.compile(r"\b(?:within|without|on time|in time|same day)\b")
_NOT = re.compile(r"\b(?:no|not|never|without)\b")


def says_work(title: str) -> bool:
    """Whether a title names a task: `Launch the portal` does, `Launch conversion rises to 4 %` does not."""
    text = _plain(title)
    return bool(_LEADING_WORK.search(text)) and not (
        _moves(text)
        or _FROM_TO.search(text)
        or _A_CHANGE_OF.search(text)
        or _REACHING.search(text)
        or (_SHARE.search(text) and _HOW_WELL.search(text))
    )


def says_change(title: str) -> bool:
    """Whether a title describes the change of a number: `Churn falls to 3 %` does, `12 experiments to reduce churn`
    does not.
    """
    text = _plain(title)
    return _moves(text) or any(form.search(text) for form in (_FEWER, _CHANGING, _CHANGING_TO))


def may_be_thousands(number: str, title: str, unit: str | None) -> bool:
    """Whether a number written as `4.000` may mean 4000: its title has it too, or nobody would write it so."""
    whole, _, rest = number.lstrip("+-").partition(".")
    if re.search(rf"\b{whole}\.{rest} ?%|\b0\.\d", title) or unit == "%":
        return False
    in_title = re.search(rf"(?<![\d.,]){whole}[., \u00a0\u202f'’]?{rest}(?![\d]|[.,]\d)", title)
    return bool(in_title) or number.endswith("0")


def _moves(text: str) -> bool:
    return bool(_FALLING.search(text) or _RISING.search(text))


def direction(title: str) -> Literal["up", "down"] | None:
    """The direction in which the title says that the number moves; None if the title names no direction, or both."""
    text = _plain(title)
    if _NOT.search(text):
        return None
    if way := _by_numbers(text):
        return way
    down = any(form.search(text) for form in (_FALLING, _FEWER, _LEADING_DOWN))
    up = any(form.search(text) for form in (_RISING, _LEADING_UP))
    if down is up:
        return None
    return "down" if down else "up"


def _by_numbers(text: str) -> Literal["up", "down"] | None:
    """The direction of `from 1,200 to 600`; None if the numbers may have different units, or are years."""
    match = _FROM_TO.search(text)
    if not match:
        return None
    first, unit, last, rest = match.groups()
    if _YEAR.fullmatch(first) and _YEAR.fullmatch(last):
        return None
    if (unit.strip() and not rest.strip().startswith(unit.strip())) or (not unit and re.match(r"[a-z]", rest)):
        return None
    before, after = _number(first), _number(last)
    if before is None or after is None or before == after:
        return None
    return "down" if before > after else "up"


def _number(text: str) -> float | None:
    """A number as English writes it, such as `1,200` or `1.5`; None for any other text, and for `1.200`, which may be
    1200.
    """
    text = text.rstrip(".,")
    if re.fullmatch(r"-?[1-9]\d{0,2}(\.\d{3})+", text):
        return None
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", text):
        text = text.replace(",", "")
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def _plain(title: str) -> str:
    return " ".join(title.lower().split())
