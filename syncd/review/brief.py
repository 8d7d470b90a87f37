"""Makes a few lines of plain text from a review, for a notification and for the top of the review's page."""

from __future__ import annotations

from collections.abc import Iterator

from syncd.review import wording
from syncd.review.model import Move, Review
from syncd.review.movement_words import movement
from syncd.sdk.language import gettext as _
from syncd.sdk.language import ngettext
from syncd.status.verdicts import ordered

LONGEST = 1200
"""The most characters of a brief. Chats and mails show a text of this length without folding it."""

_MOVERS = 3
_QUESTIONS = 3


def brief(review: Review) -> str:
    """The headline, the watermelons, the largest movements and the questions, in complete lines and at most `LONGEST`
    characters.
    """
    text = ""
    for line in _lines(review):
        if len(text) + len(line) + 1 > LONGEST:
            break
        text += f"{line}\n"
    return text.rstrip()


def top_lines(review: Review) -> list[str]:
    """The review in at most five lines: the headline, the watermelons, the largest movements, and the first
    question.
    """
    links = [link for objective in review.watermelons for link in ordered(objective.block.alignment)]
    watermelons = [link for link in links if link.alignment.verdict == "watermelon"]
    lines = [*wording.headline(review)]
    if watermelons:
        more = len(watermelons) - 1
        rest = f" {ngettext('%(num)s watermelon more.', '%(num)s watermelons more.', more)}" if more else ""
        lines.append(_("Watermelon: %(reason)s", reason=watermelons[0].brief) + rest)
    farthest = max(review.moves, key=_how_far, default=None)
    if farthest is not None and _how_far(farthest):
        parts = {"name": farthest.line.key_result.id, "movement": movement(farthest, review)}
        lines.append(_("%(name)s moved most: %(movement)s.", **parts))
    lines += [_("To ask first: %(question)s", question=question.text) for question in review.questions[:1]]
    return lines


def _lines(review: Review) -> Iterator[str]:
    yield wording.title(review)
    yield from wording.headline(review)
    if (hint := wording.nothing_pulled(review.report)) is not None:
        yield hint
    for objective in review.watermelons:
        for link in ordered(objective.block.alignment):
            if link.alignment.verdict == "watermelon":
                yield f"Watermelon: {link.brief}"
    for move in sorted(review.moves, key=_how_far, reverse=True)[:_MOVERS]:
        if _how_far(move):
            yield f"{move.line.key_result.id} {movement(move, review)}"
    for question in review.questions[:_QUESTIONS]:
        yield f"? {question.text}"


def _how_far(move: Move) -> float:
    """How far a key result moved between baseline and target, in either direction, as a share of the way; 0 if
    unknown.
    """
    if move.movement != "moved" or move.start is None or move.start.progress is None:
        return 0.0
    return abs((move.line.standing.progress or 0.0) - move.start.progress)
