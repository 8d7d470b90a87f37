"""The sentences of a review, as plain text: Markdown, the page and the notification say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from syncd.okr.checkins import CheckIn
from syncd.okr.goals import Band, Target
from syncd.okr.words import HEALTH_WORDS, count, day, goal, number, percent
from syncd.review.model import Attention, Cause, Change, Move, ObjectiveReview, Review
from syncd.status.verdicts import VERDICT_WORDS, ordered

_TOLD = ("watermelon", "unexplained", "under_delivered")
SHOWN = 3
"""So many records of a movement are named."""


def title(found: Review) -> str:
    """`2026-Q4, 15 Nov to 21 Nov`, or the period alone."""
    if found.whole:
        return f"{found.period.id} in review"
    return f"{found.period.id}, {day(found.days.first)} to {day(found.days.last)}"


def headline(found: Review) -> tuple[str, str]:
    """Two lines: where in the period, the objectives' health; and what became of the key results."""
    period, today = found.period, found.as_of
    if not found.begun:
        where = f"It begins on {day(period.first)}"
    elif found.over:
        where = f"It ended on {day(period.last)}"
    else:
        where = f"Day {period.day_number(today)} of {period.days}"
    healths = Counter(one.block.standing.health for one in found.objectives)
    counted = ", ".join(
        f"{healths[health]} {HEALTH_WORDS[health]}"
        for health in ("off_track", "at_risk", "on_track", "done", "unknown")
        if healths[health]
    )
    movements = Counter(move.movement for move in found.moves)
    qualities = Counter(move.line.quality for move in found.moves)
    unknown = sum(
        move.line.standing.health == "unknown" and move.line.quality not in ("stale", "held") for move in found.moves
    )
    said = [
        f"{movements['moved']} of {count(len(found.moves), 'key result')} moved",
        *(
            f"{number} {what}"
            for number, what in ((qualities["stale"], "stale"), (qualities["held"], "held"))
            if number
        ),
        *([f"{unknown} unknown"] if unknown else []),
        *([count(len(found.changes), "change") + " of definitions"] if found.changes else []),
    ]
    return f"{where}; of {count(len(found.objectives), 'objective')}: {counted}.", f"{', '.join(said)}."


def empty(found: Review) -> str | None:
    """What to do where nothing was pulled yet; None where something was."""
    if found.report.synced_at is not None:
        return None
    if found.as_of < found.report.as_of:  # a past day
        return f"Nothing was pulled by {day(found.days.last)}."
    return "Nothing was pulled yet: run `syncd sync`."


def standing(one: ObjectiveReview) -> str:
    """`Score 15 % → 18 %, 56 % expected: off track; activity 62 % → 79 %.`; no arrow between unlike things."""
    now, before = one.block.standing, one.before
    old = percent(before.score) if before else None
    score = moved(old if one.same_score else None, "unknown" if now.score is None else percent(now.score))
    ahead = f", {percent(now.expected)} expected: {HEALTH_WORDS[now.health]}" if now.expected is not None else ""
    said = [f"Score {score}{ahead}"]
    if now.scored < now.counted:
        said.append(f"{now.scored} of {now.counted} known")
    if before is not None and before.score is not None and not one.same_score:
        said.append(f"it was {old} over other known key results")
    if now.activity is not None:
        active = percent(before.activity) if before and one.same_activity else None
        said.append(f"activity {moved(active, percent(now.activity))}")
    return "; ".join(said) + "."


def moved(old: str | None, new: str) -> str:
    """`15 % → 18 %`; one of them where both are the same or the old is none."""
    return new if old in (None, new, "–") else f"{old} → {new}"


def told(one: ObjectiveReview, found: Review) -> Sequence[tuple[str, str]]:
    """The key results that have a sentence of their own, and it; of a whole period every outcome has one."""
    said: list[tuple[str, str]] = []
    for move in one.moves:
        sentence = None
        if move.movement == "remeasured":
            sentence = f"{movement(move, found)}: {not_comparable(move)}"
        elif found.whole and move.line.key_result.kind == "outcome":
            sentence = outcome(move)
        elif move.movement == "moved" or (move.movement == "still" and move.goal_edits):
            sentence = movement(move, found)
        if sentence is not None and move.goal_edits:
            sentence += f" (edited: {'; '.join(map(str, move.goal_edits))})"
        if sentence is not None:
            behind = why(move, found) if move.movement == "moved" else None
            said.append((move.line.key_result.id, f"{sentence}. {behind}." if behind else f"{sentence}."))
    return said


def rest(one: ObjectiveReview, found: Review) -> Sequence[str]:
    """One sentence on those that did not move, and one on those that are new, where there are such."""
    own = {name for name, _ in told(one, found)}
    still, fresh = (
        [move for move in one.moves if move.movement == kind and move.line.key_result.id not in own]
        for kind in ("still", "new")
    )
    said = [f"Not moved: {not_moved(still)}."] if still else []
    return said + ([f"{new(found, fresh)}."] if fresh else [])


def links(one: ObjectiveReview) -> Iterator[tuple[str, str, str]]:
    """The verdicts that are worth a word, watermelons first: each with its words, since when, and its sentence."""
    for link in ordered(one.block.alignment):
        if link.alignment.verdict in _TOLD:
            since = f" since {day(link.verdict_since)}" if link.verdict_since else ""
            yield link.alignment.verdict, f"{VERDICT_WORDS[link.alignment.verdict].capitalize()}{since}", link.brief


def movement(move: Move, found: Review) -> str:
    """What became of a number, without the id: `1,110 → 1,092 calls/week, 15 % → 18 %, off track`."""
    line, kr = move.line, move.line.key_result
    health = HEALTH_WORDS[line.standing.health]
    aim = goal(kr)
    unit = f" {aim}" if aim.startswith("of ") else f" {kr.unit}" if kr.unit else ""
    if move.movement in ("new", "remeasured") or move.start is None:
        return f"{number(line.value)}{unit}{_way(None, move)}, {health}"
    values = moved(number(move.start.value), number(line.value))
    since = ""
    if move.start.source != "baseline" and move.start.day != found.days.before:
        since = f" since {day(move.start.day)}"
    old = None if move.start.source == "baseline" else percent(move.start.progress)
    return f"{values}{unit}{since}{_way(old, move)}, {health}"


def _way(old: str | None, move: Move) -> str:
    if isinstance(move.line.key_result.goal, Band) or move.line.standing.progress is None:
        return ""
    return f", {moved(old, percent(move.line.standing.progress))}"


def not_comparable(move: Move) -> str:
    """Why there is no movement where the measure was edited."""
    assert move.start is not None
    edits = [str(edit) for edit in move.edits if edit.key.startswith("measure")]
    told = f" ({'; '.join(edits)})" if edits else ""
    return f"not comparable, its measure was edited{told}; by the one before it was {number(move.start.value)}"


def why(move: Move, found: Review) -> str | None:
    """What is behind a movement, a few records by their labels; None where nothing is known of it."""
    if move.line.key_result.measure is None:
        name = move.line.key_result.id
        given = [said for of, said in found.checkins if of == name and said.value is not None]
        return f"Said by {given[-1].author}" if given else None
    parts = [*_parts(move.causes.found, found)]
    if move.causes.aged:
        parts.append(f"{move.causes.aged:,} fell out of the window")
    return "; ".join(parts) or None


def _parts(causes: Sequence[Cause], found: Review) -> Iterator[str]:
    order = sorted(causes, key=lambda cause: (cause.part or "", "+o-~".index(cause.sign)))
    for (part, sign), group in groupby(order, key=lambda cause: (cause.part, cause.sign)):
        same = list(group)
        of = f"{part} " if part else ""
        counted = {"+": f"+{len(same):,}", "-": f"-{len(same):,}", "o": f"{len(same):,} new and open", "~": ""}[sign]
        if found.whole and len(same) > SHOWN and sign == "+":  # of a whole quarter the first three say nothing
            yield f"{of}{count(len(same), 'reading' if same[0].reading else 'record')}"
            continue
        names = ", ".join(_cause(cause, found) for cause in same[:SHOWN])
        more = f" and {len(same) - SHOWN:,} more" if len(same) > SHOWN else ""
        alone = not counted or (sign == "+" and same[0].reading and len(same) == 1)
        yield f"{of}{names}{more}" if alone else f"{of}{counted}: {names}{more}"


def _cause(cause: Cause, found: Review) -> str:
    when = f" of {day(cause.at.astimezone(found.period.zone))}" if cause.at and cause.reading else ""
    restated = f" (restated: {cause.why})" if cause.why else ""
    if cause.sign == "~":
        return f"{cause.label}{when} {_brings(cause.was)} → {_brings(cause.brings)}{restated}"
    brings = "" if cause.reading or cause.brings in (None, "0", "1") else f" ({_brings(cause.brings)})"
    return f"{cause.label}{when}{brings}{restated}"


def _brings(text: str | None) -> str:
    try:
        return number(float(text or ""))
    except ValueError:
        return text or "none"


def not_moved(moves: Sequence[Move]) -> str:
    """Those that stood still in one line, each with since when."""
    return ", ".join(
        f"{move.line.key_result.id} {number(move.line.value)}"
        + (f" since {day(move.still_since)}" if move.still_since else "")
        for move in moves
    )


def attention(one: Attention) -> str:
    """What is wrong, and what to do."""
    reason = one.reason[0].upper() + one.reason[1:]
    return f"{reason}{'' if reason.endswith('.') else '.'} {one.advice}"


def change(one: Change, found: Review) -> str:
    """`12 Nov, mappings/support.yaml: shipped target: 20 → 8`."""
    when = day(one.at.astimezone(found.period.zone))
    names = ", ".join(one.key_results)
    if len(one.key_results) > SHOWN:
        names = f"{count(len(one.key_results), 'key result')}:"
    if one.what == "added":
        return f"{when}, {one.file}: {names} measured for the first time"
    if one.what == "removed":
        return f"{when}, {one.file}: {names} is in no file any more"
    return f"{when}, {one.file}: {names} {one.edit}"


def checkin(name: str, said: CheckIn, found: Review) -> str:
    """`21 Nov, Dana on mood: 7, confidence 60 %: the note`."""
    given = [number(said.value)] if said.value is not None else []
    given += [f"confidence {percent(said.confidence)}"] if said.confidence is not None else []
    given += [said.note] if said.note else []
    return f"{day(said.at.astimezone(found.period.zone))}, {said.author} on {name}: {', '.join(given)}"


def outcome(move: Move) -> str:
    """How an outcome scored over a period: `1,200 → 1,092, the goal is 600 calls/week: score 18 %, off track`."""
    line, kr = move.line, move.line.key_result
    start = number(move.start.value) if move.start and not move.measured_otherwise else None
    value = "unknown" if line.value is None else moved(start, number(line.value))
    aim = goal(kr).removeprefix("of ")
    if isinstance(kr.goal, Target):
        aim = f"{number(kr.goal.target)}{f' {kr.unit}' if kr.unit else ''}"
    score = "no score" if line.standing.score is None else f"score {percent(line.standing.score)}"
    edited = f"; its definition was edited {times(move.times_edited)}" if move.times_edited else ""
    return f"{value}, the goal is {aim}: {score}, {HEALTH_WORDS[line.standing.health]}{edited}"


def times(number_of: int) -> str:
    """`once`, `twice`, `5 times`."""
    return {1: "once", 2: "twice"}.get(number_of, f"{number_of} times")


def carried_over(found: Review) -> Sequence[str]:
    """The key results to carry over or to drop: not done at the end; before it, those not on pace."""
    wanted = ("off_track", "at_risk", "unknown") if not found.over else ("off_track", "at_risk", "unknown", "on_track")
    return [move.line.key_result.id for move in found.moves if move.line.standing.health in wanted]


def computed(found: Review) -> str | None:
    """Which starting numbers nobody kept, but sources date; None where all were kept."""
    names = [move.line.key_result.id for move in found.moves if move.start and move.start.source == "backfilled"]
    known = [move for move in found.moves if move.start and move.start.source != "baseline"]
    if not names:
        return None
    whose = "" if len(names) == len(known) else f" of {', '.join(names)}"
    return f"The numbers{whose} at the start are computed from their sources' own dates: no sync had kept them."


def new(found: Review, moves: Sequence[Move]) -> str:
    """Those that have a number now, and nothing to compare it with."""
    said = ", ".join(f"{move.line.key_result.id} {movement(move, found)}" for move in moves)
    return f"No number of {day(found.days.before)} to compare with: {said}"
