"""The last phase: stores a cycle's values, deliveries and events in one transaction, then delivers and notifies."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from syncd.cycle.model import (
    CarriedOver,
    CycleRequest,
    Foreseen,
    KeyResultId,
    LooksRenamed,
    Measured,
    NewVerdict,
    Pulled,
    PullResult,
    Result,
    ValueChange,
)
from syncd.cycle.outgoing import Outcomes, Outgoing, deliver
from syncd.cycle.renames import renames
from syncd.explain.restatements import ValueHistory, find_restatements
from syncd.ledger import Definition, Delivering, Ledger, Outline
from syncd.ledger.definitions import definition
from syncd.ledger.outlines import SETTINGS, objective_outline, settings_outline
from syncd.notifying.send import MessageOutcome
from syncd.publishing.delivery import Delivered
from syncd.sdk import Json

log = logging.getLogger("syncd.cycle")


def commit(
    request: CycleRequest,
    pulled: Pulled,
    measured: Measured,
    foreseen: Foreseen,
    carried_over: CarriedOver,
    outgoing: Outgoing | None = None,
) -> Result:
    """Stores a cycle's values, deliveries and events, then delivers and notifies. Failed deliveries wait in the ledger.

    With `outgoing`, deliveries and messages are sent in threads that may outlast the cycle, and the result does not
    name them.
    """
    ledger = request.ledger
    changes, look_renamed = _changes(measured), list(renames(request, measured))
    ledger.values.commit(
        pulled.cycle,
        pulled.now,
        _pull_notes(pulled.results),
        {name: (measurement.definition, measurement.value) for name, measurement in measured.items()},
        foreseen.deliveries,
        foreseen.events,
        defined_alone=dict(_defined_alone(request, pulled, measured)),
        outlines=_outlines(request),
        only=_narrowed(request, pulled),
    )
    changes = _restated(ledger, pulled, measured, changes)
    _log_pulls(pulled.results)
    verdicts = _keep_links(request, foreseen)
    outcomes, delivering = Outcomes(), None
    try:
        if outgoing is None:
            outcomes = deliver(request)
        else:
            outgoing.start(request)
    except Delivering as busy:
        delivering = str(busy)
        log.info("deliveries left to another process", extra={"reason": delivering})
    delivered, messages = outcomes.delivered, outcomes.messages
    unopened = _unopened(request, pulled, delivered, messages)
    _log_moves(carried_over, look_renamed)
    return Result(
        pulled.cycle,
        pulled.results,
        measured,
        changes,
        verdicts,
        delivered,
        messages,
        unopened,
        carried_over,
        look_renamed,
        delivering,
    )


def _unopened(
    request: CycleRequest, pulled: Pulled, delivered: Sequence[Delivered], messages: Sequence[MessageOutcome]
) -> Mapping[str, str]:
    shown = {result.pull.connection for result in pulled.results if result.quality != "complete"}
    shown |= {outcome.delivery.connection for outcome in delivered if outcome.failed}
    shown |= {"notify" for outcome in messages if outcome.problem is not None}
    reasons = {name: why for name, why in request.config.unopened(request.only).items() if name not in shown}
    for name, reason in reasons.items():
        log.warning("publisher not opened", extra={"to": name, "reason": reason})
    return reasons


def end_dry_run(request: CycleRequest, pulled: Pulled) -> None:
    """Ends a dry run: stores the results of the pulls, but no value."""
    notes, only = _pull_notes(pulled.results), _narrowed(request, pulled)
    request.ledger.values.commit(pulled.cycle, pulled.now, notes, {}, only=only, dry_run=True)
    _log_pulls(pulled.results)


def dry_result(request: CycleRequest, pulled: Pulled, measured: Measured, carried_over: CarriedOver) -> Result:
    """The result of a cycle that stores no value."""
    changes = _restated(request.ledger, pulled, measured, _changes(measured))
    look_renamed = list(renames(request, measured))
    return Result(pulled.cycle, pulled.results, measured, changes, carried_over=carried_over, renames=look_renamed)


def _changes(measured: Measured) -> list[ValueChange]:
    return [
        ValueChange(period, key_result, old, measurement.value)
        for (period, key_result), measurement in measured.items()
        if (old := measurement.newest) is None or not old.says_what(measurement.value)
    ]


def _pull_notes(results: Sequence[PullResult]) -> Mapping[str, Json]:
    """The results of pulls that the row of a cycle stores: those of pulls that changed rows or were not complete."""
    return {
        str(result.pull.id): {
            "quality": result.quality,
            "reason": result.reason,
            "changed": result.changed,
            "got": result.got,
            "expected": result.expected,
        }
        for result in results
        if result.changed or result.quality != "complete"
    }


def _narrowed(request: CycleRequest, pulled: Pulled) -> Mapping[str, Json] | None:
    if not request.only:
        return None
    return {"key_result": request.only, "streams": [result.pull.id for result in pulled.results]}


def _defined_alone(
    request: CycleRequest, pulled: Pulled, measured: Measured
) -> Iterator[tuple[KeyResultId, Definition]]:
    """The definitions of key results that the cycle does not measure: they wait for their first check-in or for the
    start of their period, or their period has settled.

    The ledger thus has every edit of a plan before its period begins, and of a past period whose scores an edit moves.
    """
    config = request.config
    for okrs in config.periods:
        span = okrs.period.span
        unmeasured = pulled.now < span.start or pulled.now >= span.end + config.settings.settle
        for kr in okrs.measured_for(request.only):
            name = okrs.period.id, kr.id
            if (unmeasured or kr.measure is None) and name not in measured:
                yield name, definition(kr, okrs.period, config.shares, config.file_of(*name))


def _outlines(request: CycleRequest) -> Mapping[str, Mapping[str, Outline]]:
    """Maps each period to its outlines by subject. A period that is no longer in any file has no outlines.

    The result is empty if the cycle is restricted to a key result.
    """
    if request.only:
        return {}
    config = request.config
    left = set(request.ledger.outlines.periods()) - {okrs.period.id for okrs in config.periods}
    settings = settings_outline(config.settings.settle, config.settings.held_until, config.path.name)
    return {name: {} for name in left} | {
        okrs.period.id: {SETTINGS: settings}
        | {
            objective.id: objective_outline(objective, config.file_of(okrs.period.id, objective.id))
            for objective in okrs.objectives
        }
        for okrs in config.periods
    }


def _restated(ledger: Ledger, pulled: Pulled, measured: Measured, changes: Sequence[ValueChange]) -> list[ValueChange]:
    key_results = {(okrs.period.id, kr.id): (okrs, kr) for okrs in pulled.periods for kr in okrs.measured}
    histories: dict[KeyResultId, ValueHistory] = {}
    for change in changes:
        name = change.period, change.key_result
        last, old = measured[name].last, change.old
        if old is None or old.number == change.new.number or last is None or last.confirmed is None:
            continue
        before = max(old.confirmed or old.cycle, last.confirmed)  # interrupted cycles may have added rows since
        values = [replace(last, cycle=last.confirmed)]  # the value as it was measured: it may have failed since
        if change.new.quality == "complete":
            values.append(change.new)
        histories[name] = ValueHistory(*key_results[name], partial(list, values), before)
    restated = find_restatements(ledger, list(histories.values()), pulled.cycle)
    restatements = dict(zip(histories, restated, strict=True))
    for name, own in restatements.items():
        for restatement in own:
            where = {"key_result": name[1], "record": restatement.label, "why": restatement.why}
            log.info("restated", extra=where)
    return [replace(change, restated=restatements.get((change.period, change.key_result), ())) for change in changes]


def _keep_links(request: CycleRequest, foreseen: Foreseen) -> Sequence[NewVerdict]:
    """Stores the judged links; returns the new verdicts. Call it after storing the values by which the links were
    judged.
    """
    for period in foreseen.periods:
        request.ledger.alignments.keep(period.okrs.period.id, period.links)
    new = [
        verdict
        for okrs in request.config.periods
        for period in foreseen.periods
        if period.okrs is okrs
        for verdict in period.verdicts
    ]
    for verdict in new:
        link = verdict.link.alignment
        names = {"output": link.output, "outcome": link.outcome, "verdict": link.verdict}
        log.info("verdict", extra=names | {"before": verdict.old.verdict if verdict.old else None})
    return new


def _log_moves(carried_over: CarriedOver, look_renamed: Sequence[LooksRenamed]) -> None:
    for move in (moved.move for moved in carried_over.moved):
        what = {"key_result": move.key_result} if move.key_result else {"period": move.period}
        log.info("moved", extra=what | {"before": move.old})
    for sentence in carried_over.refused:
        log.warning("not moved", extra={"reason": sentence})
    for renamed in look_renamed:
        log.warning("looks renamed", extra={"reason": str(renamed)})


def _log_pulls(results: Sequence[PullResult]) -> None:
    for result in results:
        stream = result.pull.stream.name
        if result.changed:
            counts = {"stream": stream, "changed": result.changed, "got": result.got}
            log.info("pulled", extra=counts | ({"expected": result.expected} if result.expected else {}))
        if result.quality != "complete":
            log.warning("pull failed", extra={"stream": stream, "reason": result.reason})
