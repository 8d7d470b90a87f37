"""A review as Markdown that reads well as it stands, in a terminal of 80 columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import wrap

from syncd.review import wording
from syncd.review.model import ObjectiveReview, Review

_WIDTH = 80
_SPECIAL = re.compile(r"[\\*<~`]|\](?=\()|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])")
_CODE = re.compile(r"(`[^`]*`)")
_BLOCK = re.compile(r"(?:#{1,6}|[-+*>]|=+|\d+[.)])(?=\s|$)|-{3,}|~{3,}|`{3,}")


def markdown(found: Review) -> str:
    """The whole review."""
    return "\n".join(_lines(found)) + "\n"


def escaped(text: str) -> str:
    """A text of somebody's so that Markdown shows it as it is."""
    return _SPECIAL.sub(lambda special: f"\\{special[0]}", text)


def _lines(found: Review) -> Iterator[str]:
    yield _one_line(f"# {escaped(wording.title(found))}")
    yield ""
    for line in wording.headline(found):
        yield from _wrapped(line)
    if (what := wording.empty(found)) is not None:
        yield ""
        yield from _wrapped(what)
    for one in found.objectives:
        yield from _objective(one, found)
    yield from _section(
        "Stale, held or unknown",
        [f"**{', '.join(one.key_results)}**: {_said(wording.attention(one))}" for one in found.attention],
    )
    yield from _section("Definition changes", [escaped(wording.change(one, found)) for one in found.changes])
    yield from _section("Said by people", [escaped(wording.checkin(*one, found)) for one in found.checkins])
    if found.whole and (names := wording.carried_over(found)):
        yield from _section("To carry over or to drop", [escaped(", ".join(names))])
    questions = [_said(one.text) for one in found.questions]
    if questions:
        yield from ("", "## Questions for the meeting", "")
        for place, question in enumerate(questions, 1):
            yield from _wrapped(question, f"{place}. ")
    if (note := wording.computed(found)) is not None:
        yield ""
        yield from _wrapped(note)


def _objective(one: ObjectiveReview, found: Review) -> Iterator[str]:
    objective = one.block.objective
    owner = f" ({escaped(objective.owner)})" if objective.owner else ""
    yield ""
    yield _one_line(f"## {escaped(objective.title)}{owner}")
    yield ""
    yield from _wrapped(wording.standing(one))
    points = list(_points(one, found))
    if points:
        yield ""
        for point in points:
            yield from _wrapped(point, "- ")


def _points(one: ObjectiveReview, found: Review) -> Iterator[str]:
    for _, verdict, sentence in wording.links(one):
        yield f"**{verdict}**: {_said(sentence)}"
    for name, sentence in wording.told(one, found):
        yield f"**{escaped(name)}** {_said(sentence)}"
    yield from map(_said, wording.rest(one, found))


def _section(title: str, points: Sequence[str]) -> Iterator[str]:
    if points:
        yield from ("", f"## {title}", "")
        for point in points:
            yield from _wrapped(point, "- ")


def _said(text: str) -> str:
    """A sentence of ours, which may hold commands between backticks."""
    return "".join(part if part.startswith("`") else escaped(part) for part in _CODE.split(text))


def _one_line(text: str) -> str:
    """Without line breaks, and without what would command the terminal."""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())


def _wrapped(text: str, mark: str = "") -> Iterator[str]:
    """A paragraph or the point of a list; no line of it begins with what Markdown takes for a block of its own."""
    lines = wrap(_one_line(text), _WIDTH - len(mark), break_on_hyphens=False, break_long_words=False)
    for place, line in enumerate(lines):
        harmless = _BLOCK.sub(_harmless, line, count=1) if _BLOCK.match(line) else line
        yield f"{' ' * len(mark) if place else mark}{harmless}"


def _harmless(mark: re.Match[str]) -> str:
    text = mark[0]
    return f"{text[:-1]}\\{text[-1]}" if text[0].isdigit() else f"\\{text}"
