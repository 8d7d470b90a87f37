"""Makes Markdown from a review. The Markdown also reads well in a terminal of 80 columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import wrap

from syncd.config.advised_commands import for_workspace
from syncd.review import wording
from syncd.review.model import ObjectiveReview, Review

_WIDTH = 80
_SPECIAL = re.compile(r"[\\*<~`]|\](?=\()|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])")
_CODE = re.compile(r"(`[^`]*`)")
_BLOCK = re.compile(r"(?:#{1,6}|[-+*>]|=+|\d+[.)])(?=\s|$)|-{3,}|~{3,}|`{3,}")


def markdown(review: Review, workspace: str | None = None) -> str:
    """The whole review as Markdown. Commands that it suggests are written for the workspace."""
    return "\n".join(_lines(review, workspace)) + "\n"


def escaped(text: str) -> str:
    """A text from outside, escaped so that Markdown shows it unchanged."""
    return _SPECIAL.sub(lambda special: f"\\{special[0]}", text)


def _lines(review: Review, workspace: str | None) -> Iterator[str]:
    yield _on_a_line(f"# {escaped(wording.title(review))}")
    yield ""
    for line in wording.headline(review):
        yield from _wrapped(line)
    if (hint := wording.nothing_pulled(review.report)) is not None:
        yield ""
        yield from _wrapped(for_workspace(hint, workspace))
    for objective in review.objectives:
        yield from _objective(objective, review, workspace)
    if review.work is not None:
        yield from _section(
            "Where the work went", [escaped(sentence) for sentence in wording.work_sentences(review.work)]
        )
    yield from _section(
        "Stale, held or unknown",
        [
            f"**{', '.join(attention.key_results)}**: {_with_commands(wording.attention(attention), workspace)}"
            for attention in review.attention
        ],
    )
    changes = [escaped(wording.definition_change(change, review)) for change in review.changes]
    yield from _section("Definition changes", changes)
    checkins = [escaped(wording.checkin(name, checkin, review)) for name, checkin in review.checkins]
    yield from _section("Said by people", checkins)
    approvals = [escaped(wording.approval(name, approval, review)) for name, approval in review.approvals]
    yield from _section("Held numbers that people approved", approvals)
    requests = [escaped(wording.request(request, review)) for request in review.requests]
    yield from _section("Requests that wait or were refused, and decisions", requests)
    if review.whole and (names := wording.carried_over(review)):
        yield from _section("To carry over or to drop", [escaped(", ".join(names))])
    questions = [_with_commands(question.text, workspace) for question in review.questions]
    if questions:
        yield from ("", "## Questions for the meeting", "")
        for place, question in enumerate(questions, 1):
            yield from _wrapped(question, f"{place}. ")
    if (note := wording.backfill_note(review)) is not None:
        yield ""
        yield from _wrapped(for_workspace(note, workspace))


def _objective(reviewed: ObjectiveReview, review: Review, workspace: str | None) -> Iterator[str]:
    objective = reviewed.block.objective
    owner = f" ({escaped(objective.owner)})" if objective.owner else ""
    yield ""
    yield _on_a_line(f"## {escaped(objective.title)}{owner}")
    yield ""
    yield from _wrapped(wording.score_sentence(reviewed))
    points = list(_points(reviewed, review, workspace))
    if points:
        yield ""
        for point in points:
            yield from _wrapped(point, "- ")


def _points(reviewed: ObjectiveReview, review: Review, workspace: str | None) -> Iterator[str]:
    for verdict in wording.verdicts(reviewed):
        yield f"**{verdict.words}**: {_with_commands(verdict.sentence, workspace)}"
    for name, sentence in wording.key_result_sentences(reviewed, review):
        yield f"**{escaped(name)}** {_with_commands(sentence, workspace)}"
    for summary in wording.summary_sentences(reviewed, review):
        yield _with_commands(summary, workspace)


def _section(title: str, points: Sequence[str]) -> Iterator[str]:
    if points:
        yield from ("", f"## {title}", "")
        for point in points:
            yield from _wrapped(point, "- ")


def _with_commands(text: str, workspace: str | None) -> str:
    """A sentence of syncd, escaped; commands between backticks are not escaped, and name the workspace."""
    parts = _CODE.split(for_workspace(text, workspace))
    return "".join(part if part.startswith("`") else escaped(part) for part in parts)


def _on_a_line(text: str) -> str:
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())


def _wrapped(text: str, mark: str = "") -> Iterator[str]:
    """The lines of a paragraph or list item; no line begins with the mark of another Markdown block."""
    lines = wrap(_on_a_line(text), _WIDTH - len(mark), break_on_hyphens=False, break_long_words=False)
    for place, line in enumerate(lines):
        harmless = _BLOCK.sub(_harmless, line, count=1) if _BLOCK.match(line) else line
        yield f"{' ' * len(mark) if place else mark}{harmless}"


def _harmless(mark: re.Match[str]) -> str:
    text = mark[0]
    return f"{text[:-1]}\\{text[-1]}" if text[0].isdigit() else f"\\{text}"
