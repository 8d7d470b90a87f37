"""Detects changes since the last check, and makes an event of each.

Each subject, such as a key result or a link, has a state in one word. syncd notifies people of a subject's first state
only if this state is a watermelon, a held value, or a source that has failed for too long.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from syncd.config import Config
from syncd.ledger import Ledger, NewEvent
from syncd.okr.goals import KeyResult
from syncd.okr.measures import ReadingMeasure, leaves, stream_keys
from syncd.okr.words import HEALTH_WORDS, goal, percent, progress_figure, value_figure
from syncd.sdk import stream_name
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report

_NONE = "no"


@dataclass(frozen=True, slots=True)
class _Fact:
    """The present state of a subject (`is_now`). With `notable`, even the first state of the subject causes a
    message.
    """

    kind: str
    period: str
    subject: str
    owner: str | None
    heading: str
    is_now: str
    sentence: str
    notable: bool


def new_events(config: Config, ledger: Ledger, now: datetime, reports: Sequence[Report]) -> Iterator[NewEvent]:
    """Yields the events that follow from these reports and the present state of the streams. Without `notify:`, there
    are no events.
    """
    if config.settings.notify is None:
        return
    newest = ledger.events.newest()
    lines = [line for report in reports for block in report.objectives for line in block.key_results]
    measured = {line.key_result.id for line in lines if line.key_result.measure is not None}
    for fact in (*_of_reports(reports), *_of_streams(config, ledger, now)):
        was, cycle = newest.get((fact.kind, fact.period, fact.subject), (None, 0))
        if fact.is_now == (was or _NONE) or (was is None and fact.is_now == _NONE):
            continue
        is_sent = fact.kind in config.settings.notify.about and (was is not None or fact.notable)
        due: Literal["waiting", "unsure"] = "waiting"
        if is_sent and _may_have_been_sent(ledger, fact, cycle, measured):
            due = "unsure"
        yield NewEvent(
            fact.kind,
            fact.period,
            fact.subject,
            fact.owner,
            fact.heading,
            was,
            fact.is_now,
            fact.sentence,
            due if is_sent else "known",
        )


def _may_have_been_sent(ledger: Ledger, fact: _Fact, cycle: int, measured: Collection[str]) -> bool:
    """Whether a message about this state may have been sent between the backup and the restore. `cycle` is the cycle
    of the subject's newest event.

    The first syncs after a restore may fail to pull some sources. A change that follows from a number which has not
    been complete since the restore may therefore be the change that the ledger lacks.
    """
    restored_in = ledger.identity.restored_in
    if restored_in is None or cycle > restored_in:
        return False
    about = [name for name in fact.subject.split(" → ") if name in measured]
    return ledger.nothing_synced_since_restored() or any(
        ledger.may_have_been_stated(fact.period, name) for name in about
    )


def _of_reports(reports: Sequence[Report]) -> Iterator[_Fact]:
    seen: set[str] = set()  # key results and links; if two periods have the same, the first report counts
    for report in reports:
        for block in report.objectives:
            for line in block.key_results:
                if line.key_result.id not in seen:
                    seen.add(line.key_result.id)
                    yield from _of_line(report.period.id, block, line)
            outputs = {kr.id: kr for kr in block.objective.key_results}
            for link in block.alignment:
                name = f"{link.alignment.output} → {link.alignment.outcome}"
                if name in seen or not link.alignment.is_of(report.period.id):
                    continue
                seen.add(name)
                is_now = "watermelon" if link.alignment.verdict == "watermelon" else _NONE
                ended = f"{name} is no watermelon any more: {link.brief}"
                sentence = f"watermelon: {link.brief}" if is_now != _NONE else ended
                output = outputs[link.alignment.output]
                yield _of(report.period.id, block, output, "watermelon", name, is_now, sentence, notable=True)


def _of_line(period: str, block: ObjectiveBlock, line: KeyResultLine) -> Iterator[_Fact]:
    kr, standing = line.key_result, line.standing
    if line.quality is not None:  # it has been measured
        way = f", {progress_figure(standing)} of the way" if standing.progress is not None else ""
        due = f" ({percent(standing.expected)} expected)" if standing.progress is not None else ""
        why = f"; {line.reason}" if line.reason else ""
        value = f"{value_figure(kr, line.value)} ({goal(kr, line.value)})"
        sentence = f"{kr.id} is {HEALTH_WORDS[standing.health]}: {value}{way}{due}{why}"
        yield _of(period, block, kr, "health", kr.id, standing.health, sentence, notable=False)
    held = line.quality == "held"
    is_now = "held" if held else _NONE  # the number is left out: if it changes while it waits, nobody is notified again
    candidate = "unknown" if line.candidate is None else value_figure(kr, line.candidate)
    instead = f"{kr.id} is held at {candidate}, and its value stays {value_figure(kr, line.value)}: {line.reason}"
    sentence = instead if held else f"{kr.id} is held no more; it is {value_figure(kr, line.value)}"
    yield _of(period, block, kr, "held", kr.id, is_now, sentence, notable=True)


def _of(
    period: str,
    block: ObjectiveBlock,
    key_result: KeyResult,
    kind: str,
    subject: str,
    is_now: str,
    sentence: str,
    *,
    notable: bool,
) -> _Fact:
    owner = key_result.owner or block.objective.owner
    return _Fact(kind, period, subject, owner, block.objective.title, is_now, sentence, notable)


def _of_streams(config: Config, ledger: Ledger, now: datetime) -> Iterator[_Fact]:
    assert config.settings.notify is not None
    bound = config.settings.notify.failing_after
    needed: dict[str, dict[str, set[str]]] = {}  # the parts of each stream of each connection
    for okrs in config.periods:
        if okrs.period.span.start <= now < okrs.period.span.end + config.settings.settle:
            for leaf in (leaf for kr in okrs.measured for leaf in leaves(kr.measure)):
                for key in stream_keys(leaf):
                    parts = needed.setdefault(leaf.connection, {}).setdefault(key, set())
                    if isinstance(leaf, ReadingMeasure):
                        parts.add(leaf.part)
    for connection, streams in needed.items():
        failing = list(_failing(ledger, connection, streams, now, bound))
        longest = max((length for _, length in failing), default=timedelta())
        named = sorted({what for what, _ in failing})
        why = f"{connection} has failed for {_hours(longest)}: {', '.join(named[:3])}"
        is_now, sentence = ("failing", why) if failing else (_NONE, f"{connection} answers again")
        yield _Fact("failing", "", connection, None, "Sources", is_now, sentence, notable=True)


def _failing(
    ledger: Ledger, connection: str, needed: Mapping[str, set[str]], now: datetime, bound: timedelta
) -> Iterator[tuple[str, timedelta]]:
    """Yields each stream, or part of a stream, that has failed for longer than `bound`, and for how long."""
    for key, state in ledger.streams.states(connection).items():
        if key not in needed:
            continue
        since = state.completed_at or state.census_at  # if it was never complete, since its first pull
        if state.quality not in (None, "complete"):
            if since is not None and now - since > bound:
                yield f"{stream_name(key)} ({state.reason})", now - since
            continue
        for part in sorted(needed[key] & state.failed_since.keys()):
            if now - state.failed_since[part] > bound:
                yield f"{stream_name(key)} ({state.problems[part]})", now - state.failed_since[part]


def _hours(length: timedelta) -> str:
    hours = length // timedelta(hours=1)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours" if hours > 1 else "an hour"
