"""Takes jobs from workers that are dead, paused, unreachable or too slow. It has no lock: each worker does it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta

from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from syncd.ledger import LedgerError
from syncd.workspaces.control import Control

log = logging.getLogger("syncd.workspaces")


async def reclaim_stalled(app: App, control: Control, reclaim: timedelta, deadline: timedelta) -> int:
    """Ends each job whose worker gave no sign of life for `reclaim`, or that runs past the deadline, and makes its
    workspace due. Returns how many there were.

    A stalled job is never put back into the queue: that fails where a successor waits already. It ends as failed, and
    the next tick defers another one if none waits.
    """
    jobs: JobManager = app.job_manager
    seconds = reclaim.total_seconds()
    stalled = {job.id: job for job in await jobs.get_stalled_jobs(seconds_since_heartbeat=seconds)}
    for id_ in await asyncio.to_thread(control.overdue, deadline):
        stalled |= {job.id: job for job in await jobs.list_jobs_async(id=id_, status=Status.DOING.value)}
    reclaimed = 0
    for job in stalled.values():
        try:
            reclaimed += await _reclaim(jobs, control, job)
        except LedgerError as error:  # the database of its ledger is away, and that of others may not be
            log.warning("job cannot be taken from its worker yet", extra={"job": job.id, "reason": str(error)})
    await jobs.prune_stalled_workers(seconds)
    return reclaimed


async def _reclaim(jobs: JobManager, control: Control, job: Job) -> bool:
    """Ends a job; False if another worker did so at the same time.

    The epoch is over before the job is: no successor can have begun, for the job still holds the lock.
    """
    assert job.id is not None
    workspace = str(job.task_kwargs["workspace"])
    await asyncio.to_thread(control.reclaim, workspace, job.id)
    with suppress(ConnectorException):
        await jobs.finish_job_by_id_async(job.id, Status.FAILED, delete_job=True)
        log.warning("job taken from its worker", extra={"workspace": workspace, "job": job.id})
        return True
    return False
