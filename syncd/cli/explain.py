"""`syncd explain`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import chain
from pathlib import Path
from textwrap import wrap
from typing import Any
from zoneinfo import ZoneInfo

import typer

from syncd.cli import explain_links, explain_written
from syncd.cli.opening import chosen_key_result, chosen_plan, open_config, print_json, reading_ledger
from syncd.explain.evidence import Evidence, Part, evidence
from syncd.explain.items import Item
from syncd.explain.links import links_of
from syncd.explain.restatements import Restatement
from syncd.okr.measures import FormulaMeasure, Measure, RecordMeasure, leaves
from syncd.okr.spans import Span, midnight
from syncd.okr.words import HEALTH_WORDS, clock_time, day, goal, number, percent, place
from syncd.sdk import ConfigError
from syncd.status.document import checkin_document
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import KeyResultLine

_INSTANT = timedelta(microseconds=1)


def run(path: Path, key_result: str, *, at: str | None, period: str | None, as_json: bool) -> None:
    """Prints the whole evidence of a key result, as it is or as it was."""
    config, clock = open_config(path)
    now = clock()
    moment, is_day_end = _moment(at, config.zone, now) if at else (now, False)
    plan = chosen_plan(config, period, min(now, moment - _INSTANT if is_day_end else moment))
    ledger = reading_ledger(config)
    snapshots = Snapshots(config, plan, ledger)
    if moment >= now:
        snapshot = snapshots.now(now)
    else:
        snapshot = snapshots.at_end(moment) if is_day_end else snapshots.at(moment)
    shown = snapshot.last_instant
    chosen = chosen_key_result(snapshot.plan, key_result)
    found, links = evidence(snapshot, ledger, chosen), list(links_of(snapshot, ledger, chosen))
    written = explain_written.newest(snapshot, ledger, chosen.id)
    if as_json:
        more = {"alignment": explain_links.documents(links), "written": explain_written.documents(written, config.zone)}
        print_json(_document(found, shown, config.zone) | more)
        return
    deliveries = explain_written.lines(written, config.zone)
    for line in chain(_lines(found, shown, config.zone), explain_links.lines(links), deliveries):
        typer.echo(line)


def _moment(text: str, zone: ZoneInfo, now: datetime) -> tuple[datetime, bool]:
    """A time, or the midnight that ends a day, and whether it is that. ConfigError for what has not come yet."""
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--at is {text!r}; write a day as 2026-11-02, or a time as 2026-11-02T14:30") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    if moment > now:
        raise ConfigError(f"--at is {text}, which has not come yet; write a day that has")
    return (moment, False) if day is None else (midnight(day + timedelta(days=1), zone), True)


def _lines(found: Evidence, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    kr, value, line = found.key_result, found.value, found.line
    yield f"{kr.id}: {kr.title}"
    if value is None or (kr.measure is None and line.value is None):
        yield "  no value: " + ("not pulled yet" if kr.measure else "no measure; it waits for a check-in")
        yield from _checked_in(found, zone)
        return
    health = HEALTH_WORDS[line.standing.health]
    yield f"  {number(line.value)}  {goal(kr)}   {percent(line.standing.progress)} of the way, {health}"
    if line.quality not in (None, "complete"):
        yield f"  {line.quality}: {line.reason}"
    if found.edited:
        yield "  its measure was edited since; the next `syncd sync` measures it anew"
    for part in found.parts:
        yield from _part(part, zone)
    if found.parts:
        yield ""
    for stream in found.streams:
        when = clock_time(stream.completed_at.astimezone(zone)) if stream.completed_at else "never"
        yield f"stream    {stream.connection}: {stream.key}, last complete {when}"
        if stream.quality != "complete":
            rows = (
                f" ({stream.got:,} of {stream.expected:,} rows)" if stream.got is not None and stream.expected else ""
            )
            yield f"          last pull {stream.quality}: {stream.reason}{rows}"
        for note in stream.notes:
            yield f"          {note}"
    if isinstance(kr.measure, FormulaMeasure) and found.arithmetic:
        yield f"formula   {found.arithmetic}"
    if value.lacking:
        yield f"          {value.lacking} records lack {_field(kr.measure)} and are left out"
    for edit in found.definition_changes:
        said = f"edited    {clock_time(edit.at.astimezone(zone))} in {edit.file}: {edit}"
        yield from wrap(said, 80, subsequent_indent=" " * 10)
    for approval in found.approvals:
        when = clock_time(approval.at.astimezone(zone))
        yield f"approved  {when} by {approval.author}: {number(approval.old)} → {number(approval.new)}"
    yield from _checked_in(found, zone)
    if line.quality == "held":
        yield from _block(f"would count in {_waiting(line)}, which waits", found.candidate, zone)
    yield from _restated(found.restatements, zone)
    parts: list[str | None] = [part.name for part in found.parts] or ([None] if kr.measure else [])
    for part_name in parts:
        of = f" in {part_name}" if part_name else ""
        items = [item for item in found.items if item.part == part_name]
        yield from _block(f"counts{of}", [item for item in items if item.left_out is None], zone)
        rules: dict[str, list[Item]] = {}
        for item in items:
            if item.left_out is not None:
                rules.setdefault(item.left_out, []).append(item)
        for rule, left in sorted(rules.items(), key=lambda pair: -len(pair[1])):
            yield from _block(f"left out{of}: {rule}", left, zone)
    if found.guard is not None:
        yield ""
        yield "guard"
        yield from (f"  {said}" if said else "" for said in _lines(found.guard, now, zone))


def _part(part: Part, zone: ZoneInfo) -> Iterator[str]:
    measure, last = part.measure, (part.window.end - timedelta(microseconds=1)).astimezone(zone)
    yield ""
    if part.name:
        yield f"part      {part.name}"
    if isinstance(measure, RecordMeasure) and measure.take == "share":
        yield f"window    until {last:%Y-%m-%d}, included ({zone.key})"
    else:
        yield f"window    {part.window.start.astimezone(zone):%Y-%m-%d} to {last:%Y-%m-%d}, both included ({zone.key})"
    per = f" per {measure.per}" if measure.per else ""
    if isinstance(measure, RecordMeasure):
        of = f" of {measure.of}" if measure.of else ""
        yield f"measure   {measure.take}{of}{per}" + "".join(f"; {rule}" for rule in measure.filters)
    else:
        yield f"measure   {measure.take} of {place(measure.part)}{per}"
    yield f"number    {part.arithmetic}"


def _checked_in(found: Evidence, zone: ZoneInfo) -> Iterator[str]:
    for said, expired in found.checkins:
        value = number(said.value) if said.value is not None else None
        sure = f"confidence {percent(said.confidence)}" if said.confidence is not None else None
        given = ", ".join(filter(None, (value, sure)))
        at, until = (clock_time(moment.astimezone(zone)) for moment in (said.at, said.expires_at))
        by = f"{said.author}: {given}" if given else said.author
        yield f"check-in  {at} by {by}; {'expired' if expired else 'until'} {until}"
        yield from (f"          {part}" for part in wrap(said.note or "", 70))


def _field(measure: Measure | None) -> str:
    fields = {leaf.of for leaf in leaves(measure) if isinstance(leaf, RecordMeasure) and leaf.of}
    return " or ".join(sorted(fields)) or "a number"


def _waiting(line: KeyResultLine) -> str:
    return "unknown" if line.candidate is None else number(line.candidate)


def _restated(found: Sequence[Restatement], zone: ZoneInfo) -> Iterator[str]:
    if not found:
        return
    yield ""
    yield f"restated ({len(found)})"
    for one in found:
        after = "not measured since" if one.after is None else number(one.after)
        moved = f"{number(one.before)} → {after}  " if one.after != one.before else ""
        of = f"of {day(one.of.astimezone(zone))}, " if one.of else ""
        yield _fitting(f"  {day(one.at.astimezone(zone)):>6}  {one.label}  {one.title}")
        yield _fitting(f"          {moved}{of}{one.why}")


def _fitting(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


def _block(heading: str, items: Sequence[Item], zone: ZoneInfo) -> Iterator[str]:
    yield ""
    yield f"{heading} ({len(items)})"
    for item in items:
        when = day(item.at.astimezone(zone)) if item.at else ""
        brings = f"{item.brings:>8}  " if item.brings is not None and item.brings != "1" else ""
        text = f"  {when:>6}  {brings}{item.label}  {item.title}"
        yield _fitting(text) + (f"\n          {item.url}" if item.url else "")


def _document(found: Evidence, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    def time(moment: datetime | None) -> str | None:
        return moment.astimezone(zone).isoformat(timespec="seconds") if moment else None

    line = found.line
    return {
        "key_result": found.key_result.id,
        "title": found.key_result.title,
        "as_of": time(now),
        "value": line.value,
        "quality": line.quality,
        "reason": line.reason,
        "candidate": line.candidate,
        "progress": line.standing.progress,
        "score": line.standing.score,
        "expected": line.standing.expected,
        "health": line.standing.health,
        "window": _window(found.parts[0].window, zone) if found.parts else None,
        "parts": [
            {"name": part.name, "window": _window(part.window, zone), "arithmetic": part.arithmetic}
            for part in found.parts
        ],
        "streams": [
            {
                "connection": stream.connection,
                "key": stream.key,
                "completed_at": time(stream.completed_at),
                "quality": stream.quality,
                "reason": stream.reason,
                "got": stream.got,
                "expected": stream.expected,
                "notes": list(stream.notes),
            }
            for stream in found.streams
        ],
        "arithmetic": found.arithmetic,
        "counted": [_item(item, time(item.at)) for item in found.counted],
        "left_out": [
            {**_item(item, time(item.at)), "rule": item.left_out} for item in found.items if item.left_out is not None
        ],
        "candidate_counted": [_item(item, time(item.at)) for item in found.candidate],
        "approvals": [
            {
                "at": time(approval.at),
                "author": approval.author,
                "old": approval.old,
                "new": approval.new,
                "reason": approval.reason,
            }
            for approval in found.approvals
        ],
        "checkins": [{**checkin_document(said, zone), "expired": expired} for said, expired in found.checkins],
        "restatements": [
            {
                "at": time(one.at),
                "label": one.label,
                "title": one.title,
                "url": one.url or None,
                "of": time(one.of),
                "why": one.why,
                "before": one.before,
                "after": one.after,
            }
            for one in found.restatements
        ],
        "definition_changes": [
            {"at": time(edit.at), "file": edit.file, "key": edit.key, "old": edit.old, "new": edit.new}
            for edit in found.definition_changes
        ],
        "guard": _document(found.guard, now, zone) if found.guard else None,
    }


def _window(window: Span, zone: ZoneInfo) -> dict[str, str]:
    return {
        "start": window.start.astimezone(zone).isoformat(timespec="seconds"),
        "end": window.end.astimezone(zone).isoformat(timespec="seconds"),
    }


def _item(item: Item, at: str | None) -> dict[str, Any]:
    said = {"label": item.label, "title": item.title, "url": item.url or None, "at": at, "brings": item.brings}
    return said | ({"part": item.part} if item.part else {})
