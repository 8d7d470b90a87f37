"""The text of a message about events, grouped by objective. Watermelons come first, and the text is short enough for a
chat.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from syncd.config.advised_commands import for_workspace
from syncd.ledger import Event
from syncd.notifying.inert import inert
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
    """Two lists: the newest event of each changed subject, to be sent; and the events of subjects that have returned to
    their former state.

    For example, there is no message about a health that fell at night and rose again by the morning.
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
    """The title of a message, such as `syncd: 1 watermelon, 2 changes of health`."""
    kinds = [event.kind for event in events]
    parts = [f"{kinds.count(kind)} {_TITLES[kind][kinds.count(kind) != 1]}" for kind in _ORDER if kind in kinds]
    return f"syncd: {', '.join(parts)}"


def body(events: Sequence[Event], address: str | None, most: int, workspace: str | None = None) -> str:
    """The message as plain text of at most `most` characters. The events of an objective follow its title.

    If not all lines fit, a line says how many were left out. Commands in the text name the workspace.
    """
    first: dict[str, int] = {}
    for event in events:
        place = _ORDER.index(event.kind)
        first[event.heading] = min(first.get(event.heading, place), place)
    ordered = sorted(
        events, key=lambda event: (first[event.heading], event.heading, _ORDER.index(event.kind), event.id)
    )
    lines: list[str] = []
    for heading, group in groupby(ordered, key=lambda event: event.heading):
        lines += [
            *([""] if lines else []),
            inert(heading),
            *(f"- {for_workspace(inert(event.sentence), workspace)}" for event in group),
        ]
    return cut(lines, ["", address] if address else [], most, workspace)


def within(text: str, most: int) -> str:
    """As many of the first lines of a text as fit into `most` characters, each made inert."""
    kept: list[str] = []
    for line in map(inert, text.splitlines()):
        if length("\n".join([*kept, line])) > most:
            break
        kept.append(line)
    return "\n".join(kept) if kept else shortened(inert(text), most)


def cut(lines: Sequence[str], ending: Sequence[str], most: int, workspace: str | None = None) -> str:
    """A text of at most `most` characters: complete lines, the number of lines that were left out, and the ending."""
    kept = list(lines[:_LINES])
    while True:
        left_out = sum(map(bool, lines[len(kept) :]))
        all_of_it = f"and {count(left_out, 'line')} more: `syncd status` has all of it"
        more = [for_workspace(all_of_it, workspace)] if left_out else []
        text = "\n".join([*kept, *more, *ending])
        if length(text) <= most:
            return text
        if not kept:
            return shortened(next((line for line in lines if line.startswith("-")), text), most)
        kept.pop()
        while kept and not kept[-1].startswith("-"):  # no heading without its events
            kept.pop()


def length(text: str) -> int:
    """The number of characters as most services count them: in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def shortened(text: str, most: int) -> str:
    """The text, cut to at most `most` characters; an ellipsis replaces the rest."""
    if length(text) <= most:
        return text
    kept = text[: max(most - 1, 0)]
    while kept and length(kept) > most - 1:
        kept = kept[:-1]
    return f"{kept}…" if most > 0 else ""
