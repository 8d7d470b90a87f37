"""Computes the questions for the meeting from a review. Each question names its key results.

The most important questions come first. Several rules may apply to a key result; only the first of them makes a
question. Each edit of the key result adds another question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from syncd.explain.edit import Edit
from syncd.explain.period_edits import OBJECTIVE
from syncd.okr.alignment import Alignment
from syncd.okr.goals import ON_PACE, Band, Target
from syncd.okr.words import HEALTH_WORDS, day, goal, percent, value_figure
from syncd.review.model import Move, Question, Review
from syncd.review.movement_words import amount
from syncd.review.pace import pace_words
from syncd.sdk.language import gettext as _
from syncd.sdk.language import ngettext
from syncd.status.verdicts import shortfall

_MOVE_A_SCORE = ("rollup", "supports", "weight")  # keys of an objective

_WAY = ("baseline", "target")  # keys of a key result: the way that its progress is a share of

STILL_FOR = timedelta(weeks=2)
"""If the number of a key result has not moved for this time, the review asks about the key result."""


def questions(review: Review) -> Sequence[Question]:
    """The questions of a review; none if its period has not begun."""
    asked: set[str] = set()
    kept: list[Question] = []
    if not review.begun:
        return kept
    for rule in _RULES:
        kept += [
            question for question in rule(review) if rule is _edited or not asked.intersection(question.key_results)
        ]
        asked.update(name for question in kept for name in question.key_results)
    still = [move for move in review.moves if _id(move) not in asked and _is_still(move, review)]
    return [*kept, *_not_moved(still)]


def _watermelons(review: Review) -> Iterator[Question]:
    for link in _links(review, "watermelon"):
        outcome = review.by_id.get(link.outcome)
        if outcome is None:
            continue
        parts = {
            "output": link.output,
            "outcome": link.outcome,
            "needs": pace_words(outcome, review) or shortfall(outcome.line),
        }
        if link.since:
            text = _(
                "%(output)s is on pace since %(day)s, yet %(outcome)s %(needs)s: is it the right work?",
                day=day(link.since),
                **parts,
            )
        else:
            text = _("%(output)s is on pace, yet %(outcome)s %(needs)s: is it the right work?", **parts)
        yield Question("watermelon", (link.output, link.outcome), text)


def _edited(review: Review) -> Iterator[Question]:
    for change in review.changes:
        if change.edit is None:
            if change.what == "removed":
                name = change.key_results[0]
                text = _("%(name)s is in no file any more: what became of its result?", name=name)
                yield Question("removed", [name], text)
            continue
        edit, when = change.edit, day(change.at.astimezone(review.period.zone))
        names = _names(change.key_results)
        if change.objective is not None:
            edit = replace(edit, key=edit.key.removeprefix(f"{OBJECTIVE}."))
            if edit.key not in _MOVE_A_SCORE:
                continue
            text = _(
                "the objective %(name)s: %(edit)s since %(day)s: who agreed to it, and why?",
                name=change.objective,
                edit=edit,
                day=when,
            )
        elif edit.key.startswith("measure"):
            text = ngettext(
                "%(names)s has been measured differently since %(day)s (%(edit)s): is it still the same result?",
                "%(names)s have been measured differently since %(day)s (%(edit)s): is it still the same result?",
                len(change.key_results),
                names=names,
                day=when,
                edit=edit,
            )
        elif len(change.key_results) > 1 or edit in review.by_id[names].goal_edits:
            text = _(
                "%(names)s: %(edit)s since %(day)s%(progress)s: who agreed to it, and why?",
                names=names,
                edit=edit,
                day=when,
                progress=_progress_on_both(edit, review.by_id.get(names)),
            )
        else:
            continue
        yield Question("edited", () if change.objective else change.key_results, text)


def _progress_on_both(edit: Edit, move: Move | None) -> str:
    value = move.line.value if move else None
    if move is None or value is None or edit.key not in _WAY or not isinstance(edit.old, int | float):
        return ""
    old = _goal_without(move, [other for other in move.edits if other.at >= edit.at])
    new = _goal_without(move, [other for other in move.edits if other.at > edit.at])
    if old is None or new is None:
        return ""
    shares = {"old": _way(old, value), "new": _way(new, value)}
    return _(", %(old)s of the way by the old one and %(new)s by the new", **shares)


def _goal_without(move: Move, edits: Sequence[Edit]) -> Target | None:
    """The goal before these edits, which are the last ones; None if there was no way from a baseline to a target."""
    goal = move.line.key_result.goal
    ends = {edit.key: edit.old for edit in sorted(edits, key=lambda edit: edit.at, reverse=True) if edit.key in _WAY}
    if not isinstance(goal, Target) or ends.get("target", goal.target) is None:
        return None
    old = replace(goal, **ends)
    return None if old.baseline is None or old.baseline == old.target else old


def _way(goal: Target, value: float) -> str:
    return percent(goal.progress(value), (0.0, 1.0))


def _guards(review: Review) -> Iterator[Question]:
    for move in review.moves:
        guard = move.line.guard
        if guard is not None and guard.standing.progress == 0.0:
            text = _(
                "%(name)s is %(amount)s, but its guard is broken, %(guard)s is not %(goal)s: what does the pace cost?",
                name=_id(move),
                amount=_amount(move),
                guard=value_figure(guard.key_result, guard.value),
                goal=goal(guard.key_result),
            )
            yield Question("guard", [_id(move)], text)


def _held(review: Review) -> Iterator[Question]:
    for move in review.moves:
        if move.line.quality == "held":
            line = move.line
            text = _(
                "%(name)s waits with %(candidate)s beside %(value)s: which of them is right?",
                name=_id(move),
                candidate=value_figure(line.key_result, line.candidate, _("no number")),
                value=value_figure(line.key_result, line.value),
            )
            yield Question("held", [_id(move)], text)


def _unknown_outcomes(review: Review) -> Iterator[Question]:
    for move in review.moves:
        line = move.line
        if line.key_result.kind == "outcome" and line.standing.health == "unknown" and line.quality is not None:
            if line.value is not None and line.quality == "complete":
                continue  # it has a number, and no baseline
            name = f"{_id(move)} ({line.key_result.owner})" if line.key_result.owner else _id(move)
            text = _("%(name)s is unknown, %(reason)s: who brings its number?", name=name, reason=line.reason)
            yield Question("unknown", [_id(move)], text)


def _unexplained(review: Review) -> Iterator[Question]:
    for link in _links(review, "unexplained"):
        outcome, output = review.by_id.get(link.outcome), review.by_id.get(link.output)
        if outcome is None or output is None:
            continue
        still = _still(output, review)
        behind = _("%(name)s is behind, at %(amount)s", name=link.output, amount=_amount(output))
        if still:
            behind = _("%(behind)s since %(day)s", behind=behind, day=still)
        parts = {"name": link.outcome, "behind": behind}
        if isinstance(outcome.line.key_result.goal, Band):
            text = _("%(name)s is inside its band while %(behind)s: is that work still needed?", **parts)
        elif outcome.improved:
            change = _from_to(outcome)
            text = _("%(name)s got better, %(change)s, while %(behind)s: what moved it?", change=change, **parts)
        else:
            text = _("%(name)s is on pace while %(behind)s: what moved it?", **parts)
        yield Question("unexplained", (link.outcome, link.output), text)


def _no_work(review: Review) -> Iterator[Question]:
    """Yields questions about outcomes that improved although no output that drives them moved."""
    for move in review.moves:
        drivers = [
            other for other in review.moves if any(link.outcome == _id(move) for link in other.line.key_result.drives)
        ]
        gains = [driver.gained for driver in drivers]
        if move.improved and drivers and not any(gain is None or gain > 0 for gain in gains):
            names = _names([_id(driver) for driver in drivers])
            text = _(
                "%(name)s got better, %(change)s, and %(others)s did not move: what moved it?",
                name=_id(move),
                change=_from_to(move),
                others=names,
            )
            yield Question("no_work", [_id(move)], text)


def _off_track(review: Review) -> Iterator[Question]:
    for move in review.moves:
        if move.line.standing.health != "off_track" or move.line.key_result.weight == 0:
            continue
        still = _still(move, review)
        if (needs := pace_words(move, review, with_gain=still is None)) is None:
            continue
        parts = {"name": _id(move), "needs": needs}
        if still is not None:
            amount = _amount(move)
            text = _(
                "%(name)s stands at %(amount)s since %(day)s and %(needs)s: who is on it?",
                amount=amount,
                day=still,
                **parts,
            )
        else:
            text = _("%(name)s %(needs)s: what will change?", **parts)
        yield Question("off_track", [_id(move)], text)


def _is_still(move: Move, review: Review) -> bool:
    should_move = move.line.standing.health != "done" and not isinstance(move.line.key_result.goal, Band)
    return should_move and _still(move, review) is not None


def _not_moved(moves: Sequence[Move]) -> Iterator[Question]:
    names = [_id(move) for move in moves]
    if moves:
        since = min(move.still_since for move in moves if move.still_since)
        text = ngettext(
            "%(names)s has not moved since %(day)s: what would move it?",
            "%(names)s have not moved since %(day)s: what would move them?",
            len(moves),
            names=_names(names),
            day=day(since),
        )
        yield Question("still", names, text)


def _confidence(review: Review) -> Iterator[Question]:
    for move in review.moves:
        before, now = move.confidence_before, move.line.confidence
        if before is not None and now is not None and now < before and move.line.standing.health in ON_PACE:
            text = _(
                "%(name)s is %(health)s, yet confidence in it fell from %(before)s to %(now)s: "
                "what does the number not say?",
                name=_id(move),
                health=_(HEALTH_WORDS[move.line.standing.health]),
                before=percent(before),
                now=percent(now),
            )
            yield Question("confidence", [_id(move)], text)


_RULES: Sequence[Callable[[Review], Iterator[Question]]] = (
    _watermelons,
    _edited,
    _guards,
    _confidence,
    _held,
    _unknown_outcomes,
    _no_work,
    _unexplained,
    _off_track,
)


def _links(review: Review, verdict: str) -> Iterator[Alignment]:
    for objective in review.objectives:
        for link in objective.block.alignment:
            if link.alignment.verdict == verdict:
                yield link.alignment


def _still(move: Move, review: Review) -> str | None:
    """The day since which the number of a movement has not moved; None if this day is recent."""
    since = move.still_since
    if since is None or review.over or review.as_of.date() - since < STILL_FOR:
        return None
    return day(since)


def _amount(move: Move) -> str:
    return amount(value_figure(move.line.key_result, move.line.value), move.line.key_result)


def _from_to(move: Move) -> str:
    assert move.start is not None
    old, new = (value_figure(move.line.key_result, number) for number in (move.start.value, move.line.value))
    return _("from %(old)s to %(new)s", old=old, new=new)


def _id(move: Move) -> str:
    return move.line.key_result.id


def _names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])}{_(' and ')}{names[-1]}"
