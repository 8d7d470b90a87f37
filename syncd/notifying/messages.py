"""The text of a message about events: grouped by objective, watermelons first, short enough for a chat."""

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
    """The events to send, the newest of each subject; and the events of subjects that are back in their former state.

    Nobody is notified of a health that fell in the night and rose again by the morning.
    """
    by_subject: dict[tuple[str, str, str], list[Event]] = {}
    for event in events:
        by_subject.setdefault((event.kind, event.period, event.subject), []).append(event)
    lasting: list[Event] = []
    undone: list[Event] = []
    for changes in by_subject.values():
        if (changes[0].old or "no") != changes[-1].new:
            lasting.append(changes[-1])
        else:
            undone += changes
    return lasting, undone


def title(events: Sequence[Event]) -> str:
    """The title, such as `syncd: 1 watermelon, 2 changes of health`."""
    kinds = [event.kind for event in events]
    parts = [f"{kinds.count(kind)} {_TITLES[kind][kinds.count(kind) != 1]}" for kind in _ORDER if kind in kinds]
    return f"syncd: {', '.join(parts)}"


def body(events: Sequence[Event], address: str | None) -> str:
    """The message as plain text, each objective's events under its title."""
    first: dict[str, int] = {}
    for event in events:
        place = _ORDER.index(event.kind)
        first[event.heading] = min(first.get(event.heading, place), place)
    ordered = sorted(
        events, key=lambda event: (first[event.heading], event.heading, _ORDER.index(event.kind), event.id)
    )
    lines: list[str] = []
    for heading, group in groupby(ordered, key=lambda event: event.heading):
        lines += [*([""] if lines else []), heading, *(f"- {_inert(event.sentence)}" for event in group)]
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"and {count(len(lines) - _LINES, 'line')} more: `syncd status` has all of it"]
    return "\n".join([*lines, *(["", address] if address else [])])


def _inert(text: str) -> str:
    """The text with mentions such as `@channel` broken up: it comes from sources, where anybody may write."""
    return text.replace("@", "@\N{ZERO WIDTH SPACE}").replace("<!", "<\N{ZERO WIDTH SPACE}!")
