"""Writes the statement of a key result as a few short lines of plain text, for comments and issue bodies."""

from __future__ import annotations

from dataclasses import replace

from syncd.sdk.figures import full_number, number, percent
from syncd.sdk.publishing import Stated, Statement

SHOWN: frozenset[Stated] = frozenset({
    "title", "unit", "value", "baseline", "target", "progress",
    "health", "quality", "reason", "confidence", "note", "as_of", "evidence",
})  # fmt: skip
"""The fields of a statement whose change causes its lines to be written again. The lines also show `expected`. A change
of `expected` causes no write, because it changes every day.
"""


def lines(statement: Statement) -> list[str]:
    """The lines of a statement, without markup: the key result's title, its state, and each remark.

    An unknown number is written as `unknown`. Each text that a person wrote is joined into one line. These texts are
    not escaped: a publisher that writes markup must escape them.
    """
    shown = [_single(statement.title), _standing(statement)]
    if statement.target is not None:
        goal = f"{full_number(statement.baseline, 'unknown')} → {full_number(statement.target)}{_unit(statement)}"
        shown.append(f"goal: {goal}")
    if statement.quality not in ("complete", "unknown"):
        shown.append(statement.quality + (f": {_single(statement.reason)}" if statement.reason else ""))
    elif statement.reason:
        shown.append(_single(statement.reason))
    if statement.confidence is not None:
        shown.append(f"confidence {percent(statement.confidence)}")
    if statement.note:
        shown.append(f"note: {_single(statement.note)}")
    if statement.as_of is not None:
        shown.append(f"as of {statement.as_of:%Y-%m-%d %H:%M}")
    if statement.evidence:
        shown.append(f"why: {statement.evidence}")
    return shown


COMMENTED: frozenset[Stated] = SHOWN - {"title", "quality", "reason", "as_of"}
"""The fields that `comment` shows."""


def comment(statement: Statement) -> str:
    """The text that accompanies the number of a check-in, for services that keep every check-in.

    The text omits everything that a failed pull or a new day would change.
    """
    lasting = replace(statement, expected=None, quality="complete", reason=None, as_of=None)
    return "\n".join(lines(lasting)[1:])


def health(statement: Statement) -> str:
    """The key result's health in words, for use within a sentence: `off track`."""
    return statement.health.replace("_", " ")


def _standing(statement: Statement) -> str:
    if statement.value is None:
        where = "value unknown"
    elif statement.progress is None:
        where = f"{_value(statement)}, progress unknown"
    else:
        where = f"{_value(statement)}, {percent(statement.progress, statement.progress_bounds)} of the way"
    expected = "" if statement.expected is None else f" ({percent(statement.expected)} expected)"
    return f"{where}{expected}: {'health unknown' if statement.health == 'unknown' else health(statement)}"


def _value(statement: Statement) -> str:
    return f"{number(statement.value, bounds=statement.value_bounds)}{_unit(statement)}"


def _unit(statement: Statement) -> str:
    return f" {_single(statement.unit)}" if statement.unit else ""


def _single(text: str) -> str:
    return " ".join(text.split())
