"""What may be written at a target: nothing is written over what somebody else wrote."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from syncd.okr.words import count, number
from syncd.sdk import Content, Scalar, Written

Marks = Mapping[str, Sequence[Scalar]]
"""What syncd may have written at each place of a target itself, or was allowed to write over."""

_SHORT = 64  # characters of a text that is kept as it is; of a longer one its digest is
_EQUAL = 1e-9  # spreadsheets keep 15 digits


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be written, and what stands at the places that are left alone."""

    write: Content
    foreign: Content


def decide(stands: Content, wanted: Content, ours: Marks, *, override: bool) -> Decision:
    """Which places of a target are to be written, and which not, since something that syncd never wrote stands there.

    So the first write to a cell that holds something already is refused, and what a person wrote since is left alone.
    A place that holds nothing is free.
    """
    write: dict[str, Scalar | None] = {}
    foreign: dict[str, Scalar | None] = {}
    for place, value in wanted.items():
        now = stands.get(place)
        if _same(now, value):
            continue
        if now is None or override or any(_same(mark(now), one) for one in ours.get(place, ())):
            write[place] = value
        else:
            foreign[place] = now
    return Decision(write, foreign)


def over(place: str) -> str:
    """Under which name the header over a place is kept, beside what syncd wrote there."""
    return f"header of {place}"


def inherited(found: Written, wanted: Content, ours: Marks) -> Marks:
    """What syncd may have written, and at places that are new what it wrote under the same header elsewhere.

    That is a column that was moved, and whose new letter somebody has put into the configuration since.
    """
    known = dict(ours)
    for place in wanted:
        header = found.above.get(place)
        if place in ours or header is None:
            continue
        for was in ours:
            if was not in wanted and mark(header) in ours.get(over(was), ()):
                known[place] = ours[was]
    return known


def moved(found: Written, wanted: Content, ours: Marks) -> str | None:
    """Why none of these places is where it was; None where each is, or nobody can tell.

    A header that is not there any more was renamed, and its column is still the same.
    """
    stands = {mark(header): (header, where) for header, where in found.headers.items()}
    for place in wanted:
        for was in ours.get(over(place), ()):
            now = found.above.get(place)
            if was in stands and (now is None or mark(now) != was):
                header, where = stands[was]
                return f"its {place} was written under {header!r}, which is {where} now; correct that in publish:"
    return None


def mark(value: Scalar) -> Scalar:
    """What is kept of something at a target to know it again: a number, a short text, the digest of a long one."""
    if isinstance(value, int | float):
        return value
    text = _text(value)
    return text if len(text) <= _SHORT else f"sha256:{sha256(text.encode()).hexdigest()}"


def shown(value: Scalar | None) -> str:
    """What stands or is to stand at a place, in a few words: of a longer text only how long it is."""
    if value is None:
        return "nothing"
    if isinstance(value, int | float):
        return number(value)
    lines = value.strip().splitlines()
    return f"a text of {count(len(lines), 'line')}" if len(lines) > 1 or len(value) > _SHORT else repr(value)


def _same(one: Scalar | None, other: Scalar | None) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=_EQUAL, abs_tol=_EQUAL)
    if isinstance(one, str) and isinstance(other, str):
        return _text(one) == _text(other)
    return one is None and other is None


def _text(value: str) -> str:
    """Servers change line ends, and cut blanks at the end."""
    return "\n".join(line.rstrip() for line in value.replace("\r\n", "\n").strip().split("\n"))
