"""Where a period stands: what `status`, the dashboard and exports show. Read from the ledger and the mappings alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncd.config import Config
from syncd.ledger import KeptAlignment, KeptValue, Ledger, LinkId
from syncd.ledger.definitions import measure_digest
from syncd.okr.alignment import judge
from syncd.okr.checkins import CheckIn, confidence, made_by
from syncd.okr.checkins import standing as standing_one
from syncd.okr.goals import (
    KeyResult,
    Objective,
    Plan,
    Quality,
    Standing,
    expected,
    guarded,
    standing,
)
from syncd.okr.rollup import ObjectiveStanding, roll_up_all
from syncd.okr.spans import Period
from syncd.okr.words import day, goal, number
from syncd.status.verdicts import Judged, judged

_STALE_AFTER = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class KeyResultLine:
    """A key result as it stands; `quality` is None where it was never measured. `candidate` is of a held one.

    `guard` is the line of its own guard, where it has one; `checkin` the newest check-in that has not expired, and
    `confidence` what the last person said who was asked, else what the mapping says.
    """

    key_result: KeyResult
    value: float | None
    standing: Standing
    quality: Quality | None
    as_of: datetime | None
    reason: str | None
    candidate: float | None = None
    guard: KeyResultLine | None = None
    checkin: CheckIn | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class ObjectiveBlock:
    """An objective with its key results and the verdicts on its outputs' links.

    `supporting` are the objectives that name it as the one that they support.
    """

    objective: Objective
    standing: ObjectiveStanding
    key_results: Sequence[KeyResultLine]
    alignment: Sequence[Judged]
    supporting: Sequence[str] = ()

    @property
    def has_watermelon(self) -> bool:
        """Whether an output of its own is green and the outcome that it drives red."""
        return any(link.alignment.verdict == "watermelon" for link in self.alignment)


@dataclass(frozen=True, slots=True)
class Report:
    """A period as it stands. `synced_at` is when the last cycle ended, None before the first."""

    period: Period
    as_of: datetime
    synced_at: datetime | None
    objectives: Sequence[ObjectiveBlock]

    @property
    def watermelons_first(self) -> Sequence[ObjectiveBlock]:
        """The objectives as people should see them: those with a watermelon first, else as the files have them."""
        return sorted(self.objectives, key=lambda block: not block.has_watermelon)

    def block(self, objective: str) -> ObjectiveBlock:
        """The block of an objective; KeyError where there is none."""
        return {block.objective.id: block for block in self.objectives}[objective]

    def line(self, key_result: str) -> KeyResultLine | None:
        """The line of a key result."""
        lines = (line for block in self.objectives for line in block.key_results)
        return next((line for line in lines if line.key_result.id == key_result), None)


Reports = Sequence[tuple[Plan, Report]]
"""Reports with their plans, the one that people mean first."""


def choose_plan(config: Config, period: str | None, now: datetime) -> Plan | None:
    """The plan of a named period; else that of today, else the latest. None where no period has the name.

    Where periods overlap today, the shortest is the one that people mean.
    """
    if period is not None:
        return next((plan for plan in config.plans if plan.period.id == period), None)
    current = [plan for plan in config.plans if now in plan.period.span]
    if current:
        return min(current, key=lambda plan: plan.period.days)
    return config.plans[-1] if config.plans else None


def report(config: Config, plan: Plan, ledger: Ledger | None, now: datetime) -> Report:
    """The report of a plan's period. Without a ledger, before the first cycle, everything is unknown."""
    kept: Mapping[str, KeptValue] = ledger.values.last(plan.period.id) if ledger else {}
    times = ledger.cycles.times({value.confirmed for value in kept.values() if value.confirmed}) if ledger else {}
    last = ledger.cycles.last(pulled=True) if ledger else None
    said: Mapping[str, Sequence[CheckIn]] = ledger.checkins.of_period(plan.period.id, now) if ledger else {}
    lines = {kr.id: line_of(config, plan, kr, kept, times, now, said.get(kr.id, ())) for kr in plan.key_results}
    links: Mapping[LinkId, KeptAlignment] = ledger.alignments.last(plan.period.id) if ledger else {}
    return report_of(config, plan, lines, kept, links, last.ended_at if last else None, now)


def report_of(
    config: Config,
    plan: Plan,
    lines: Mapping[str, KeyResultLine],
    kept: Mapping[str, KeptValue],
    links: Mapping[LinkId, KeptAlignment],
    synced_at: datetime | None,
    now: datetime,
) -> Report:
    """The report that lines of all its key results make; `kept` are the values that they stand for.

    `links` is what the last cycle kept of the links between them.
    """
    standings = {name: line.standing for name, line in lines.items()}
    rolled_up = roll_up_all(plan.objectives, standings, config.shares)
    blocks = [
        ObjectiveBlock(
            objective,
            rolled_up[objective.id],
            [lines[kr.id] for kr in objective.key_results],
            list(_alignment(plan.period, objective, lines, kept, links, now)),
            [other.id for other in plan.objectives if other.supports == objective.id],
        )
        for objective in plan.objectives
    ]
    return Report(plan.period, now.astimezone(config.zone), synced_at, blocks)


def _alignment(
    period: Period,
    objective: Objective,
    lines: Mapping[str, KeyResultLine],
    kept: Mapping[str, KeptValue],
    links: Mapping[LinkId, KeptAlignment],
    now: datetime,
) -> Iterator[Judged]:
    today = min(now.astimezone(period.zone).date(), period.last)
    for output in objective.key_results:
        for link in output.drives:
            sides = lines[output.id], lines[link.outcome]
            since = kept[output.id].since if output.id in kept else None
            verdict = judge(output, link, (sides[0].standing.health, sides[1].standing.health), since, today)
            yield judged(verdict, links.get((output.id, link.outcome)), *sides)


def line_of(
    config: Config,
    plan: Plan,
    kr: KeyResult,
    kept: Mapping[str, KeptValue],
    times: Mapping[int, datetime],
    now: datetime,
    checkins: Sequence[CheckIn],
) -> KeyResultLine:
    """A key result as it stands by the values kept and its check-ins up to now, oldest first.

    `times` says when the cycles that confirmed the values ended.
    """
    span = plan.period.span
    sure = confidence(checkins, span, now)
    line = replace(
        _line(config, plan, kr, kept.get(kr.id), times, now, checkins),
        checkin=standing_one(checkins, span, now),
        confidence=kr.confidence if sure is None else sure,
    )
    if kr.guard is None:
        return line
    guard = _line(config, plan, kr.guard, kept.get(kr.guard.id), times, now)
    stands = guarded(line.standing, guard.standing, _said_of(guard))
    return replace(line, standing=stands, reason=stands.reason if stands != line.standing else line.reason, guard=guard)


def _said_of(guard: KeyResultLine) -> str:
    if guard.standing.health == "unknown":
        return f"its guard is unknown: {guard.reason or 'no number'}"
    return f"its guard is broken: {number(guard.value)} is not {goal(guard.key_result)}"


def _line(
    config: Config,
    plan: Plan,
    kr: KeyResult,
    kept: KeptValue | None,
    times: Mapping[int, datetime],
    now: datetime,
    checkins: Sequence[CheckIn] = (),
) -> KeyResultLine:
    span = plan.period.span
    waits = "no measure: it waits for a check-in"
    if kept is None:
        begun = "not pulled yet" if now >= span.start else "the period has not begun"
        return _unmeasured(kr, plan, now, begun if kr.measure else waits)
    edited = kept.measure != measure_digest(kr.measure)
    frozen = now >= span.end + config.settings.settle and kept.confirmed is not None
    if edited and not frozen:
        return _unmeasured(kr, plan, now, "its measure was edited, and is not pulled yet" if kr.measure else waits)
    pulled_at = times.get(kept.confirmed) if kept.confirmed is not None else None
    as_of = kept.at or pulled_at
    stands = standing(kr, kept.number, span, now, config.shares)
    reason = "its measure was edited after the period was frozen" if edited else kept.reason or stands.reason
    quality: Quality = kept.quality
    if quality != "complete" and stands.progress == kept.progress:  # else the goal was edited: its health is new
        stands = replace(stands, health=kept.health, reason=reason)
    if (stale := _stale(config, plan, kr, kept, as_of, now, checkins)) is not None:
        reason = f"{stale}; {kept.reason}" if kept.quality != "complete" and kept.reason else stale
        quality = "held" if kept.quality == "held" else "stale"  # what is held can be acted on, however old
        stands = replace(stands, health="unknown", reason=reason)
    return KeyResultLine(kr, kept.number, stands, quality, as_of, reason, kept.candidate)


def _stale(
    config: Config,
    plan: Plan,
    kr: KeyResult,
    kept: KeptValue,
    as_of: datetime | None,
    now: datetime,
    checkins: Sequence[CheckIn],
) -> str | None:
    """Why a number is too old to go by; None where it is not."""
    if kr.measure is None:
        given = made_by(checkins, kept.at)
        if given is None or not given.expired(plan.period.span, now):
            return None
        return f"the check-in of {day(given.at.astimezone(config.zone))} has expired"
    limit = kr.stale_after or (None if kept.at is not None else _STALE_AFTER)
    age = min(now, plan.period.span.end) - as_of if as_of is not None else timedelta()
    if limit is None or kept.number is None or age <= limit:
        return None
    what = "the last reading" if kept.at is not None else "the last good pull"
    return f"{what} is {age.days} days old"


def _unmeasured(kr: KeyResult, plan: Plan, now: datetime, reason: str) -> KeyResultLine:
    ahead = expected(kr, plan.period.span, now)
    return KeyResultLine(kr, None, Standing(None, None, ahead, "unknown", reason), None, None, reason)
