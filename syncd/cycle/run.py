"""Runs a cycle: pulls the rows that the open periods need, measures, foresees, commits and delivers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from syncd.cycle.background import Background
from syncd.cycle.carry_over import carried_over_in_rehearsal, carry_over
from syncd.cycle.commit import commit, dry_result, end_dry_run
from syncd.cycle.foresee import foresee
from syncd.cycle.measure import measure
from syncd.cycle.model import CycleRequest, Result
from syncd.cycle.outgoing import Outgoing
from syncd.cycle.pull import check_stopping, pull
from syncd.cycle.take_requests import take_requests


def run_cycle(
    request: CycleRequest, *, background: Background | None = None, outgoing: Outgoing | None = None
) -> Result:
    """Carries out the waiting requests of people, and then runs the four phases. A dry run has only the first two
    phases.

    Pulls that outlast the cycle fail in this cycle; if there is a `background`, they go on in the background. With
    `outgoing`, deliveries and messages are sent in threads that may outlast the cycle; without it, before the end of
    the cycle. The result names the sources and publishers that failed or could not be opened. Raises CycleStopped once
    the request's `stopping` is set. Stored rows then stay with their cursors, and the next cycle continues from there.
    """
    moves = request.watcher.moves
    if not request.dry_run:
        take_requests(request.config, request.ledger, request.clock, go_on=partial(_go_on, request))
    pulled = pull(request, background)
    moves()
    if request.dry_run:
        end_dry_run(request, pulled)
        with carried_over_in_rehearsal(request, pulled.cycle, pulled.now) as (ledger, carried_over):
            rehearsed = replace(request, ledger=ledger)
            return dry_result(rehearsed, pulled, measure(rehearsed, pulled), carried_over)
    carried_over = carry_over(request.config, request.ledger, pulled.cycle, pulled.now)
    moves()
    measured = measure(request, pulled)
    moves()
    foreseen = foresee(request, pulled, measured)
    moves()
    return commit(request, pulled, measured, foreseen, carried_over, outgoing)


def _go_on(request: CycleRequest) -> None:
    request.watcher.moves()
    check_stopping(request)
