"""What is worth telling: what is otherwise than it was when it was last looked at.

Each subject has a state in one word. What it was when syncd first looked is known, and no news; but a watermelon, a
value that is held and a source that has failed for too long are told from the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.config import Config
from syncd.ledger import Ledger, NewEvent
from syncd.okr.measures import leaves, stream_keys
from syncd.okr.words import HEALTH_WORDS, goal, number, percent
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report

_NONE = "no"


@dataclass(frozen=True, slots=True)
class _Fact:
    """How a subject is now. `told` from the first, or only when it changes."""

    kind: str
    period: str
    subject: str
    owner: str | None
    heading: str
    is_now: str
    sentence: str
    told: bool


def news(config: Config, ledger: Ledger, now: datetime, reports: Sequence[Report]) -> Iterator[NewEvent]:
    """The events that these reports, and the streams as they stand, make. None without `notify:`."""
    if config.settings.notify is None:
        return
    known = ledger.events.newest()
    for fact in (*_of_reports(reports), *_of_streams(config, ledger, now)):
        was = known.get((fact.kind, fact.period, fact.subject))
        if fact.is_now == (was or _NONE) or (was is None and fact.is_now == _NONE):
            continue
        told = fact.kind in config.settings.notify.about and (was is not None or fact.told)
        yield NewEvent(
            fact.kind,
            fact.period,
            fact.subject,
            fact.owner,
            fact.heading,
            was,
            fact.is_now,
            fact.sentence,
            "waiting" if told else "known",
        )


def _of_reports(reports: Sequence[Report]) -> Iterator[_Fact]:
    seen: set[str] = set()  # key results and links; the plan that people mean comes first
    for report in reports:
        for block in report.objectives:
            for line in block.key_results:
                if line.key_result.id not in seen:
                    seen.add(line.key_result.id)
                    yield from _of_line(report.period.id, block, line)
            for link in block.alignment:
                name = f"{link.alignment.output} → {link.alignment.outcome}"
                if name in seen:
                    continue
                seen.add(name)
                is_now = "watermelon" if link.alignment.verdict == "watermelon" else _NONE
                over = f"{name} is no watermelon any more: {link.brief}"
                sentence = f"watermelon: {link.brief}" if is_now != _NONE else over
                yield _of(report.period.id, block, "watermelon", name, is_now, sentence, told=True)


def _of_line(period: str, block: ObjectiveBlock, line: KeyResultLine) -> Iterator[_Fact]:
    kr, stands = line.key_result, line.standing
    if line.quality is not None:  # before it was measured there is nothing to tell
        way = f", {percent(stands.progress)} of the way" if stands.progress is not None else ""
        due = f" ({percent(stands.expected)} expected)" if stands.progress is not None else ""
        why = f"; {line.reason}" if line.reason else ""
        sentence = f"{kr.id} is {HEALTH_WORDS[stands.health]}: {number(line.value)} ({goal(kr)}){way}{due}{why}"
        yield _of(period, block, "health", kr.id, stands.health, sentence, told=False)
    held = line.quality == "held"
    is_now = "held" if held else _NONE  # by whatever number: one that moves on while it waits is no news
    candidate = "unknown" if line.candidate is None else number(line.candidate)
    instead = f"{kr.id} is held at {candidate}, and its value stays {number(line.value)}: {line.reason}"
    sentence = instead if held else f"{kr.id} is held no more; it is {number(line.value)}"
    yield _of(period, block, "held", kr.id, is_now, sentence, told=True)


def _of(period: str, block: ObjectiveBlock, kind: str, subject: str, is_now: str, said: str, *, told: bool) -> _Fact:
    objective = block.objective
    return _Fact(kind, period, subject, objective.owner, objective.title, is_now, said, told)


def _of_streams(config: Config, ledger: Ledger, now: datetime) -> Iterator[_Fact]:
    assert config.settings.notify is not None
    bound = config.settings.notify.failing_after
    needed: dict[str, set[str]] = {}
    for plan in config.plans:
        if plan.period.span.start <= now < plan.period.span.end + config.settings.settle:
            for leaf in (leaf for kr in plan.measured for leaf in leaves(kr.measure)):
                needed.setdefault(leaf.connection, set()).update(stream_keys(leaf))
    for connection, keys in needed.items():
        failing = dict(_failing(ledger, connection, keys, now, bound))
        longest = max(failing.values(), default=timedelta())
        why = f"{connection} has failed for {_hours(longest)}: {', '.join(sorted(failing)[:3])}"
        is_now, said = ("failing", why) if failing else (_NONE, f"{connection} answers again")
        yield _Fact("failing", "", connection, None, "Sources", is_now, said, told=True)


def _failing(
    ledger: Ledger, connection: str, keys: set[str], now: datetime, bound: timedelta
) -> Iterator[tuple[str, timedelta]]:
    """Each stream that has failed for longer than the bound, with why, and for how long."""
    for key, state in ledger.streams.states(connection).items():
        since = state.completed_at or state.census_at  # one that never was complete: since it was begun
        failed = key in keys and state.quality not in (None, "complete")
        if failed and since is not None and now - since > bound:
            yield f"{key} ({state.reason})", now - since


def _hours(length: timedelta) -> str:
    hours = length // timedelta(hours=1)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours" if hours > 1 else "an hour"
