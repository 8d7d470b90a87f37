"""A plan as text for a terminal of 80 columns: the rows that enter, leave or change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TypeVar
from zoneinfo import ZoneInfo

from syncd.cli.lines import WIDTH, cut, rounded
from syncd.cli.moved import moves
from syncd.cli.progress import failures, not_sent
from syncd.cli.sync import NOTHING_OPEN
from syncd.cycle.plan_changes import KeyResultChange, ObjectiveChange, PeriodChanges, Planned, Removed
from syncd.explain.items import Item
from syncd.okr.goals import Band
from syncd.okr.words import (
    HEALTH_WORDS,
    SCORE_WORDS,
    activity_figure,
    clock_time,
    count,
    day,
    goal_bounds,
    number,
    percent,
    progress_figure,
    score_figure,
    value_figure,
)
from syncd.publishing.overwriting import shown
from syncd.publishing.preview import Preview
from syncd.status.report import KeyResultLine
from syncd.status.verdicts import VERDICT_SIGNS, VERDICT_WORDS

_LISTED = 20
_NAMED = 3  # key results listed for one problem
_UNBROKEN = "\N{NO-BREAK SPACE}"  # a space where a line must not end; printed as a plain space
T = TypeVar("T")


def render(planned: Planned, zone: ZoneInfo) -> Iterator[str]:
    """The lines of a plan; only addresses make a line wider than 80 columns."""
    for period in planned.periods:
        if period:
            yield from _period(period, planned, zone)
    for period in planned.periods:
        for line, command in period.waiting:
            yield from _wrapped(f"{line.key_result.id} waits already, with {_candidate(line)}: `{command}`", 0)
    yield from _publish(planned.publish)
    for sentence in [*moves(planned.result), *not_sent(planned.result)]:
        yield from _wrapped(sentence, 0)
    yield _summary(planned)


def publisher_failures(planned: Planned) -> Iterator[str]:
    """The lines for the publishers that failed, for standard error."""
    yield from _problems([preview for preview in planned.publish if preview.failed])


def _publish(previews: Sequence[Preview]) -> Iterator[str]:
    """The changes that syncd would write to each target, each with the old and the new content. Then the targets that
    cannot be written to, with the reasons.
    """
    writable = [preview for preview in previews if preview.changes and not preview.problem]
    unwritable = [preview for preview in previews if preview.problem and not preview.failed]
    if not writable and not unwritable:
        return
    yield "what would be written"
    for preview in writable[:_LISTED]:
        owner = f"{preview.key_result} → " if preview.key_result else ""
        yield from _wrapped(f"{owner}{preview.connection}: {preview.target}", 2)
        for change in preview.changes:
            if change.foreign:
                text = f"! {change.where} holds {shown(change.old)}, which syncd did not write: left alone"
            else:
                before = "" if change.old is None else f"{shown(change.old)} → "
                text = f"{'+' if change.old is None else '~'} {change.where}  {before}{shown(change.new)}"
            yield from _wrapped(text, 6)
    if len(writable) > _LISTED:
        yield f"  and {len(writable) - _LISTED:,} more: `syncd plan --json` lists them all"
    yield from _problems(unwritable)
    yield ""


def _problems(previews: Sequence[Preview]) -> Iterator[str]:
    """An entry for each problem, with some of the affected key results."""
    names_by_problem: dict[tuple[str, str], list[str]] = {}
    for preview in previews:
        names = names_by_problem.setdefault((preview.connection, preview.problem or ""), [])
        names.append(preview.key_result or preview.target)
    for (connection, problem), names in names_by_problem.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield from _wrapped(f"✗ {connection}: {', '.join(names[:_NAMED])}{more}: {problem}", 2)


def _summary(planned: Planned) -> str:
    failed = f", {len(failures(planned.result))} failed" if planned.result.failures else ""
    streams = count(len(planned.result.pulls), "stream") + failed
    if not planned.measured:
        return NOTHING_OPEN
    if not any(planned.periods) and not planned.result.carried_over.moved:
        measured = count(planned.measured, "key result")
        return f"Nothing would change: {measured}, {streams}, as of {clock_time(planned.as_of)}"
    changed = sum(len(period.key_results) for period in planned.periods)
    removed = sum(len(period.removed) for period in planned.periods)
    held = sum(_held(change) for period in planned.periods for change in period.key_results)
    more = (f", {held} held" if held else "") + (f", {removed} removed" if removed else "")
    return f"{changed} of {count(planned.measured, 'key result')} would change{more}; {streams}"


def _period(period: PeriodChanges, planned: Planned, zone: ZoneInfo) -> Iterator[str]:
    as_of = f"as of {clock_time(planned.as_of)} ({zone.key})"
    yield from _wrapped(f"{period.period.id}   what a sync would change, {as_of}", 0)
    if period.days_edited:
        yield "edited: the period's days, its time zone or the shares of health"
    yield ""
    for verdict in period.verdicts:
        old, new = verdict.old.alignment.verdict, verdict.new.alignment.verdict
        label = f"{VERDICT_SIGNS[new]} {VERDICT_WORDS[new]} (was {VERDICT_WORDS[old]})"
        yield from _wrapped(f"{label}: {verdict.new.brief}", 0)
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
            yield from _objective(standing)
        for change in within:
            yield from _key_result(change, change.key_result.id.ljust(width), zone)
        yield ""
    for removed in period.removed:
        yield from _removed(removed)
    if period.removed:
        yield ""


def _objective(change: ObjectiveChange) -> Iterator[str]:
    old, new = change.old, change.new
    what, score = SCORE_WORDS[change.objective.rollup], _moved(score_figure(old), score_figure(new))
    line = f"  {what} {score}  {_health(old.health, new.health)}"
    if new.activity is not None or old.activity is not None:
        line += f"     activity {_moved(activity_figure(old), activity_figure(new))}"
    yield line
    if change.edits:
        edits = ", ".join(str(edit) for edit in change.edits)
        yield from _wrapped(f"edited in {change.file}: {edits}", 6)


def _key_result(change: KeyResultChange, name: str, zone: ZoneInfo) -> Iterator[str]:
    old, new = change.old, change.new
    if old is None or change.remeasured:
        yield from _wrapped(f"{'~' if old else '+'} {name}  {_stands(change, new)}", 2)
    else:
        yield from _wrapped(f"~ {name}  {_both(change, old, new)}", 2)
    yield from _why(change, zone)
    heading = ""
    if change.approve is not None:
        heading = f"what would count in {_candidate(new)} if you approve it:"
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
        yield from _wrapped(f"measured differently before: {_stands(change, old)}", 6)
    if change.edits:
        edits = ", ".join(str(edit) for edit in change.edits)
        yield from _wrapped(f"edited in {change.file}: {edits}", 6)
    if new.quality in ("failed", "partial"):  # the reason is listed with the failures
        yield f"      pull {new.quality}: {'no value yet' if new.value is None else 'the last value stays'}"
    elif new.reason:
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
    """The value, the progress and the health. A band has no progress: the value is inside or outside."""
    if line.value is None:
        return "unknown"
    way = "" if isinstance(change.key_result.goal, Band) else f", {progress_figure(line.standing)} of the way"
    return f"{value_figure(line.key_result, line.value)}{_unit(change)}{way}, {HEALTH_WORDS[line.standing.health]}"


def _both(change: KeyResultChange, old: KeyResultLine, new: KeyResultLine) -> str:
    progress = _moved(progress_figure(old.standing), progress_figure(new.standing))
    way = "" if isinstance(change.key_result.goal, Band) else f", {progress} of the way"
    health = _health(old.standing.health, new.standing.health).replace(" ", _UNBROKEN)
    value = _moved(*(value_figure(line.key_result, line.value) for line in (old, new)))
    return f"{value}{_unit(change)}{way}, {health}"


def _unit(change: KeyResultChange) -> str:
    return f" {change.key_result.unit}" if change.key_result.unit else ""


def _records(change: KeyResultChange, zone: ZoneInfo) -> Iterator[str]:
    differences = change.differences
    for item in _first(differences.enters):
        yield from _item(" " if change.remeasured else "+", item, _brings(change, item), "", zone)
    yield from _rest(differences.enters)
    for item in _first(differences.leaves):
        yield from _item("-", item, _brings(change, item), item.left_out or "", zone)
    yield from _rest(differences.leaves)
    for before, item in _first(differences.brings):
        yield from _item("~", item, f"{before.brings} → {item.brings}", "", zone)
    yield from _rest(differences.brings)


def _brings(change: KeyResultChange, item: Item) -> str:
    return "" if item.brings in (None, "1") else rounded(item.brings or "", goal_bounds(change.key_result.goal))


def _first(items: Sequence[T]) -> Sequence[T]:
    return items[:_LISTED]


def _rest(items: Sequence[object]) -> Iterator[str]:
    if len(items) > _LISTED:
        yield f"      and {len(items) - _LISTED:,} more"


def _item(sign: str, item: Item, brings: str, why: str, zone: ZoneInfo) -> Iterator[str]:
    when = day(item.at.astimezone(zone)) if item.at else ""
    part = f"{item.part}: " if item.part else ""
    number = f"{brings}  " if brings else ""
    yield cut(f"      {sign} {when:>6}  {part}{number}{item.label}  {item.title}")
    if why:
        yield from _wrapped(why, 16)
    if item.url:
        yield f"{'':16}{item.url}"


def _removed(removed: Removed) -> Iterator[str]:
    value = removed.value
    progress = percent(value.progress, (0.0, 1.0))
    last = f"{number(value.number, bounds=removed.bounds)}, {progress}, {HEALTH_WORDS[value.health]}"
    text = f"- {removed.id}: removed: no longer in any file; {removed.file} had it. It stays at {last}"
    yield from _wrapped(text, 0)


def _moved(old: str, new: str) -> str:
    return new if old == new else f"{old} → {new}"


def _health(old: str, new: str) -> str:
    return _moved(HEALTH_WORDS[old], HEALTH_WORDS[new])


def _candidate(line: KeyResultLine) -> str:
    return "unknown" if line.candidate is None else value_figure(line.key_result, line.candidate)


def _wrapped(text: str, indent: int) -> Iterator[str]:
    lines = wrap(text, WIDTH - indent, subsequent_indent="  ", break_on_hyphens=False) or [""]  # ids are not broken
    yield from (" " * indent + line.replace(_UNBROKEN, " ") for line in lines)
