"""The pages of reviews, to read, print and present in a meeting: what changed, and what do we decide?"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from markupsafe import Markup, escape
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from syncd.okr import words
from syncd.review import Review, wording
from syncd.review.brief import top_lines
from syncd.review.environment import with_commands
from syncd.review.model import Move, ObjectiveReview
from syncd.sdk.language import gettext as _
from syncd.status.overview import overview_of
from syncd.web.actions import owner_of
from syncd.web.answers import reviewed
from syncd.web.objective_lanes import lanes_of
from syncd.web.pages import figure, render
from syncd.web.view import View, address
from syncd.web.zoom import WHOLE


@dataclass(frozen=True, slots=True)
class Item:
    """A key result in a section: its weekly values, and its sentence with links to the records behind it."""

    move: Move
    weeks: Sequence[float | None]
    sentence: Markup


@dataclass(frozen=True, slots=True)
class Section:
    """A section about an objective: its weekly scores, the key results that have their own sentence, and sentences
    about the other key results.
    """

    objective: ObjectiveReview
    weeks: Sequence[float | None]
    items: Sequence[Item]
    others: Sequence[Markup]


def page(view: View, query: QueryParams, *, whole: bool) -> str:
    """The review of the last seven days, or of the `whole` period; with `?present=2`, the second screen of its present
    mode.

    HTTPException 400 for an unknown screen.
    """
    summary = reviewed(view, whole=whole)
    sections = list(_sections(view, summary))
    data = {
        **view.frame(),
        "here": "reviews",
        "whole": whole,
        "review": summary,
        "top": top_lines(summary),
    }
    if "present" in query:
        return _screen(view, query, data, sections)
    return render("reviews.html", **data, sections=sections, present=address(query, present="1"))


def _screen(view: View, query: QueryParams, data: Mapping[str, Any], sections: Sequence[Section]) -> str:
    """A screen of the present mode. Its screens are the top lines, each objective, and the questions."""
    last = len(sections) + 2
    text = query["present"]
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    if not 1 <= number <= last:
        raise HTTPException(400, _("write present as a screen from 1 to %(last)s", last=last))
    section = sections[number - 2] if 1 < number < last else None
    lanes = lanes_of(view, data["review"].report, section.objective.block, WHOLE) if section else None
    link = partial(address, query)
    noted = [
        move.line.key_result
        for move in (section.objective.moves if section and view.day is None else ())
        if view.visitor.may_check_in(owner_of(view.okrs, move.line.key_result))
    ]
    return render(
        "present.html",
        **data,
        number=number,
        last=last,
        section=section,
        lanes=lanes,
        noted=noted if view.daemon.ledger else [],
        note_id=f"present-{secrets.token_urlsafe(9)}",
        asks_name=view.daemon.config.settings.web.login is None,
        before=link(present=str(number - 1)) if number > 1 else None,
        after=link(present=str(number + 1)) if number < last else None,
        leave=address(QueryParams([pair for pair in query.multi_items() if pair[0] != "present"])),
    )


def _sections(view: View, summary: Review) -> Iterator[Section]:
    # A review of a past day has no small lines, because the weekly values as known then are not computed.
    overview = overview_of(view.snapshot, view.daemon.ledger) if view.day is None else None
    values = overview.values if overview else {}
    workspace = view.place.workspace
    scores = {each.block.objective.id: each.scores for each in overview.objectives} if overview else {}
    for objective in summary.objectives:
        moves = {move.line.key_result.id: move for move in objective.moves}
        yield Section(
            objective,
            scores.get(objective.block.objective.id, ()),
            [
                Item(moves[name], values.get(name, ()), _of_key_result(with_commands(sentence, workspace), moves[name]))
                for name, sentence in wording.key_result_sentences(objective, summary)
            ],
            [
                _with_values(with_commands(sentence, workspace), moves)
                for sentence in wording.summary_sentences(objective, summary)
            ],
        )


def _of_key_result(sentence: Markup, move: Move) -> Markup:
    """The sentence about a key result, which begins with its value: `1,110 → 1,092 calls/week`."""
    return _with_value(_with_links(sentence, move), move, r"\A(?:[^<→←]+[→←] )?")


def _with_values(text: Markup, moves: Mapping[str, Move]) -> Markup:
    """A sentence about several key results, with the value of each marked for programs: `articles 33`."""
    for name, move in moves.items():
        text = _with_value(text, move, rf"(?<![\w-]){re.escape(name)} ")
    return text


def _with_value(text: Markup, move: Move, before: str) -> Markup:
    """A text with a key result's value marked for programs; the pattern `before` matches the text before the value."""
    key_result, value = move.line.key_result, move.line.value
    if value is None:
        return text
    shown = re.escape(str(escape(words.value_figure(key_result, value))))
    mark = rf"(?P<before>{before}){shown}(?![.,]?\d)"
    return Markup(re.sub(mark, lambda match: match["before"] + figure(key_result, value), str(text), count=1))  # noqa: S704


def _with_links(text: Markup, move: Move) -> Markup:
    """A sentence in which the name of each record is a link to the record."""
    addresses = {cause.label: cause.url for cause in move.causes.rows if cause.url}
    if not addresses:
        return text
    labels = "|".join(re.escape(str(escape(label))) for label in sorted(addresses, key=len, reverse=True))
    by_label = {str(escape(label)): url for label, url in addresses.items()}

    def link(match: re.Match[str]) -> str:
        return f'<a href="{escape(by_label[match[0]])}" rel="noreferrer">{match[0]}</a>'

    return Markup(re.sub(rf"(?<![\w#/<&-])(?:{labels})(?![\w-])", link, str(text)))  # noqa: S704
