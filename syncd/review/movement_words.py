"""Describes a movement in words: the old and the new number, and the records and readings that caused the movement."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from syncd.okr.checkins import made_by
from syncd.okr.goals import Band, KeyResult
from syncd.okr.words import HEALTH_WORDS, change, day, goal, is_counted, percent, progress_figure, value_figure, whole
from syncd.review.model import Cause, Move, Review
from syncd.sdk.language import gettext as _
from syncd.sdk.language import ngettext

SHOWN = 3
"""The most records that are named for a movement, and the most key results that are named for a change."""


def movement(move: Move, review: Review) -> str:
    """How a number moved, without the key result's id: `1,110 → 1,092 calls/week, 15 % → 18 %, off track`."""
    line, kr, start = move.line, move.line.key_result, move.start
    health = _(HEALTH_WORDS[line.standing.health])
    if move.movement in ("new", "remeasured") or start is None:
        return f"{amount(value_figure(kr, line.value), kr)}{_progress(None, move)}, {health}"
    values = amount(arrow(value_figure(kr, start.value), value_figure(kr, line.value)), kr)
    since = ""
    if start.source != "baseline" and start.day != review.days.before:
        since = f" {_('since %(day)s', day=day(start.day))}"
    old = None if start.source == "baseline" else percent(start.progress, start.bounds)
    return f"{values}{since}{_progress(old, move)}, {health}"


def _progress(old: str | None, move: Move) -> str:
    if isinstance(move.line.key_result.goal, Band) or move.line.standing.progress is None:
        return ""
    return f", {arrow(old, progress_figure(move.line.standing))}"


def not_comparable(move: Move) -> str:
    """The reason why a number has no movement: it is now measured differently."""
    assert move.start is not None
    edits = [str(edit) for edit in move.edits if edit.key.startswith("measure")]
    before = value_figure(move.line.key_result, move.start.value)
    if not edits:
        return _("not comparable, its measure was edited; by the one before it was %(before)s", before=before)
    return _(
        "not comparable, its measure was edited (%(edits)s); by the one before it was %(before)s",
        edits="; ".join(edits),
        before=before,
    )


def arrow(old: str | None, new: str) -> str:
    """A text such as `15 % → 18 %`; only the new text if there is no old text, or if both are the same."""
    return new if old in (None, new, "–") else change(old, new)


def amount(value: str, kr: KeyResult) -> str:
    """A value with its target or unit, such as `33 of 40` or `1,092 calls/week`."""
    if is_counted(kr):
        return f"{value} {goal(kr)}"
    return f"{value} {kr.unit}" if kr.unit else value


def causes_words(move: Move, review: Review) -> str | None:
    """The causes of a movement in words, with the labels of a few records; None if the causes are unknown."""
    if move.line.key_result.measure is None:
        of_the_days = [checkin for name, checkin in review.checkins if name == move.line.key_result.id]
        every = [move.line.checkin, *of_the_days] if move.line.checkin else of_the_days
        checkin = made_by(every, move.line.as_of)  # None if the value was measured before the measure was removed
        return _("Checked in by %(person)s", person=checkin.by) if checkin else None
    parts = [*_groups(move, review)]
    if move.causes.aged:
        parts.append(_("%(num)s fell out of the window", num=whole(move.causes.aged)))
    return "; ".join(parts) or None


def _groups(move: Move, review: Review) -> Iterator[str]:
    order = sorted(move.causes.rows, key=lambda cause: (cause.part or "", "+o-~".index(cause.sign)))
    for (part, sign), group in groupby(order, key=lambda cause: (cause.part, cause.sign)):
        same = list(group)
        of = f"{part} " if part else ""
        many = whole(len(same))
        counted = {"+": f"+{many}", "-": f"-{many}", "o": _("%(num)s new and open", num=many), "~": ""}[sign]
        if review.whole and len(same) > SHOWN and sign == "+":  # for a whole quarter, a few names would tell nothing
            if same[0].reading:
                yield of + ngettext("%(num)s reading", "%(num)s readings", len(same))
            else:
                yield of + ngettext("%(num)s record", "%(num)s records", len(same))
            continue
        names = ", ".join(_cause(cause, move, review) for cause in same[:SHOWN])
        if len(same) > SHOWN:
            names = _("%(names)s and %(num)s more", names=names, num=whole(len(same) - SHOWN))
        alone = not counted or (sign == "+" and same[0].reading and len(same) == 1)
        yield f"{of}{names}" if alone else f"{of}{counted}: {names}"


def _cause(cause: Cause, move: Move, review: Review) -> str:
    kr = move.line.key_result
    name = cause.label
    if cause.at and cause.reading:
        name = _("%(reading)s of %(day)s", reading=name, day=day(cause.at.astimezone(review.period.zone)))
    restated = f" ({_('restated: %(reason)s', reason=cause.why)})" if cause.why else ""
    if cause.sign == "~":
        return f"{name} {change(_brings(kr, cause.was), _brings(kr, cause.brings))}{restated}"
    brings = "" if cause.reading or cause.brings in (None, "0", "1") else f" ({_brings(kr, cause.brings)})"
    return f"{name}{brings}{restated}"


def _brings(kr: KeyResult, text: str | None) -> str:
    try:
        return value_figure(kr, float(text or ""))
    except ValueError:
        return text or _("none")
