"""Computes a period's state from a snapshot, with a judgement of each key result, link and objective. This module does
no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncd.ledger import KeptValue
from syncd.ledger.definitions import measure_digest
from syncd.okr.alignment import judge
from syncd.okr.checkins import CheckIn, confidence, made_by
from syncd.okr.checkins import standing as standing_checkin
from syncd.okr.goals import KeyResult, Objective, PeriodOkrs, Quality, Standing, expected, guarded, is_guard, standing
from syncd.okr.measures import is_dated
from syncd.okr.rollup import ObjectiveStanding, roll_up_all
from syncd.okr.spans import Period
from syncd.okr.words import day, goal, value_figure
from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked, original
from syncd.status.snapshot import Snapshot
from syncd.status.verdicts import JudgedLink, judged_link

_STALE_AFTER = timedelta(days=2)
WAITS = marked("no measure: it waits for a check-in")
"""The reason why a key result without measure is unknown."""


@dataclass(frozen=True, slots=True)
class KeyResultLine:
    """The state of a key result. `quality` is None if the key result was never measured. `candidate` is the number that
    waits for approval, if the value is held.

    `guard` is the line of the key result's guard; None without a guard. `checkin` is the check-in in force.
    `confidence` comes from the newest check-in with a confidence, or else from the mapping.
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

    `supporting` are the objectives that support this objective, each with its standing. The name of an objective of a
    shorter period includes that period.
    """

    objective: Objective
    standing: ObjectiveStanding
    key_results: Sequence[KeyResultLine]
    alignment: Sequence[JudgedLink]
    supporting: Sequence[tuple[str, ObjectiveStanding]] = ()

    @property
    def has_watermelon(self) -> bool:
        """Whether one of the objective's links is a watermelon: the output is on pace while the outcome is not,
        although the lag has passed.
        """
        return any(link.alignment.verdict == "watermelon" for link in self.alignment)


@dataclass(frozen=True, slots=True)
class Report:
    """The state of a period. `as_of` is the last instant that it covers. It is judged at `moment`, which is later only
    for a past day: the midnight that ends the day. `synced_at` is the time at which the last sync ended; None before
    the first sync.
    """

    period: Period
    as_of: datetime
    moment: datetime
    synced_at: datetime | None
    objectives: Sequence[ObjectiveBlock]

    @property
    def watermelons_first(self) -> Sequence[ObjectiveBlock]:
        """The objectives with a watermelon first, otherwise in the order of the files."""
        return sorted(self.objectives, key=lambda block: not block.has_watermelon)

    def block(self, objective: str) -> ObjectiveBlock:
        """The block of the objective with this id. Raises KeyError if there is no such objective."""
        return {block.objective.id: block for block in self.objectives}[objective]

    @property
    def lines(self) -> Sequence[KeyResultLine]:
        """The line of each key result, in the order of the objectives."""
        return [line for block in self.objectives for line in block.key_results]

    def line(self, key_result: str) -> KeyResultLine | None:
        """The line of the key result with this id; None if there is no such key result."""
        return next((line for line in self.lines if line.key_result.id == key_result), None)


def nothing_pulled(report: Report) -> str | None:
    """The next step if no stream was pulled yet, or for a past day only the fact; None if a stream was pulled."""
    if report.synced_at is not None:
        return None
    if report.as_of < report.moment:  # a past day
        return _("Nothing was pulled by %(day)s.", day=day(report.as_of))
    return _("Nothing was pulled yet: run `syncd sync`.")


def report_of(snapshot: Snapshot) -> Report:
    """The report of a snapshot: every key result, the verdict on each link, and the objectives with their rolled-up
    scores.
    """
    okrs, rules = snapshot.okrs, snapshot.rules
    lines = _lines(snapshot)
    of_shorter = [(shorter, _lines(shorter)) for shorter in snapshot.shorter]
    supporting, links = _supporting(okrs.period, of_shorter), _links_of_shorter(okrs, of_shorter)
    rolled_up = _roll_up(snapshot, {name: line.standing for name, line in lines.items()}, supporting)
    blocks = [
        ObjectiveBlock(
            objective,
            rolled_up[objective.id],
            [lines[kr.id] for kr in objective.key_results],
            [*_alignment(snapshot, objective.key_results, lines), *links.get(objective.id, ())],
            [
                *((other.id, rolled_up[other.id]) for other in okrs.supporting.get((objective.id, None), ())),
                *((f"{of.id} ({period})", standing) for of, period, standing in supporting.get(objective.id, ())),
            ],
        )
        for objective in okrs.objectives
    ]
    as_of, moment = (at.astimezone(rules.zone) for at in (snapshot.last_instant, snapshot.moment))
    return Report(okrs.period, as_of, moment, snapshot.synced_at, blocks)


def roll_up_snapshot(snapshot: Snapshot, standings: Mapping[str, Standing]) -> Mapping[str, ObjectiveStanding]:
    """The standing of each objective of a snapshot, from the standings of its key results."""
    of_shorter = [(shorter, _lines(shorter)) for shorter in snapshot.shorter]
    return _roll_up(snapshot, standings, _supporting(snapshot.okrs.period, of_shorter))


_Lines = Mapping[str, KeyResultLine]
_Supporting = Mapping[str, Sequence[tuple[Objective, str, ObjectiveStanding]]]
"""The objectives of shorter periods that support each objective, each with its period and standing."""


def _lines(snapshot: Snapshot) -> _Lines:
    return {kr.id: line_of(snapshot, kr) for kr in snapshot.okrs.key_results}


def _roll_up(
    snapshot: Snapshot, standings: Mapping[str, Standing], supporting: _Supporting
) -> Mapping[str, ObjectiveStanding]:
    of_shorter = {
        name: [(other.weight, standing) for other, _, standing in others] for name, others in supporting.items()
    }
    return roll_up_all(snapshot.okrs.objectives, standings, snapshot.rules.shares, of_shorter)


def _supporting(period: Period, of_shorter: Iterable[tuple[Snapshot, _Lines]]) -> _Supporting:
    by_objective: dict[str, list[tuple[Objective, str, ObjectiveStanding]]] = {}
    for shorter, lines in of_shorter:
        okrs, standings = shorter.okrs, {name: line.standing for name, line in lines.items()}
        rolled_up = roll_up_all(okrs.objectives, standings, shorter.rules.shares)
        for (supported, period_of_it), others in okrs.supporting.items():
            if period_of_it == period.id:
                own = ((other, okrs.period.id, rolled_up[other.id]) for other in others)
                by_objective.setdefault(supported, []).extend(own)
    return by_objective


def line_of(snapshot: Snapshot, key_result: KeyResult) -> KeyResultLine:
    """A key result's state in a snapshot."""
    span, now = snapshot.okrs.period.span, snapshot.moment
    checkins = snapshot.checkins.get(key_result.id, ())
    line = _line(snapshot, key_result)
    if checkins or key_result.confidence is not None:
        stated = confidence(checkins, span, now)
        line = replace(
            line,
            checkin=standing_checkin(checkins, span, now),
            confidence=key_result.confidence if stated is None else stated,
        )
    if key_result.guard is None:
        return line
    guard = _line(snapshot, key_result.guard)
    guard_reason = _guard_reason(guard)
    stands = guarded(line.standing, guard.standing, guard_reason)
    if stands == line.standing:
        return replace(line, guard=guard)
    # The reason of the number itself, such as a fall to none, comes before the reason of its guard.
    reason = "; ".join(filter(None, (line.reason, guard_reason)))
    return replace(line, standing=replace(stands, reason=reason), reason=reason, guard=guard)


def _alignment(snapshot: Snapshot, outputs: Iterable[KeyResult], lines: _Lines) -> Iterator[JudgedLink]:
    period = snapshot.okrs.period
    today = min(snapshot.last_instant.astimezone(period.zone).date(), period.last)
    for output in outputs:
        value = snapshot.values.get(output.id)
        for link in output.drives:
            outcome = lines.get(link.outcome) or _line_of_longer(snapshot, link.outcome)
            if outcome is None:
                continue  # the snapshot does not have its period
            sides = lines[output.id], outcome
            healths = sides[0].standing.health, sides[1].standing.health
            verdict = judge(output, link, healths, value.since if value else None, today)
            if link.period is not None:
                verdict = replace(verdict, periods=(period.id, link.period))
            kept = snapshot.links.get((output.id, link.outcome))
            yield judged_link(verdict, kept, *sides, over=snapshot.moment >= period.span.end)


def _line_of_longer(snapshot: Snapshot, outcome: str) -> KeyResultLine | None:
    in_longer = snapshot.key_result(outcome)
    return line_of(in_longer[1], in_longer[0]) if in_longer else None


def _links_of_shorter(
    okrs: PeriodOkrs, of_shorter: Iterable[tuple[Snapshot, _Lines]]
) -> Mapping[str, Sequence[JudgedLink]]:
    """The links from outputs of shorter periods to the outcomes of each objective, by the objective's id."""
    objective_of = {kr.id: objective.id for objective in okrs.objectives for kr in objective.key_results}
    by_objective: dict[str, list[JudgedLink]] = {}
    for shorter, lines in of_shorter:
        for link in _alignment(shorter, shorter.okrs.key_results, lines):
            if link.alignment.periods and link.alignment.outcome in objective_of:
                by_objective.setdefault(objective_of[link.alignment.outcome], []).append(link)
    return by_objective


def _guard_reason(guard: KeyResultLine) -> str:
    if guard.standing.health == "unknown":
        return _("its guard is unknown: %(reason)s", reason=guard.reason or _("no number"))
    value = value_figure(guard.key_result, guard.value)
    return _("its guard is broken: %(value)s is not %(goal)s", value=value, goal=goal(guard.key_result))


def _line(snapshot: Snapshot, kr: KeyResult) -> KeyResultLine:
    okrs, rules, now, kept = snapshot.okrs, snapshot.rules, snapshot.moment, snapshot.values.get(kr.id)
    span = okrs.period.span
    if kept is None:
        if kr.moved_from in snapshot.values:
            moves = _("the history of %(name)s is not moved yet: `syncd sync` does it", name=kr.moved_from)
            return _unmeasured(snapshot, kr, moves)
        begun = _("not pulled yet") if now >= span.start else _("the period has not begun")
        return _unmeasured(snapshot, kr, begun if kr.measure else _(WAITS))
    edited = kept.measure != measure_digest(kr.measure) and kr.id not in snapshot.unread
    frozen = now >= span.end + rules.settle and kept.confirmed is not None
    if edited and not frozen:
        waits = kr.measure is None and standing_checkin(snapshot.checkins.get(kr.id, ()), span, now) is None
        return _unmeasured(snapshot, kr, _(WAITS) if waits else _("its measure was edited, and is not pulled yet"))
    pulled_at = snapshot.times.get(kept.confirmed) if kept.confirmed is not None else None
    as_of = kept.at or (pulled_at if kr.measure else None)
    stands = standing(kr, kept.number, span, now, rules.shares)
    kept_reason = original(kept.reason) if kept.reason else None
    reason = _("its measure was edited after the period was frozen") if edited else kept_reason or stands.reason
    if now >= span.end + rules.settle and kept.confirmed is None and not is_guard(kr.id):
        tries = _("its period has settled, and %(command)s tries once more", command=f"`syncd sync --only {kr.id}`")
        reason = "; ".join(filter(None, (kept_reason, tries)))
    quality: Quality = kept.quality
    if quality != "complete":  # an outage makes nobody fall behind
        health = standing(kr, kept.number, span, pulled_at, rules.shares).health if pulled_at else kept.health
        stands = replace(stands, health=health, reason=reason)
    if quality == "stale":  # in the workspace that exports it
        stands = replace(stands, health="unknown", reason=reason)
    if (stale := _stale(snapshot, kr, kept, as_of)) is not None:
        reason = f"{stale}; {kept_reason}" if kept.quality != "complete" and kept_reason else stale
        quality = "held" if kept.quality == "held" else "stale"  # people can approve a held number
        stands = replace(stands, health="unknown", reason=reason)
    return KeyResultLine(kr, kept.number, stands, quality, as_of, reason, kept.candidate)


def _stale(snapshot: Snapshot, kr: KeyResult, kept: KeptValue, as_of: datetime | None) -> str | None:
    span, now = snapshot.okrs.period.span, snapshot.moment
    if kr.measure is None:
        checkin = made_by(snapshot.checkins.get(kr.id, ()), kept.at)
        if checkin is None or not checkin.expired(span, now):
            return None
        return _("the check-in of %(day)s has expired", day=day(checkin.as_of.astimezone(snapshot.rules.zone)))
    dated = kept.at is not None or is_dated(kr.measure)
    limit = kr.stale_after or (None if dated else _STALE_AFTER)
    age = min(now, span.end) - as_of if as_of is not None else timedelta()
    if limit is None or kept.number is None or age <= limit:
        return None
    if kept.at is not None:
        return _("the last reading is %(num)s days old", num=age.days)
    return _("the last good pull is %(num)s days old", num=age.days)


def _unmeasured(snapshot: Snapshot, kr: KeyResult, reason: str) -> KeyResultLine:
    ahead = expected(kr, snapshot.okrs.period.span, snapshot.moment)
    return KeyResultLine(kr, None, Standing(None, None, ahead, "unknown", reason), None, None, reason)
