"""A statement as a few short lines of plain text: what comments and the bodies of issues share."""

from __future__ import annotations

from dataclasses import replace

from syncd.sdk.figures import number, percent
from syncd.sdk.publishing import Stated, Statement

SHOWN: frozenset[Stated] = frozenset({
    "title", "unit", "value", "baseline", "target", "progress",
    "health", "quality", "reason", "confidence", "note", "as_of", "evidence",
})  # fmt: skip
"""What of a statement `lines` is written anew for. It says what is expected too: a day that passes is no reason."""


def lines(said: Statement) -> list[str]:
    """Its title, where it stands, and what else there is to say; each on a line of its own, without markup.

    A number that is not known is `unknown`. Texts of people are cut to one line each, and are theirs: who writes them
    into markup makes them inert.
    """
    found = [_one_line(said.title), _standing(said)]
    if said.target is not None:
        found.append(f"goal: {number(said.baseline, 'unknown')} → {number(said.target)}{_unit(said)}")
    if said.quality not in ("complete", "unknown"):
        found.append(said.quality + (f": {_one_line(said.reason)}" if said.reason else ""))
    elif said.reason:
        found.append(_one_line(said.reason))
    if said.confidence is not None:
        found.append(f"confidence {percent(said.confidence)}")
    if said.note:
        found.append(f"note: {_one_line(said.note)}")
    if said.as_of is not None:
        found.append(f"as of {said.as_of:%Y-%m-%d %H:%M}")
    if said.evidence:
        found.append(f"why: {said.evidence}")
    return found


COMMENTED: frozenset[Stated] = SHOWN - {"title", "quality", "reason", "as_of"}
"""What `comment` says of a statement."""


def comment(said: Statement) -> str:
    """What a check-in says beside its number, where each one stays: nothing that a failed pull or a day changes."""
    lasting = replace(said, expected=None, quality="complete", reason=None, as_of=None)
    return "\n".join(lines(lasting)[1:])


def health(said: Statement) -> str:
    """Its health in words, for within a sentence: `off track`."""
    return said.health.replace("_", " ")


def _standing(said: Statement) -> str:
    if said.value is None:
        where = "value unknown"
    elif said.progress is None:
        where = f"{number(said.value)}{_unit(said)}, progress unknown"
    else:
        where = f"{number(said.value)}{_unit(said)}, {percent(said.progress)} of the way"
    hoped = "" if said.expected is None else f" ({percent(said.expected)} expected)"
    return f"{where}{hoped}: {'health unknown' if said.health == 'unknown' else health(said)}"


def _unit(said: Statement) -> str:
    return f" {_one_line(said.unit)}" if said.unit else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
