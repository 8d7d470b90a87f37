"""A plan as a page of text, made for a terminal of 80 columns: what comes, what goes, what is another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TypeVar
from zoneinfo import ZoneInfo

from syncd.cli.sync import NOTHING_OPEN
from syncd.cycle.plan_changes import KeyResultChange, ObjectiveChange, PeriodChanges, Planned, Removed
from syncd.explain.items import Item
from syncd.okr.goals import Band
from syncd.okr.words import HEALTH_WORDS, clock_time, count, day, number, percent
from syncd.publishing.overwriting import shown
from syncd.publishing.preview import Preview
from syncd.status.report import KeyResultLine
from syncd.status.verdicts import VERDICT_SIGNS, VERDICT_WORDS

_WIDTH = 80
_LISTED = 20
_UNBROKEN = "\N{NO-BREAK SPACE}"  # where a line is not to end; printed as a plain one
T = TypeVar("T")


def render(found: Planned, zone: ZoneInfo) -> Iterator[str]:
    """The lines of a plan; none is wider than 80 columns but for addresses."""
    for period in found.periods:
        if period:
            yield from _period(period, found, zone)
    for period in found.periods:
        for line, command in period.waiting:
            yield from _wrapped(f"{line.key_result.id} waits already, with {_candidate(line)}: `{command}`", 0)
    yield from _publish(found.publish)
    yield _summary(found)


def _publish(previews: Sequence[Preview]) -> Iterator[str]:
    """What each publisher would be sent: each target with its places, old and new; what is alike in one line."""
    told = [one for one in previews if one.changes or one.problem]
    problems: dict[tuple[str, str], list[str]] = {}
    for one in told:
        if one.problem:
            problems.setdefault((one.connection, one.problem), []).append(one.key_result or one.target)
    if told:
        yield "what would be written"
    sound = [one for one in told if not one.problem]
    for one in sound[:_LISTED]:
        whose = f"{one.key_result} → " if one.key_result else ""
        yield from _wrapped(f"{whose}{one.connection}: {one.target}", 2)
        for change in one.changes:
            if change.foreign:
                said = f"! {change.where} holds {shown(change.old)}, which syncd did not write: left alone"
            else:
                before = "" if change.old is None else f"{shown(change.old)} → "
                said = f"{'+' if change.old is None else '~'} {change.where}  {before}{shown(change.new)}"
            yield from _wrapped(said, 6)
    if len(sound) > _LISTED:
        yield f"  and {len(sound) - _LISTED:,} more: `syncd plan --json` has all of them"
    for (connection, problem), names in problems.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield from _wrapped(f"✗ {connection}: {', '.join(names[:3])}{more}: {problem}", 2)
    if told:
        yield ""


def _summary(found: Planned) -> str:
    failed = f", {len(found.result.failures)} failed" if found.result.failures else ""
    streams = count(len(found.result.pulls), "stream") + failed
    if not found.measured:
        return NOTHING_OPEN
    if not any(found.periods):
        measured = count(found.measured, "key result")
        return f"Nothing would change: {measured}, {streams}, as of {clock_time(found.as_of)}"
    changed = sum(len(period.key_results) for period in found.periods)
    removed = sum(len(period.removed) for period in found.periods)
    held = sum(_held(one) for period in found.periods for one in period.key_results)
    more = (f", {held} held" if held else "") + (f", {removed} removed" if removed else "")
    return f"{changed} of {count(found.measured, 'key result')} would change{more}; {streams}"


def _period(period: PeriodChanges, found: Planned, zone: ZoneInfo) -> Iterator[str]:
    as_of = f"as of {clock_time(found.as_of)} ({zone.key})"
    yield from _wrapped(f"{period.period.id}   what a sync would change, {as_of}", 0)
    if period.days_edited:
        yield "edited: the period's days, its time zone or the shares of health"
    yield ""
    for change in period.verdicts:
        old, new = change.old.alignment.verdict, change.new.alignment.verdict
        label = f"{VERDICT_SIGNS[new]} {VERDICT_WORDS[new]} (was {VERDICT_WORDS[old]})"
        yield from _wrapped(f"{label}: {change.new.brief}", 0)
    if period.verdicts:
        yield ""
    changed = {change.key_result.id: change for change in period.key_results}
    standings = {change.objective.id: change for change in period.objectives}
    width = max(map(len, changed), default=0)
    for block in period.after.objectives:
        within = [changed[line.key_result.id] for line in block.key_results if line.key_result.id in changed]
        standing = standings.get(block.objective.id)
        if not within and standing is None:
            continue
        yield from _wrapped(block.objective.title, 0)
        if standing is not None:
            yield _objective(standing)
        for one in within:
            yield from _key_result(one, one.key_result.id.ljust(width), zone)
        yield ""
    for removed in period.removed:
        yield from _removed(removed)
    if period.removed:
        yield ""


def _objective(change: ObjectiveChange) -> str:
    old, new = change.old, change.new
    said = f"  outcome {_moved(percent(old.score), percent(new.score))}  {_health(old.health, new.health)}"
    if new.activity is not None or old.activity is not None:
        said += f"     activity {_moved(percent(old.activity), percent(new.activity))}"
    return said


def _key_result(change: KeyResultChange, name: str, zone: ZoneInfo) -> Iterator[str]:
    old, new = change.old, change.new
    if old is None or change.remeasured:
        yield from _wrapped(f"{'~' if old else '+'} {name}  {_stands(change, new)}", 2)
    else:
        yield from _wrapped(f"~ {name}  {_both(change, old, new)}", 2)
    yield from _why(change, zone)
    heading = ""
    if change.approve is not None:
        heading = f"what would count in {_candidate(new)}, were it approved:"
    elif change.remeasured and change.differences:
        heading = "what counts now:"
    if heading and change.differences:
        yield f"      {heading}"
    yield from _records(change, zone)
    if change.guard is not None:
        yield from _key_result(change.guard, f"its guard: {change.guard.key_result.title}", zone)


def _why(change: KeyResultChange, zone: ZoneInfo) -> Iterator[str]:
    old, new = change.old, change.new
    if old is None:
        yield "      new key result"
    if change.remeasured and old is not None:
        yield from _wrapped(f"measured otherwise before, as {_stands(change, old)}", 6)
    if change.edits:
        said = ", ".join(str(edit) for edit in change.edits)
        yield from _wrapped(f"edited in {change.file}: {said}", 6)
    if new.reason:
        quality = "" if new.quality in (None, "complete") else f"{new.quality}: "
        yield from _wrapped(f"{quality}{new.reason}", 6)
    if old is None or change.remeasured:
        return
    if new.quality == "complete" and old.quality != "complete":
        yield f"      complete again; it was {old.quality}"
    elif new.as_of and not (new.reason or change.edits or change.differences or change.guard) and _alike(old, new):
        yield f"      its newest reading is of {day(new.as_of.astimezone(zone))}"


def _alike(old: KeyResultLine, new: KeyResultLine) -> bool:
    return (old.value, old.standing.progress, old.standing.health) == (
        new.value,
        new.standing.progress,
        new.standing.health,
    )


def _held(change: KeyResultChange) -> bool:
    return change.approve is not None or (change.guard is not None and _held(change.guard))


def _stands(change: KeyResultChange, line: KeyResultLine) -> str:
    """Where it stands. Within a band or not is all that there is to say of one to be kept."""
    way = "" if isinstance(change.key_result.goal, Band) else f", {percent(line.standing.progress)} of the way"
    return f"{number(line.value)}{_unit(change)}{way}, {HEALTH_WORDS[line.standing.health]}"


def _both(change: KeyResultChange, old: KeyResultLine, new: KeyResultLine) -> str:
    progress = _moved(percent(old.standing.progress), percent(new.standing.progress))
    way = "" if isinstance(change.key_result.goal, Band) else f", {progress} of the way"
    health = _health(old.standing.health, new.standing.health).replace(" ", _UNBROKEN)
    return f"{_moved(number(old.value), number(new.value))}{_unit(change)}{way}, {health}"


def _unit(change: KeyResultChange) -> str:
    return f" {change.key_result.unit}" if change.key_result.unit else ""


def _records(change: KeyResultChange, zone: ZoneInfo) -> Iterator[str]:
    moved = change.differences
    for item in _first(moved.enters):
        yield from _item(" " if change.remeasured else "+", item, item.brings, "", zone)
    yield from _rest(moved.enters)
    for item in _first(moved.leaves):
        yield from _item("-", item, item.brings, item.left_out or "", zone)
    yield from _rest(moved.leaves)
    for before, item in _first(moved.brings):
        yield from _item("~", item, f"{before.brings} → {item.brings}", "", zone)
    yield from _rest(moved.brings)


def _first(items: Sequence[T]) -> Sequence[T]:
    return items[:_LISTED]


def _rest(items: Sequence[object]) -> Iterator[str]:
    if len(items) > _LISTED:
        yield f"      and {len(items) - _LISTED:,} more"


def _item(sign: str, item: Item, brings: str | None, why: str, zone: ZoneInfo) -> Iterator[str]:
    when = day(item.at.astimezone(zone)) if item.at else ""
    part = f"{item.part}: " if item.part else ""
    said = f"{brings}  " if brings is not None and brings != "1" else ""
    line = f"      {sign} {when:>6}  {part}{said}{item.label}  {item.title}"
    yield line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"
    if why:
        yield from _wrapped(why, 16)
    if item.url:
        yield f"{'':16}{item.url}"


def _removed(one: Removed) -> Iterator[str]:
    value = one.value
    stood = f"{number(value.number)}, {percent(value.progress)}, {HEALTH_WORDS[value.health]}"
    yield from _wrapped(f"- {one.id}: removed: no longer in any file; {one.file} had it. It stays at {stood}", 0)


def _moved(old: str, new: str) -> str:
    return new if old == new else f"{old} → {new}"


def _health(old: str, new: str) -> str:
    return _moved(HEALTH_WORDS[old], HEALTH_WORDS[new])


def _candidate(line: KeyResultLine) -> str:
    return "unknown" if line.candidate is None else number(line.candidate)


def _wrapped(text: str, indent: int) -> Iterator[str]:
    lines = text.splitlines() or [""]
    parts = (wrap(line, _WIDTH - indent, subsequent_indent="  ", break_on_hyphens=False) for line in lines)  # ids whole
    first, *rest = [part for wrapped in parts for part in wrapped] or [""]
    yield from (" " * indent + line.replace(_UNBROKEN, " ") for line in (first, *rest))
