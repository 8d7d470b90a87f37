"""`syncd explain`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typer

from syncd.cli.opening import chosen_key_result, chosen_plan, open_config, print_json
from syncd.evidence import Evidence, Item, evidence
from syncd.ledger import open_ledger
from syncd.okr.measures import RecordMeasure
from syncd.okr.spans import midnight
from syncd.report import KeyResultLine
from syncd.restatements import Restatement
from syncd.sdk import ConfigError
from syncd.words import HEALTH_WORDS, clock_time, day, goal, number, percent, place


def run(path: Path, key_result: str, *, at: str | None, period: str | None, as_json: bool) -> None:
    """Prints the whole evidence of a key result, as it is or as it was."""
    config, clock = open_config(path)
    moment = _moment(at, config.zone) if at else None
    now = moment or clock()
    plan = chosen_plan(config, period, now)
    chosen = chosen_key_result(plan, key_result)
    ledger = open_ledger(config.ledger_url(), create=False)
    found = evidence(config, plan, chosen, ledger, clock(), moment)
    if as_json:
        print_json(_document(found, now, config.zone))
        return
    for line in _lines(found, now, config.zone):
        typer.echo(line)


def _moment(text: str, zone: ZoneInfo) -> datetime:
    """A day (its last instant) or a time."""
    try:
        if len(text) == 10:
            return midnight(date.fromisoformat(text) + timedelta(days=1), zone) - timedelta(microseconds=1)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--at is {text!r}; write a day as 2026-11-02, or a time as 2026-11-02T14:30") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _lines(found: Evidence, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    kr, value, line = found.key_result, found.value, found.line
    yield f"{kr.id}: {kr.title}"
    if value is None:
        yield "  no value: " + ("not pulled yet" if kr.measure else "no measure; it waits for a check-in")
        return
    health = HEALTH_WORDS[line.standing.health]
    yield f"  {number(line.value)}  {goal(kr)}   {percent(line.standing.progress)} of the way, {health}"
    if line.quality not in (None, "complete"):
        yield f"  {line.quality}: {line.reason}"
    if found.edited:
        yield "  its measure was edited since; the next `syncd sync` measures it anew"
    if kr.measure is not None and found.window is not None:
        last = (found.window.end - timedelta(microseconds=1)).astimezone(zone)
        yield ""
        yield f"window    {found.window.start.astimezone(zone):%Y-%m-%d} to {last:%Y-%m-%d}, both included ({zone.key})"
        if isinstance(kr.measure, RecordMeasure):
            of = f" of {kr.measure.of}" if kr.measure.of else ""
            yield f"measure   {kr.measure.take}{of}" + "".join(f"; {rule}" for rule in kr.measure.filters)
        else:
            yield f"measure   {kr.measure.take} of {place(kr.measure.part)}"
    for stream in found.streams:
        when = clock_time(stream.completed_at.astimezone(zone)) if stream.completed_at else "never"
        yield f"stream    {stream.connection}: {stream.key}, last complete {when}"
        if stream.quality != "complete":
            yield f"          now {stream.quality}: {stream.reason}"
        for note in stream.notes:
            yield f"          {note}"
    if found.arithmetic:
        yield f"number    {found.arithmetic}"
    if value.lacking:
        field = kr.measure.of if isinstance(kr.measure, RecordMeasure) else "a number"
        yield f"          {value.lacking} records lack {field} and are left out"
    for edited_at, name, old, new in found.definition_changes:
        yield f"edited    {clock_time(edited_at.astimezone(zone))}: {name}: {old} → {new}"
    for approval in found.approvals:
        when = clock_time(approval.at.astimezone(zone))
        yield f"approved  {when} by {approval.author}: {number(approval.old)} → {number(approval.new)}"
    if line.quality == "held":
        yield from _block(f"would count in {_waiting(line)}, which waits", found.candidate, zone)
    yield from _restated(found.restatements, zone)
    yield from _block("counts", found.counted, zone)
    rules: dict[str, list[Item]] = {}
    for item in found.items:
        if item.left_out is not None:
            rules.setdefault(item.left_out, []).append(item)
    for rule, items in sorted(rules.items(), key=lambda pair: -len(pair[1])):
        yield from _block(f"left out: {rule}", items, zone)


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
        "window": {"start": time(found.window.start), "end": time(found.window.end)} if found.window else None,
        "streams": [
            {
                "connection": stream.connection,
                "key": stream.key,
                "completed_at": time(stream.completed_at),
                "quality": stream.quality,
                "reason": stream.reason,
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
            {"at": time(when), "key": name, "old": old, "new": new} for when, name, old, new in found.definition_changes
        ],
    }


def _item(item: Item, at: str | None) -> dict[str, Any]:
    return {"label": item.label, "title": item.title, "url": item.url or None, "at": at, "brings": item.brings}
