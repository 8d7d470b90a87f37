"""Questions worth asking in the meeting, each computed from what the ledger knows and about key results by name.

The weightiest first. A key result is asked about once, by what stands first; but what was edited is asked anyhow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from syncd.explain.edits import Edit
from syncd.okr.alignment import Alignment
from syncd.okr.goals import ON_PACE, Band, KeyResult, Target
from syncd.okr.words import HEALTH_WORDS, day, goal, number, percent
from syncd.review.model import Move, Question, Review
from syncd.review.pace import said as pace_said

STILL_FOR = timedelta(weeks=2)
"""A key result whose number stood for so long is asked about."""


def questions(found: Review) -> Sequence[Question]:
    """The questions of a review; none before its period has begun."""
    asked: set[str] = set()
    kept: list[Question] = []
    if not found.begun:
        return kept
    for ask in _RULES:
        kept += [one for one in ask(found) if ask is _edited or not asked.intersection(one.key_results)]
        asked.update(name for question in kept for name in question.key_results)
    still = [move for move in found.moves if _id(move) not in asked and _stands_still(move, found)]
    return [*kept, *_standing_still(still)]


def _watermelons(found: Review) -> Iterator[Question]:
    for link in _links(found, "watermelon"):
        outcome = found.by_id.get(link.outcome)
        since = f" since {day(link.since)}" if link.since else ""
        if outcome is None:
            continue
        if isinstance(outcome.line.key_result.goal, Band):
            how = "is out of its band"
        else:
            how = pace_said(outcome, found) or f"has gone {percent(outcome.line.standing.progress)} of the way"
        text = f"{link.output} is on pace{since}, yet {link.outcome} {how}: is it the right work?"
        yield Question("watermelon", (link.output, link.outcome), text)


def _edited(found: Review) -> Iterator[Question]:
    for change in found.changes:
        if change.edit is None:
            if change.what == "removed":
                name = change.key_results[0]
                yield Question("removed", [name], f"{name} is in no file any more: what became of its result?")
            continue
        edit, when = change.edit, day(change.at.astimezone(found.period.zone))
        names = _names(change.key_results)
        if edit.key.startswith("measure"):
            text = f"{names} is measured otherwise since {when} ({edit}): is it still the same result?"
        elif len(change.key_results) > 1 or edit in found.by_id[names].goal_edits:
            text = (
                f"{names}: {edit} since {when}{_by_the_old(edit, found.by_id.get(names))}: who agreed to it, and why?"
            )
        else:
            continue
        yield Question("edited", change.key_results, text)


def _by_the_old(edit: Edit, move: Move | None) -> str:
    """How far it would be by the old target or baseline."""
    goal, value = (move.line.key_result.goal, move.line.value) if move else (None, None)
    if not isinstance(goal, Target) or value is None or edit.key not in ("target", "baseline"):
        return ""
    if not isinstance(edit.old, int | float) or edit.old == (goal.target if edit.key == "baseline" else goal.baseline):
        return ""
    old = replace(goal, target=edit.old) if edit.key == "target" else replace(goal, baseline=edit.old)
    return f", {percent(old.progress(value))} of the way by the old one and {percent(goal.progress(value))} by the new"


def _guards(found: Review) -> Iterator[Question]:
    for move in found.moves:
        guard = move.line.guard
        if guard is not None and guard.standing.progress == 0.0:
            broken = f"{number(guard.value)} is not {goal(guard.key_result)}"
            text = f"{_id(move)} is {_stands(move)}, but its guard is broken, {broken}: what does the pace cost?"
            yield Question("guard", [_id(move)], text)


def _held(found: Review) -> Iterator[Question]:
    for move in found.moves:
        if move.line.quality == "held":
            candidate = "no number" if move.line.candidate is None else number(move.line.candidate)
            text = f"{_id(move)} waits with {candidate} beside {number(move.line.value)}: which of them is right?"
            yield Question("held", [_id(move)], text)


def _unknown_outcomes(found: Review) -> Iterator[Question]:
    for move in found.moves:
        line = move.line
        if line.key_result.kind == "outcome" and line.standing.health == "unknown" and line.quality is not None:
            if line.value is not None and line.quality == "complete":
                continue  # it has its number, and no baseline
            whose = f" ({line.key_result.owner})" if line.key_result.owner else ""
            text = f"{_id(move)}{whose} is unknown, {line.reason}: who brings its number?"
            yield Question("unknown", [_id(move)], text)


def _unexplained(found: Review) -> Iterator[Question]:
    for link in _links(found, "unexplained"):
        outcome, output = found.by_id.get(link.outcome), found.by_id.get(link.output)
        if outcome is None or output is None:
            continue
        still = _still(output, found)
        behind = f"{link.output} is behind, at {_stands(output)}{f' since {still}' if still else ''}"
        if isinstance(outcome.line.key_result.goal, Band):
            text = f"{link.outcome} is inside its band while {behind}: is that work still needed?"
        elif outcome.improved:
            text = f"{link.outcome} got better, from {_from_to(outcome)}, while {behind}: what moved it?"
        else:
            text = f"{link.outcome} is on pace while {behind}: what moved it?"
        yield Question("unexplained", (link.outcome, link.output), text)


def _no_work(found: Review) -> Iterator[Question]:
    """Outcomes that got better over the days in which no output that drives them gained anything."""
    for move in found.moves:
        drivers = [one for one in found.moves if any(link.outcome == _id(move) for link in one.line.key_result.drives)]
        gains = [driver.gained for driver in drivers]
        if move.improved and drivers and not any(gain is None or gain > 0 for gain in gains):
            names = _names([_id(driver) for driver in drivers])
            text = f"{_id(move)} got better, from {_from_to(move)}, and {names} did not move: what moved it?"
            yield Question("no_work", [_id(move)], text)


def _off_track(found: Review) -> Iterator[Question]:
    for move in found.moves:
        if move.line.standing.health != "off_track" or move.line.key_result.weight == 0:
            continue
        still = _still(move, found)
        if (needs := pace_said(move, found)) is None:
            continue
        if still is not None:
            text = (
                f"{_id(move)} stands at {_stands(move)} since {still} and {needs.partition(' and ')[0]}: who is on it?"
            )
        else:
            text = f"{_id(move)} {needs}: what will change?"
        yield Question("off_track", [_id(move)], text)


def _stands_still(move: Move, found: Review) -> bool:
    goes = move.line.standing.health != "done" and not isinstance(move.line.key_result.goal, Band)
    return goes and _still(move, found) is not None


def _standing_still(moves: Sequence[Move]) -> Iterator[Question]:
    """One question about all that nothing else is asked about."""
    names = [_id(move) for move in moves]
    if moves:
        since = min(move.still_since for move in moves if move.still_since)
        have, them = ("has", "it") if len(moves) == 1 else ("have", "them")
        yield Question("still", names, f"{_names(names)} {have} not moved since {day(since)}: what would move {them}?")


def _confidence(found: Review) -> Iterator[Question]:
    for move in found.moves:
        before, now = move.confidence_before, move.line.confidence
        if before is not None and now is not None and now < before and move.line.standing.health in ON_PACE:
            fell = f"confidence in it fell from {percent(before)} to {percent(now)}"
            health = HEALTH_WORDS[move.line.standing.health]
            text = f"{_id(move)} is {health}, yet {fell}: what does the number not say?"
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


def _links(found: Review, verdict: str) -> Iterator[Alignment]:
    for one in found.objectives:
        for link in one.block.alignment:
            if link.alignment.verdict == verdict:
                yield link.alignment


def _still(move: Move, found: Review) -> str | None:
    """Since when its number has stood, where that is long."""
    since = move.still_since
    if since is None or found.over or found.as_of.date() - since < STILL_FOR:
        return None
    return day(since)


def _stands(move: Move) -> str:
    kr: KeyResult = move.line.key_result
    value = number(move.line.value)
    return f"{value} {goal(kr)}" if goal(kr).startswith("of ") else f"{value}{f' {kr.unit}' if kr.unit else ''}"


def _from_to(move: Move) -> str:
    assert move.start is not None
    return f"{number(move.start.value)} to {number(move.line.value)}"


def _id(move: Move) -> str:
    return move.line.key_result.id


def _names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
