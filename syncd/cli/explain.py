"""`syncd explain`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from syncd.cli import explain_links, explain_written
from syncd.cli.lines import cut, labelled, rounded, wrapped
from syncd.cli.opening import open_config, print_json, reading_ledger
from syncd.cli.output import say
from syncd.explain.deliveries import newest_deliveries
from syncd.explain.documents import explanation
from syncd.explain.evidence import Evidence, Part
from syncd.explain.evidence import evidence as evidence_of
from syncd.explain.items import Item
from syncd.explain.links import links_of
from syncd.explain.requests import open_requests, whole_words
from syncd.ledger import Ledger
from syncd.okr.day_texts import past_moment
from syncd.okr.goals import KeyResult
from syncd.okr.measures import FormulaMeasure, Measure, RecordMeasure, leaves
from syncd.okr.spans import Span
from syncd.okr.words import (
    HEALTH_WORDS,
    clock_time,
    count,
    day,
    goal,
    goal_bounds,
    progress_figure,
    value_figure,
)
from syncd.sdk import stream_name
from syncd.status.checkin_words import content_words
from syncd.status.choosing import chosen_period, explained_key_result
from syncd.status.read_snapshots import Snapshots
from syncd.status.snapshot import Snapshot

_INSTANT = timedelta(microseconds=1)


def run(
    path: Path, key_result_id: str, *, at: str | None, period: str | None, as_json: bool, workspace: str | None = None
) -> None:
    """Prints all the evidence of a key result, as of now or of a past time."""
    config, clock = open_config(path, workspace, thorough=False)
    now = clock()
    moment, is_day_end = past_moment(at, config.zone, now) if at is not None else (now, False)
    okrs = chosen_period(config, period, min(now, moment - _INSTANT if is_day_end else moment))
    ledger = reading_ledger(config)
    snapshots = Snapshots(config, okrs, ledger)
    if moment >= now:
        snapshot = snapshots.now(now)
    else:
        snapshot = snapshots.at_end(moment) if is_day_end else snapshots.at(moment)
    key_result = explained_key_result(snapshot, key_result_id, config)
    if as_json:
        print_json(explanation(snapshot, ledger, key_result))
        return
    for line in explanation_lines(snapshot, ledger, key_result, config.zone):
        say(line)


def explanation_lines(
    snapshot: Snapshot, ledger: Ledger | None, key_result: KeyResult, zone: ZoneInfo
) -> Iterator[str]:
    """All the evidence of a key result in a snapshot, as text."""
    yield from _lines(evidence_of(snapshot, ledger, key_result), snapshot.okrs.period.span, zone)
    for request in open_requests(ledger, snapshot, key_result.id):
        yield from labelled(
            "asked", f"{clock_time(request.at.astimezone(zone))}: {whole_words(request, key_result, zone)}"
        )
    yield from explain_links.lines(list(links_of(snapshot, ledger, key_result)))
    yield from explain_written.lines(newest_deliveries(snapshot, ledger, key_result.id), zone)


def _lines(evidence: Evidence, span: Span, zone: ZoneInfo) -> Iterator[str]:
    key_result, line = evidence.key_result, evidence.line
    yield from wrapped(f"{key_result.id}: {key_result.title}", rest="  ")
    if evidence.value is None or (key_result.measure is None and line.value is None):
        yield f"  no value: {line.reason}"
        yield from _edits(evidence, zone)
        yield from _checkins(evidence, span, zone)
        return
    yield from _standing(evidence)
    for part in evidence.parts:
        yield from part_lines(part, zone)
    if evidence.parts:
        yield ""
    yield from _streams(evidence, zone)
    if isinstance(key_result.measure, FormulaMeasure) and evidence.arithmetic:
        yield from labelled("formula", evidence.arithmetic)
    if lacking := evidence.value.lacking:
        verb = "lacks" if lacking == 1 else "lack"
        yield from labelled("", f"{count(lacking, 'record')} {verb} {_field(key_result.measure)}: left out")
    yield from _edits(evidence, zone)
    for approval in evidence.approvals:
        when = clock_time(approval.at.astimezone(zone))
        moved = f"{value_figure(evidence.key_result, approval.old)} → {value_figure(evidence.key_result, approval.new)}"
        yield from labelled("approved", f"{when} by {approval.by}: {moved}")
    yield from _checkins(evidence, span, zone)
    yield from _items(evidence, zone)
    if evidence.guard is not None:
        yield ""
        yield "guard"
        yield from (f"  {text}" if text else "" for text in _lines(evidence.guard, span, zone))


def _standing(evidence: Evidence) -> Iterator[str]:
    line = evidence.line
    progress = f"{progress_figure(line.standing)} of the way, " if line.standing.progress is not None else ""
    health = HEALTH_WORDS[line.standing.health]
    aim = goal(evidence.key_result, line.value)
    yield f"  {value_figure(evidence.key_result, line.value)}  {aim}   {progress}{health}"
    if line.quality not in (None, "complete"):
        yield from wrapped(f"{line.quality}: {line.reason}", "  ")
    if evidence.edited:
        yield "  its measure was edited since; the next `syncd sync` measures it again"


def part_lines(part: Part, zone: ZoneInfo) -> Iterator[str]:
    """The window, the measure and the arithmetic of a number, or of a part of a formula."""
    measure, last = part.measure, part.window.last_instant.astimezone(zone)
    yield ""
    if part.name:
        yield f"part      {part.name}"
    if isinstance(measure, RecordMeasure) and measure.take == "share":
        yield f"window    until {last:%Y-%m-%d}, included ({zone.key})"
    else:
        yield f"window    {part.window.start.astimezone(zone):%Y-%m-%d} to {last:%Y-%m-%d}, both included ({zone.key})"
    yield from labelled("measure", part.words)
    yield from labelled("number", part.arithmetic)


def _streams(evidence: Evidence, zone: ZoneInfo) -> Iterator[str]:
    for stream in evidence.streams:
        when = clock_time(stream.completed_at.astimezone(zone)) if stream.completed_at else "never"
        yield from labelled("stream", f"{stream.connection}: {stream_name(stream.key)}, last complete {when}")
        if stream.quality != "complete":
            has_count = stream.got is not None and stream.expected
            rows = f" ({stream.got:,} of {stream.expected:,} rows)" if has_count else ""
            yield from labelled("", f"last pull {stream.quality}: {stream.reason}{rows}")
        for note in stream.notes:
            yield from labelled("", note)


def _edits(evidence: Evidence, zone: ZoneInfo) -> Iterator[str]:
    for edit in evidence.definition_changes:
        yield from labelled("edited", f"{clock_time(edit.at.astimezone(zone))} in {edit.file}: {edit}")


def _checkins(evidence: Evidence, span: Span, zone: ZoneInfo) -> Iterator[str]:
    for checkin, expired in evidence.checkins:
        given = content_words(checkin, evidence.key_result)
        at, expiry = (clock_time(moment.astimezone(zone)) for moment in (checkin.at, checkin.expires_at))
        until = f"; {'expired' if expired else 'until'} {expiry}" if checkin.expires(span) else ""
        by = f"{checkin.by}: {given}"
        dated = f"of {day(checkin.dated.astimezone(zone))}, made " if checkin.dated else ""
        yield from labelled("check-in", f"{dated}{at} by {by}{until}")
        if checkin.note:
            yield from labelled("", checkin.note)
        if checkin.withdrawn is not None:
            when, why = clock_time(checkin.withdrawn.at.astimezone(zone)), checkin.withdrawn.note
            yield from labelled("", f"withdrawn {when} by {checkin.withdrawn.by}{f': {why}' if why else ''}")


def _field(measure: Measure | None) -> str:
    fields = {leaf.of_text for leaf in leaves(measure) if isinstance(leaf, RecordMeasure) and leaf.of_text}
    return " or ".join(sorted(fields)) or "a number"


def _items(evidence: Evidence, zone: ZoneInfo) -> Iterator[str]:
    """The rows that would count, the restatements, the rows that count, and the rows that each rule excludes."""
    if evidence.line.quality == "held":
        waiting = value_figure(evidence.key_result, evidence.line.candidate, "unknown")
        yield from _block(
            f"would count in {waiting}, which waits ({len(evidence.candidate)})", evidence.candidate, evidence, zone
        )
    yield from _restated(evidence, zone)
    measured = [None] if evidence.key_result.measure else []
    for name in [part.name for part in evidence.parts] or measured:
        of = f" in {name}" if name else ""
        items = [item for item in evidence.items if item.part == name]
        counted = [item for item in items if item.left_out is None]
        yield from _block(f"counts{of} ({len(counted)})", counted, evidence, zone)
        for remark in sorted({item.remark for item in counted if item.remark}):
            remarked = [item for item in counted if item.remark == remark]
            yield from _block(f"of these{of} ({len(remarked)}): {remark}", remarked, evidence, zone)
        rules: dict[str, list[Item]] = {}
        for item in items:
            if item.left_out is not None:
                rules.setdefault(item.left_out, []).append(item)
        for rule, left_out in sorted(rules.items(), key=lambda pair: -len(pair[1])):
            yield from _block(f"left out{of} ({len(left_out)}): {rule}", left_out, evidence, zone)


def _restated(evidence: Evidence, zone: ZoneInfo) -> Iterator[str]:
    if not evidence.restatements:
        return
    yield ""
    yield f"restated ({len(evidence.restatements)})"
    for restatement in evidence.restatements:
        before, after = restatement.before, restatement.after
        old = value_figure(evidence.key_result, before)
        new = value_figure(evidence.key_result, after, "not measured since")
        moved = f"{old} → {new}  " if after != before else ""
        of = f"of {day(restatement.of.astimezone(zone))}, " if restatement.of else ""
        when = day(restatement.at.astimezone(zone))
        yield cut(f"  {when:>6}  {restatement.label}  {restatement.title}".rstrip())
        yield from wrapped(f"{moved}{of}{restatement.why}", " " * 10)


def _block(heading: str, items: Sequence[Item], evidence: Evidence, zone: ZoneInfo) -> Iterator[str]:
    bounds = goal_bounds(evidence.key_result.goal)
    yield ""
    yield from wrapped(heading, rest="  ")
    for item in items:
        when = day(item.at.astimezone(zone)) if item.at else ""
        brings = f"{rounded(item.brings, bounds):>8}  " if item.brings is not None and item.brings != "1" else ""
        yield cut(f"  {when:>6}  {brings}{item.label}  {item.title}")
        if item.url:
            yield f"{'':10}{item.url}"
