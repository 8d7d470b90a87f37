"""Finds the key results that are stale, held, unknown or not complete, each with the reason and the next step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncd.okr.measures import ReadingMeasure, leaves
from syncd.okr.words import place
from syncd.review.model import Attention
from syncd.sdk.language import gettext as _
from syncd.status.report import KeyResultLine, Report

_NOT_WHOLE = ("held", "stale", "failed", "partial")


def attention(report: Report) -> Sequence[Attention]:
    """An entry for each problem that makes numbers of key results or guards unreliable. Key results with the same
    problem share an entry. Empty before the period begins.
    """
    names_by_cause: dict[tuple[str, str, str], list[str]] = {}
    if report.as_of >= report.period.span.start:
        for name, line in _lines(report):
            if line.standing.health == "unknown" or line.quality in _NOT_WHOLE:
                what = line.quality if line.quality in _NOT_WHOLE and line.quality else "unknown"
                cause = what, line.reason or _("it has no number"), _advice(name, line)
                names_by_cause.setdefault(cause, []).append(name)
    return [Attention(names, *cause) for cause, names in names_by_cause.items()]


def _lines(report: Report) -> Iterator[tuple[str, KeyResultLine]]:
    for block in report.objectives:
        for line in block.key_results:
            yield line.key_result.id, line
            if line.guard is not None:
                yield line.guard.key_result.id, line.guard


def _advice(name: str, line: KeyResultLine) -> str:
    kr = line.key_result
    if line.quality == "held":
        return _("If it is wrong, correct it in its source.")
    if kr.measure is None:
        command = f"`syncd checkin {name} --value N`"
        if kr.owner:
            return _("%(owner)s checks in with %(command)s.", owner=kr.owner, command=command)
        return _("Check in with %(command)s.", command=command)
    if line.quality is None:
        return _("`syncd sync` measures it.")
    if line.quality in ("failed", "partial"):
        return _("`syncd doctor` asks the connection what is wrong.")
    readings = [leaf for leaf in leaves(kr.measure) if isinstance(leaf, ReadingMeasure)]
    if line.quality == "stale" and readings:
        where = "; ".join(
            dict.fromkeys(f"{leaf.connection}: {place(leaf.part).partition('; ')[0]}" for leaf in readings)
        )
        return _("A new number belongs in %(place)s.", place=where)
    if line.quality == "stale":
        return _("`syncd doctor` asks the connection what is wrong.")
    if line.value is not None:
        return _("Its mapping file has no baseline for it: write one there.")
    return _("Correct it in the source; the next sync reads it.")
