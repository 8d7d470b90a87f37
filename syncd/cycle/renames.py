"""Key results that look renamed: a key result is no longer in any file, a new key result has the same measure, and the
file does not say `moved`.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncd.cycle.model import CycleRequest, LooksRenamed, Measured
from syncd.ledger import Ledger
from syncd.ledger.definitions import measure_digest
from syncd.okr.goals import PeriodOkrs, is_guard


def renames(request: CycleRequest, measured: Measured) -> Iterator[LooksRenamed]:
    """Yields pairs of key results: one that the next sync would measure as new, and an earlier one that may be the
    same.

    Call it before the definitions of the cycle are stored. Key results without a measure are paired if they have the
    same title.
    """
    kept = {name for name, measurement in measured.items() if measurement.newest is not None}
    for okrs in request.config.periods if request.only is None else ():
        if all((okrs.period.id, kr.id) in kept for kr in okrs.key_results):
            continue
        measures = request.ledger.definitions.measures(okrs.period.id)
        new = [kr for kr in okrs.key_results if kr.id not in measures and kr.moved_from is None]
        gone = measures.keys() - {kr.id for kr in okrs.measured} if new else ()
        pairs = [
            (old, kr.id)
            for kr in new
            for old in gone
            if not is_guard(old)
            and measures[old] == measure_digest(kr.measure)
            and (kr.measure is not None or _title(request.ledger, okrs, old) == kr.title)
        ]
        for old, name in pairs:
            if sum(pair[0] == old for pair in pairs) == sum(pair[1] == name for pair in pairs) == 1:
                yield LooksRenamed(okrs.period.id, old, name)


def _title(ledger: Ledger, okrs: PeriodOkrs, key_result: str) -> str:
    return ledger.definitions.of(okrs.period.id, key_result)[-1].definition.title
