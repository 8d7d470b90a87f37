"""Events as one message: grouped by what they are of, watermelons first, short enough for a chat."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from syncd.ledger import Event
from syncd.okr.words import count

_ORDER = ("watermelon", "health", "held", "failing")
_TITLES = {
    "watermelon": ("watermelon", "watermelons"),
    "health": ("change of health", "changes of health"),
    "held": ("held value", "held values"),
    "failing": ("failing source", "failing sources"),
}
_LINES = 30


def settled(events: Sequence[Event]) -> tuple[Sequence[Event], Sequence[Event]]:
    """The events that are still news, the newest of each subject; and those of subjects that are as they were before.

    A health that fell in the night and rose again by the morning is nothing to tell.
    """
    by_subject: dict[tuple[str, str, str], list[Event]] = {}
    for event in events:
        by_subject.setdefault((event.kind, event.period, event.subject), []).append(event)
    news = [found[-1] for found in by_subject.values() if (found[0].old or "no") != found[-1].new]
    over = [event for found in by_subject.values() if (found[0].old or "no") == found[-1].new for event in found]
    return news, over


def title(events: Sequence[Event]) -> str:
    """`syncd: 1 watermelon, 2 changes of health`."""
    kinds = [event.kind for event in events]
    parts = [f"{kinds.count(kind)} {_TITLES[kind][kinds.count(kind) != 1]}" for kind in _ORDER if kind in kinds]
    return f"syncd: {', '.join(parts)}"


def body(events: Sequence[Event], address: str | None) -> str:
    """The message as plain text, each objective's events under its title."""
    first: dict[str, int] = {}
    for event in events:
        place = _ORDER.index(event.kind)
        first[event.heading] = min(first.get(event.heading, place), place)
    ordered = sorted(events, key=lambda one: (first[one.heading], one.heading, _ORDER.index(one.kind), one.id))
    lines: list[str] = []
    for heading, group in groupby(ordered, key=lambda one: one.heading):
        lines += [*([""] if lines else []), heading, *(f"- {_inert(event.sentence)}" for event in group)]
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"and {count(len(lines) - _LINES, 'line')} more: `syncd status` has all of it"]
    return "\n".join([*lines, *(["", address] if address else [])])


def _inert(text: str) -> str:
    """Without what chats take for a call to everybody: texts come from sources, where anybody may have written them."""
    return text.replace("@", "@\N{ZERO WIDTH SPACE}").replace("<!", "<\N{ZERO WIDTH SPACE}!")
