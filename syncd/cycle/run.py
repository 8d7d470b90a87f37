"""One cycle: pull what the open periods need, measure it, foresee what follows, commit and deliver."""

from __future__ import annotations

from syncd.cycle.commit import commit, end_dry_run
from syncd.cycle.foresee import foresee
from syncd.cycle.measure import measure
from syncd.cycle.model import CycleRequest, Result
from syncd.cycle.pull import pull


def run_cycle(request: CycleRequest, *, dry_run: bool = False) -> Result:
    """Runs the four phases; a `dry_run` keeps the pulled rows but no value, and sends nothing.

    The result names the sources and publishers that failed or could not be opened. Raises CycleStopped once the
    request's `stopping` is set: stored rows stay with their cursors, and the next cycle continues from there.
    """
    pulled = pull(request)
    measured = measure(request, pulled)
    if dry_run:
        return end_dry_run(request, pulled, measured)
    return commit(request, pulled, measured, foresee(request, pulled, measured))
