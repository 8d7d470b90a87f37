"""Recognizes what an English title expresses: work to do, a change, or the direction of a number.

The lists of words are short on purpose: a wrong warning costs more trust than a missing warning. A title in another
language matches nothing.
"""

from __future__ import annotations

import re
from typing import Literal

_WORK = (
    "attend automate build carry+out coach complete conduct configure consolidate create define deliver deploy develop "
    "discuss draft establish evaluate execute finish harvest hire identify implement install integrate introduce "
    "investigate kick+off kickstart launch map+and mentor migrate negotiate onboard organise organize perform prepare "
    "prototype publish recruit redesign refactor release replace rewrite rebuild roll+out schedule select set+up ship "
    "solicit talk+to teach translate user-test write analyse analyze apply+for benchmark choose"
)
"""Verbs that mean work if a title begins with them."""

_ALSO_NOUNS = (
    "audit call design document email e-mail film hold host interview map meet move open pilot plan post present "
    "record remove research review run send set survey test train upgrade visit"
)
"""Verbs of work that are also nouns. Such a word counts as a verb only if an object follows."""

_AND_ANOTHER = r"and (?!\w+ (?:rate|time)s?\b)\w+"
_OBJECT = (
    r"(?:(?:a|an|all|at least|both|each|every|existing|external|monthly|more|new|our|the|up to|weekly|budget|goals|"
    rf"targets|one|two|three|four|five|six|ten|{_AND_ANOTHER}|~?\d[\d.,]*k?)(?: |%|$))"
)
_COUNTED = (
    "appointments articles blog+posts calls campaigns commits customer+interviews demos deployments documents "
    "e-books emails events experiments features hires interviews meetings meetups minisite posts presentations "
    "pull+requests merge+requests releases sessions sets sprints stories test tests trainings videos webinars workshops"
)
"""Things that people make or do. A title that counts such things counts work."""
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
_LEADING_VERB = re.compile(rf"{_START}(?:\w+ team (?:to )?)?{_any(_ALSO_NOUNS)} {_OBJECT}")
_WORK_OF_A_TEAM = re.compile(rf"^(?:the )?\w+ (?:team|management) (?:to )?(?:{_any(_WORK)}|{_any(_ALSO_NOUNS)})")
_NUMBER_OF_WORK = re.compile(rf"{_START}(?:total )?(?:number|count) of (?:\w+ )?{_any(_COUNTED)}")
_SOME_WORK = re.compile(
    rf"{_START}\d[\d.,]*\+? (?:[\w&/-]+ ){{0,4}}{_any(_COUNTED)}(?: (?:from|of our|to understand)\b|$)"
)
_UPKEEP = re.compile(
    _START
    + rf"(?:{_any('maintain keep sustain hold guarantee')}|ensure\b.* (?:stays?|remains?)\b)"
    + r" .*\b(?:below|under|above|over|at|of|within|(?:less|more) than) (?:least |most |a |an )?"
    + rf"(?:least |most )?{_NUMBER}"
)
_BY_ITSELF = r"(?<!\bto )(?<!\bthat )(?<!\bwhich )\b"  # not as a purpose, as in: 12 experiments to grow sign-ups
_FALLING = re.compile(rf"{_BY_ITSELF}{_any(_FALL)}{_TO_NUMBER}|\w (?:falls|shrinks?)$|\bdown (?:from|to) {_NUMBER}")
_RISING = re.compile(rf"{_BY_ITSELF}{_any(_RISE)}{_TO_NUMBER}|\w (?:rises|grows?)$|\bup from {_NUMBER}")
_FEWER = re.compile(_START + r"(?:fewer|less) (?!than\b)")
_LEADING_DOWN = re.compile(_START + _any(_BRING_DOWN) + r"(?! (?:in|of)\b)")
_LEADING_UP = re.compile(_START + _any(_BRING_UP) + r"(?! (?:in|of)\b)")
_CHANGING = re.compile(_START + _any("increase reduce grow decrease boost halve") + r"(?! (?:in|of)\b)")
# `by` needs a percentage, because `by 12 December` is not a change.
_CHANGING_TO = re.compile(
    _START + _any("lower raise improve cut double") + rf".* (?:(?:from|to|below|under|above) {_NUMBER}|by \d+ ?%)"
)
_A_CHANGE_OF = re.compile(r"\b(?:growth|reduction|increase|decrease|improvement|drop|rise) (?:of|in)\b")
_REACHING = re.compile(rf"{_BY_ITSELF}(?:reach|reaches|stays?|exceeds?|succeeds?|doubles?|halves?|improves?)\b")
_SHARE = re.compile(r"\d ?%|\bpercent\b|\bhalf\b|\w in ten\b|\bevery\b|\ball\b")
_HOW_WELL = re.compile(r"\b(?:within|without|on time|in time|same day)\b")
_NOT = re.compile(r"\b(?:no|not|never|without)\b")


def says_work(title: str) -> bool:
    """Whether a title names a task, such as `Launch the portal`, but not `Launch conversion rises to 4 %`."""
    text = _plain(title)
    if says_upkeep(title):
        return False
    forms = (_LEADING_WORK, _LEADING_VERB, _WORK_OF_A_TEAM, _NUMBER_OF_WORK, _SOME_WORK)
    return any(form.search(text) for form in forms) and not (
        _moves(text)
        or _FROM_TO.search(text)
        or _A_CHANGE_OF.search(text)
        or _REACHING.search(text)
        or (_SHARE.search(text) and _HOW_WELL.search(text))
    )


def says_upkeep(title: str) -> bool:
    """Whether a title says to keep a number unchanged, such as `Maintain churn below 2 %`."""
    return _UPKEEP.search(_plain(title)) is not None


def says_change(title: str) -> bool:
    """Whether a title describes a change, such as `Churn falls to 3 %`, but not `12 experiments to reduce churn`."""
    text = _plain(title)
    return _moves(text) or any(form.search(text) for form in (_FEWER, _CHANGING, _CHANGING_TO))


def may_be_thousands(number: str, title: str, unit: str | None) -> bool:
    """Whether a number written like `4.000` may mean 4000: the title has the same digits, or the digits end with 0."""
    whole, _, rest = number.lstrip("+-").partition(".")
    if re.search(rf"\b{whole}\.{rest} ?%|\b0\.\d", title) or unit == "%":
        return False
    in_title = re.search(rf"(?<![\d.,]){whole}[., \u00a0\u202f'’]?{rest}(?![\d]|[.,]\d)", title)
    return bool(in_title) or number.endswith("0")


def _moves(text: str) -> bool:
    return bool(_FALLING.search(text) or _RISING.search(text))


def direction(title: str) -> Literal["up", "down"] | None:
    """The direction in which the number moves according to the title; None if the title names no direction, or both."""
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
    numbers = _named_numbers(text)
    if numbers is None:
        return None
    before, after = numbers
    return "down" if before > after else "up"


def from_to(title: str) -> tuple[float, float] | None:
    """The two numbers of `from 5 % to 3 %`; None if the title names none, or if they may have different units."""
    return _named_numbers(_plain(title))


def _named_numbers(text: str) -> tuple[float, float] | None:
    match = _FROM_TO.search(text)
    if not match:
        return None
    first, unit, last, rest = match.groups()
    if _YEAR.fullmatch(first) and _YEAR.fullmatch(last):
        return None
    if (unit.strip() and not rest.strip().startswith(unit.strip())) or (not unit and re.match(r"[a-z]", rest)):
        return None
    before, after = _number(first), _number(last)
    return None if before is None or after is None or before == after else (before, after)


def _number(text: str) -> float | None:
    """A number in English notation, such as `1,200` or `1.5`. None for any other text, and for `1.200`, which may mean
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
