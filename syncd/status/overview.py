"""A period at a glance: its report, the weekly movement of each objective and key result, and the doubtful numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from syncd.ledger import Ledger
from syncd.okr.goals import Health, standing
from syncd.okr.rollup import ObjectiveStanding, roll_up_all
from syncd.okr.spans import midnight
from syncd.okr.weeks import Week, weeks_of
from syncd.sdk.language import gettext as _
from syncd.sdk.language import ngettext
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report, report_of
from syncd.status.snapshot import Snapshot
from syncd.status.weekly import WeeklySeries

WORST_FIRST: Sequence[Health] = ("off_track", "at_risk", "unknown", "on_track", "done")
_TWO_WEEKS = 2


@dataclass(frozen=True, slots=True)
class ObjectiveOverview:
    """An objective, its score at the end of each week so far, and the change of its score in the last two weeks.

    A score is None if it was unknown. The change is None if the present score or the earlier score is unknown, or if a
    different number of key results had a score then.
    """

    block: ObjectiveBlock
    scores: Sequence[float | None]
    change: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of a period, the worst objective first. `weeks` holds the last day of each whole week so far, and
    `values` the values of each key result at the ends of those weeks.
    """

    report: Report
    objectives: Sequence[ObjectiveOverview]
    weeks: Sequence[date]
    values: Mapping[str, Sequence[float | None]]

    @property
    def sentence(self) -> str:
        """The state in a sentence: `2 of 4 objectives are off track. 1 watermelon. 1 number is unknown.`"""
        blocks = self.report.objectives
        if not blocks:
            return _("This period has no objectives.")
        health: dict[str, int] = {name: sum(block.standing.health == name for block in blocks) for name in WORST_FIRST}
        if health["unknown"] == len(blocks):
            state = _("No objective has a score yet.")
        else:
            worst = next((name for name in ("off_track", "at_risk") if health[name]), "on_track")
            state = _state(worst, health[worst], len(blocks))
        watermelons = sum(link.alignment.verdict == "watermelon" for block in blocks for link in block.alignment)
        unknown = sum(line.value is None for block in blocks for line in block.key_results)
        parts = [state]
        if watermelons:
            parts.append(ngettext("%(num)s watermelon.", "%(num)s watermelons.", watermelons))
        if unknown:
            parts.append(ngettext("%(num)s number is unknown.", "%(num)s numbers are unknown.", unknown))
        return " ".join(parts)

    @property
    def doubtful(self) -> Sequence[KeyResultLine]:
        """The key results whose value is unknown, or whose quality is not `complete`."""
        lines = (line for block in self.report.objectives for line in block.key_results)
        return [line for line in lines if line.value is None or line.quality not in (None, "complete")]


def overview_of(snapshot: Snapshot, ledger: Ledger | None) -> Overview:
    """The overview of a present or past snapshot. For a past moment, the overview shows the weeks up to that moment,
    computed from the rows that the ledger had then.
    """
    report = report_of(snapshot)
    weeks = [last for _, last in weeks_of(snapshot.okrs.period, snapshot.moment)]
    series = _weekly_series(snapshot, ledger)
    scores = list(_scores(snapshot, weeks, series))
    objectives = [
        ObjectiveOverview(
            block,
            [score[block.objective.id].score for score in scores],
            _change(block, [score[block.objective.id] for score in scores]),
        )
        for block in report.objectives
    ]
    objectives.sort(key=lambda each: (not each.block.has_watermelon, WORST_FIRST.index(each.block.standing.health)))
    values = {name: [week.value for week in every] for name, every in series.items()}
    return Overview(report, objectives, weeks, values)


def _weekly_series(snapshot: Snapshot, ledger: Ledger | None) -> Mapping[str, Sequence[Week]]:
    key_results = snapshot.okrs.key_results
    if ledger is None or not snapshot.cycle:
        return {kr.id: () for kr in key_results}
    with ledger.together(kr.measure for kr in key_results) as reading:
        cycle = snapshot.cycle if snapshot.past else None
        series = WeeklySeries(reading, snapshot.okrs, snapshot.values, snapshot.moment, cycle, ahead=key_results)
        return {kr.id: series.weeks(kr) for kr in key_results}


def _scores(
    snapshot: Snapshot, weeks: Sequence[date], series: Mapping[str, Sequence[Week]]
) -> Iterator[Mapping[str, ObjectiveStanding]]:
    """The standings of the objectives at the end of each week. A key result counts with its last value, or without a
    value while its last value is unknown.
    """
    okrs, shares, zone = snapshot.okrs, snapshot.rules.shares, snapshot.okrs.period.zone
    for index, day in enumerate(weeks):
        end = midnight(day + timedelta(days=1), zone)
        values = {name: every[index].carried for name, every in series.items() if index < len(every)}
        yield roll_up_all(
            okrs.objectives,
            {kr.id: standing(kr, values.get(kr.id), okrs.period.span, end, shares) for kr in okrs.key_results},
            shares,
        )


def _change(block: ObjectiveBlock, scores: Sequence[ObjectiveStanding]) -> float | None:
    """The present score minus the score two weeks before the end of the last complete week. None if one of the two
    scores is unknown, or if a different number of key results had a score then.
    """
    if len(scores) <= _TWO_WEEKS or block.standing.score is None:
        return None
    then = scores[-1 - _TWO_WEEKS]
    if then.score is None or then.scored != block.standing.scored:
        return None
    return block.standing.score - then.score


def _state(health: str, number: int, total: int) -> str:
    objectives = ngettext("%(num)s objective", "%(num)s objectives", total)
    match health:
        case "off_track":
            return ngettext(
                "%(num)s of %(objectives)s is off track.",
                "%(num)s of %(objectives)s are off track.",
                number,
                objectives=objectives,
            )
        case "at_risk":
            return ngettext(
                "%(num)s of %(objectives)s is at risk.",
                "%(num)s of %(objectives)s are at risk.",
                number,
                objectives=objectives,
            )
    return ngettext(
        "%(num)s of %(objectives)s is on track.",
        "%(num)s of %(objectives)s are on track.",
        number,
        objectives=objectives,
    )
