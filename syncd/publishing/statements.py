"""Makes a statement about each key result of a report; converts statements to and from the JSON that the ledger
stores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, time
from typing import Any

from syncd.config import Config
from syncd.config.pages_address import pages_address
from syncd.ledger.moves import Move
from syncd.okr.goals import KeyResult, Target, expected
from syncd.okr.spans import Period
from syncd.okr.words import goal_bounds
from syncd.sdk import Statement, Summary
from syncd.status.report import KeyResultLine, ObjectiveBlock, Report

_KEPT = [field.name for field in fields(Statement) if field.name != "blank_unknown"]
"""The fields of a statement that the ledger stores. The field `blank_unknown` is not stored, because it depends on the
target's content at the time of the delivery.
"""


def statements(config: Config, report: Report, now: datetime, moves: Iterable[Move]) -> Iterator[Statement]:
    """The statement of every key result of a report, watermelons first. `moves` has the moves of the report's period,
    oldest first, and may have moves of other periods.
    """
    updated, address = now.astimezone(config.zone), pages_address(config)
    dawn = max(datetime.combine(updated.date(), time(), config.zone), report.period.span.start)
    owners = _owners_of_former_ids(report, moves)
    for block in report.watermelons_first:
        for line in block.key_results:
            statement = _statement(report.period, block, line, updated, dawn, address)
            yield replace(statement, former=_former_ids(line.key_result, owners))


def _owners_of_former_ids(report: Report, moves: Iterable[Move]) -> Mapping[str, str]:
    """Maps each id that a key result of the report's period had before to its present id, newest first. If several
    key results had an id, it belongs to the last of them; an id that a key result has now belongs to no other.
    """
    present = {line.key_result.id for block in report.objectives for line in block.key_results}
    owners: dict[str, str] = {}
    for move in reversed([move for move in moves if move.period == report.period.id and move.key_result]):
        if move.old not in present:
            owners.setdefault(move.old, move.key_result)
    return owners


def _former_ids(kr: KeyResult, owners: Mapping[str, str]) -> Sequence[str]:
    """The earlier ids of a key result, newest first. The file may name an id that the ledger never had."""
    of_file = [] if kr.moved_from is None else [kr.moved_from]
    of_ledger = [old for old, owner in owners.items() if owner in (kr.id, kr.moved_from)]
    return tuple(dict.fromkeys([*of_file, *of_ledger]))


def _statement(
    period: Period, block: ObjectiveBlock, line: KeyResultLine, updated: datetime, dawn: datetime, address: str | None
) -> Statement:
    kr, objective, standing = line.key_result, block.objective, line.standing
    goal = kr.goal if isinstance(kr.goal, Target) else None
    measured = line.value is not None
    return Statement(
        key_result=kr.id,
        title=kr.title,
        kind=kr.kind,
        unit=kr.unit,
        objective=objective.id,
        objective_title=objective.title,
        owner=kr.owner or objective.owner,
        period=period.id,
        value=line.value,
        baseline=goal.baseline if goal else None,
        target=goal.target if goal else None,
        progress=standing.progress if measured else None,
        score=standing.score if measured else None,
        expected=expected(kr, period.span, dawn),
        health=standing.health,
        quality=line.quality or "unknown",
        reason=line.reason,
        confidence=line.confidence,
        note=line.checkin.note if line.checkin else None,
        as_of=line.as_of.astimezone(updated.tzinfo) if line.as_of else None,
        updated=updated,
        evidence=f"{address}/?period={period.id}#{kr.id}" if address else None,
        value_bounds=tuple(sorted(goal_bounds(kr.goal))),
        progress_bounds=standing.bounds,
    )


def as_json(statement: Statement | Summary) -> dict[str, Any]:
    """A statement as the JSON that the ledger stores."""
    if isinstance(statement, Summary):
        return {"document": statement.document, "statements": [as_json(part) for part in statement.statements]}
    values = {name: getattr(statement, name) for name in _KEPT}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def of_json(kept: Mapping[str, Any]) -> Statement | Summary:
    """The statement that `as_json` turned into this JSON. A field that the JSON of an older version lacks is None."""
    if "document" in kept:
        return Summary(kept["document"], [_of_json(part) for part in kept["statements"]])
    return _of_json(kept)


def _of_json(kept: Mapping[str, Any]) -> Statement:
    values = {name: kept.get(name) for name in _KEPT}
    for name in ("value_bounds", "progress_bounds"):
        values[name] = tuple(kept.get(name) or ())
    former = values["former"] or ()
    values["former"] = (former,) if isinstance(former, str) else tuple(former)  # older versions stored only one
    for name in ("as_of", "updated"):
        values[name] = datetime.fromisoformat(str(kept[name])) if kept.get(name) else None
    return Statement(**values)  # type: ignore[arg-type]
