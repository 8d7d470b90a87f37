"""A review in a few lines of plain text, as a notification carries it."""

from __future__ import annotations

from collections.abc import Iterator

from syncd.review import wording
from syncd.review.model import Move, Review
from syncd.status.verdicts import ordered

LONGEST = 1200
"""So many characters at most: what chats and mails show without folding."""

_MOVERS = 3
_QUESTIONS = 3


def brief(found: Review) -> str:
    """The headline, watermelons, what moved most and what to ask, in `LONGEST` characters; whole lines alone."""
    text = ""
    for line in _lines(found):
        if len(text) + len(line) + 1 > LONGEST:
            break
        text += f"{line}\n"
    return text.rstrip()


def _lines(found: Review) -> Iterator[str]:
    yield wording.title(found)
    yield from wording.headline(found)
    if (what := wording.empty(found)) is not None:
        yield what
    for one in found.watermelons:
        for link in ordered(one.block.alignment):
            if link.alignment.verdict == "watermelon":
                yield f"Watermelon: {link.brief}"
    for move in sorted(found.moves, key=_how_far, reverse=True)[:_MOVERS]:
        if _how_far(move):
            yield f"{move.line.key_result.id} {wording.movement(move, found)}"
    for question in found.questions[:_QUESTIONS]:
        yield f"? {question.text}"


def _how_far(move: Move) -> float:
    """How much of its way a key result moved, either way; 0 where that is not known."""
    if move.movement != "moved" or move.start is None or move.start.progress is None:
        return 0.0
    return abs((move.line.standing.progress or 0.0) - move.start.progress)
