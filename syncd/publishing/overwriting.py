"""Decides what syncd may write to a target. By default, syncd does not overwrite content that somebody else wrote."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256

from syncd.ledger.outbox import Marks, merged
from syncd.okr.words import count
from syncd.sdk import Content, Scalar, Written
from syncd.sdk.figures import full_number

_SHORT = 64  # characters: a longer text is kept as a digest
_EQUAL = 1e-9  # spreadsheets keep 15 digits
_PERIOD_OF = "period of "


@dataclass(frozen=True, slots=True)
class Decision:
    """The content to write, and the content of somebody else at places that syncd does not change (`foreign`)."""

    write: Content
    foreign: Content


def decide(current: Content, wanted: Content, ours: Marks, *, override: bool) -> Decision:
    """Decides for each place of a target whether syncd writes to it. Without `override`, syncd does not write to a
    place with foreign content.

    For example, syncd refuses its first write to a cell that is not empty, and does not overwrite text that a person
    has written since the last write. syncd may always write to an empty place.
    """
    write: dict[str, Scalar | None] = {}
    foreign: dict[str, Scalar | None] = {}
    for place, value in wanted.items():
        now = current.get(place)
        if _same(now, value):
            continue
        if now is None or override or any(_same(mark(now), earlier) for earlier in ours.get(place, ())):
            write[place] = value
        else:
            foreign[place] = now
    return Decision(write, foreign)


def header_mark(place: str) -> str:
    """The key in `Marks` for the header above a place. Only the newest header counts."""
    return f"header of {place}"


def period_mark(place: str) -> str:
    """The key in `Marks` for the period whose statement syncd wrote at a place. Only the newest period counts."""
    return f"{_PERIOD_OF}{place}"


def is_period_mark(name: str) -> bool:
    """Whether a key in `Marks` is the key for a period."""
    return name.startswith(_PERIOD_OF)


def holds_another_period(place: str, period: str, ours: Marks) -> bool:
    """Whether syncd wrote the content of a place for a period other than `period`."""
    return any(earlier != period for earlier in ours.get(period_mark(place), ())[-1:])


def left_places(written: Written, wanted: Content, ours: Marks) -> Mapping[str, str]:
    """Maps each former place to the place that is now under its header, for example after somebody has moved a column
    and corrected its letter in the configuration, or written its header instead.
    """
    under = {mark(header): place for place, header in written.above.items()}
    headers = {old: ours.get(header_mark(old), ())[-1:] for old in ours if old not in wanted}
    return {old: under[header[0]] for old, header in headers.items() if header and header[0] in under}


def inherited(left: Mapping[str, str], ours: Marks) -> Marks:
    """The marks, extended by those of the former places in `left`: each place gets those of its former place."""
    marks = dict(ours)
    for old, place in left.items():
        marks = merged({place: ours[old], period_mark(place): ours.get(period_mark(old), ())}, marks)
    return marks


def without(left: Collection[str], ours: Marks) -> Marks:
    """The marks without those of places that syncd has left. Otherwise, a place to which syncd returns would have these
    old marks instead of those of the place where syncd wrote since.
    """
    gone = {name for place in left for name in (place, header_mark(place), period_mark(place))}
    return {name: content for name, content in ours.items() if name not in gone}


def moved(written: Written, wanted: Content, ours: Marks) -> str | None:
    """The message that a place has moved; None if no place has moved, or if syncd cannot tell.

    If the target no longer has the header that was above the place, the header was renamed; the column then counts as
    not moved.
    """
    headers = {mark(header): (header, where) for header, where in written.headers.items()}
    for place in wanted:
        for old in ours.get(header_mark(place), ())[-1:]:
            now = written.above.get(place)
            if old in headers and (now is None or mark(now) != old):
                header, where = headers[old]
                return f"its {place} was written under {header!r}, which is {where} now; correct that in publish:"
    return None


def mark(value: Scalar) -> Scalar:
    """The form in which syncd stores a value to recognize the value later: a number, a short text, or the digest of a
    long text.
    """
    if isinstance(value, int | float):
        return value
    text = _text(value)
    return text if len(text) <= _SHORT else f"sha256:{sha256(text.encode()).hexdigest()}"


def shown(value: Scalar | None) -> str:
    """The content of a place as text for messages. For a long text, the result has only its number of lines."""
    if value is None:
        return "nothing"
    if isinstance(value, int | float):
        return full_number(value)
    lines = value.strip().splitlines()
    return f"a text of {count(len(lines), 'line')}" if len(lines) > 1 or len(value) > _SHORT else repr(value)


def _same(first: Scalar | None, second: Scalar | None) -> bool:
    if isinstance(first, int | float) and isinstance(second, int | float):
        return math.isclose(first, second, rel_tol=_EQUAL, abs_tol=_EQUAL)
    if isinstance(first, str) and isinstance(second, str):
        return _text(first) == _text(second)
    return first is None and second is None


def _text(value: str) -> str:
    """The text with uniform line ends, without blanks at the ends of lines, because servers change these."""
    return "\n".join(line.rstrip() for line in value.replace("\r\n", "\n").strip().split("\n"))
