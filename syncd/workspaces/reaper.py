"""Takes jobs from workers that are dead, paused, unreachable or too slow. Each worker does this, without a lock."""

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
    """Ends each job whose worker sent no heartbeat for `reclaim`, or that runs past the deadline, and makes its
    workspace due. Returns the number of jobs that it ended.

    A stalled job is never put back into the queue, because this would fail if the next job of the workspace waits there
    already. The stalled job ends as failed, and the next tick adds a new job if none waits.
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
        except LedgerError as error:  # the database of its ledger cannot be reached; the databases of others may work
            log.warning("job cannot be taken from its worker yet", extra={"job": job.id, "reason": str(error)})
    await jobs.prune_stalled_workers(seconds)
    return reclaimed


async def _reclaim(jobs: JobManager, control: Control, job: Job) -> bool:
    """Ends a job; False if another worker did so at the same time.

    The epoch ends before the job does. Until the job ends, its lock prevents the next job of the workspace from
    beginning.
    """
    assert job.id is not None
    workspace = str(job.task_kwargs["workspace"])
    await asyncio.to_thread(control.reclaim, workspace, job.id)
    with suppress(ConnectorException):
        await jobs.finish_job_by_id_async(job.id, Status.FAILED, delete_job=True)
        log.warning("job taken from its worker", extra={"workspace": workspace, "job": job.id})
        return True
    return False
