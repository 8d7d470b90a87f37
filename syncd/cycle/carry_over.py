"""Moves the history of key results and periods to their new ids.

A key result names its old id in its mapping file (`moved: {from: OLD}`). A period counts as renamed under three
conditions. No file has the old id any more; the ledger does not have the new id yet; and both periods share most of
their days and key results.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from syncd.config import Config
from syncd.config.publications import WHOLE
from syncd.cycle.model import CarriedOver, CycleRequest, Moved
from syncd.ledger import Delivery, Ledger
from syncd.ledger.moves import Held, Move, Republished
from syncd.ledger.outbox import Place
from syncd.okr.goals import PeriodOkrs, is_guard
from syncd.okr.spans import Period
from syncd.publishing.due_deliveries import digest_of_statement
from syncd.publishing.overwriting import is_period_mark
from syncd.publishing.statements import as_json, of_json
from syncd.sdk import Json, Scalar, Statement


def carry_over(config: Config, ledger: Ledger, cycle: int, now: datetime) -> CarriedOver:
    """Makes the moves that the ledger does not have yet, in one transaction. The caller must hold the ledger's lock."""
    moves, refused = _pending(config, ledger, cycle, now)
    if not moves:
        return CarriedOver(refused=refused)
    moved = [Moved(move, _held(ledger, move, moves)) for move in moves]
    ledger.moves.carry_over(moves, _republished(config, ledger, moves))
    return CarriedOver(moved, refused)


@contextmanager
def carried_over_in_rehearsal(request: CycleRequest, cycle: int, now: datetime) -> Iterator[tuple[Ledger, CarriedOver]]:
    """Yields the ledger as it will be after the pending moves. The moves are rolled back at the end."""
    if not _pending(request.config, request.ledger, cycle, now)[0]:
        yield request.ledger, carry_over(request.config, request.ledger, cycle, now)
        return
    with request.ledger.rehearsal() as ledger:
        yield ledger, carry_over(request.config, ledger, cycle, now)


def _held(ledger: Ledger, move: Move, moves: Sequence[Move]) -> Held | None:
    if not move.key_result:
        return None
    before = {other.new: other.old for other in moves if not other.key_result}
    return ledger.moves.held(before.get(move.period, move.period), move.old)


def _pending(config: Config, ledger: Ledger, cycle: int, now: datetime) -> tuple[Sequence[Move], Sequence[str]]:
    moves: list[Move] = []
    refused: list[str] = []
    renamed = dict(renamed_periods(config, ledger))
    for okrs in config.periods:
        period = okrs.period.id
        if period in renamed:
            file = config.file_of(period, okrs.objectives[0].id)
            moves.append(Move(period, "", renamed[period], period, file, cycle, now))
        moved = [(kr.moved_from, kr.id) for kr in okrs.key_results if kr.moved_from is not None]
        kept_as = renamed.get(period, period)
        # Most `moved` lines are of old moves. Querying lifetimes costs more, the longer the history is.
        pending = ledger.moves.has_any(kept_as, [old for old, _ in moved])
        alive = ledger.moves.lifetimes(kept_as) if pending else {}
        for old, new in moved:
            if old not in alive:
                continue
            if new in alive and 0 < alive[new].first <= alive[old].last:
                refused.append(
                    f"{new} is moved from {old}, but the ledger has both at the same time in {period}: "
                    f"each keeps its own history; drop 'moved' from {new}"
                )
            else:
                moves.append(Move(period, new, old, new, config.file_of(period, new), cycle, now))
    return moves, refused


def renamed_periods(config: Config, ledger: Ledger) -> Iterator[tuple[str, str]]:
    """Yields (new id, old id) of each renamed period that the ledger still has under its old id."""
    kept, named = ledger.moves.periods(), {okrs.period.id for okrs in config.periods}
    new, gone = [okrs for okrs in config.periods if okrs.period.id not in kept], kept - named
    for okrs in new:
        alike = {old: shared for old in gone if (shared := _alike(okrs, old, ledger))}
        if alike:
            old = max(alike, key=lambda name: (alike[name], name))
            gone -= {old}
            yield okrs.period.id, old


def _alike(okrs: PeriodOkrs, old: str, ledger: Ledger) -> int:
    versions = ledger.definitions.of_period(old)
    if (before := versions[-1].definition.days(old)) is None:
        return 0  # an early version stored no days
    shared = {version.key_result for version in versions} & {
        name for kr in okrs.key_results for name in (kr.id, kr.moved_from)
    }
    names = {version.key_result for version in versions if not is_guard(version.key_result)}
    has_same_key_results = 2 * len(shared) >= max(len(okrs.key_results), len(names))
    has_same_days = 2 * _common_days(before, okrs.period) >= max(before.days, okrs.period.days)
    return len(shared) if has_same_key_results and has_same_days else 0


def _common_days(before: Period, now: Period) -> int:
    last, first = min(before.last, now.last), max(before.first, now.first)
    return max(0, (last - first + timedelta(days=1)).days)


def _republished(config: Config, ledger: Ledger, moves: Sequence[Move]) -> Republished:
    """The newest deliveries with the new ids of their key results and periods. Without this, a new id would publish a
    check-in a second time.
    """
    periods = {move.old: move.new for move in moves if not move.key_result}
    key_results = {(move.period, move.old): move.new for move in moves if move.key_result}
    newest = ledger.outbox.newest()
    targets: dict[tuple[str, str], str] = {}
    restated: dict[int, tuple[str, Mapping[str, Json]]] = {}
    for place, delivery in newest.items():
        period = periods.get(delivery.period, delivery.period)
        name = key_results.get((period, delivery.key_result), delivery.key_result)
        if name == WHOLE or (period, name) == (delivery.period, delivery.key_result):
            continue
        statement = of_json(delivery.statement)
        assert isinstance(statement, Statement)  # only a delivery of a whole period has a summary
        renamed = replace(statement, key_result=name, period=period)
        if name != delivery.key_result:  # a delivery that waits continues what is under the old id
            renamed = replace(renamed, former=(delivery.key_result, *statement.former))
        for publication in config.publications:
            if publication.connection.name != delivery.connection:
                continue
            target = publication.targets({name}).get(name, "")
            if target not in _with_new_id(delivery, name) or (place[0], target) in newest.keys() - {place}:
                continue
            if target != delivery.target:
                targets[place] = target
            restated[delivery.id] = digest_of_statement(publication, renamed), as_json(renamed)
    return Republished(_marks(ledger, newest, periods), targets, restated)


def _marks(
    ledger: Ledger, places: Collection[Place], periods: Mapping[str, str]
) -> Mapping[Place, Mapping[str, Sequence[Scalar]]]:
    if not periods:
        return {}

    def renamed(name: str, written: Sequence[Scalar]) -> Sequence[Scalar]:
        return [periods.get(str(value), value) for value in written] if is_period_mark(name) else written

    return {
        place: {name: renamed(name, written) for name, written in marks.items()}
        for place, marks in ledger.outbox.marks(places).items()
    }


def _with_new_id(delivery: Delivery, new: str) -> Collection[str]:
    target, old = delivery.target, delivery.key_result
    places = [index for index in range(len(target)) if target.startswith(old, index)]
    return {target, target.replace(old, new), *(target[:i] + new + target[i + len(old) :] for i in places)}
