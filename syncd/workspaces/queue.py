"""The queue of jobs. Procrastinate runs the queue; its tables are in the control schema.

Only code that starts a worker imports this module.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from procrastinate import App, JobContext, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from sqlalchemy import Connection, make_url

from syncd.config.ledger_address import of_shard
from syncd.ledger.engine import NETWORK
from syncd.ledger.fence import CONTROL
from syncd.ledger.impatient_async import ImpatientAsyncConnection
from syncd.workspaces.control import Due, idle_limit

_TASK = "syncd.cycle"
_QUEUE = "syncd"
_CONNECTIONS = 4  # the most connections for the queue's own queries

_deferring = App(connector=SyncPsycopgConnector())  # it opens no connection itself

RunJob = Callable[[str, int, str | None], Awaitable[None]]
"""A function that runs a job. Its arguments are the workspace, the id of the job, and the digest of the configuration
that the job needs.
"""


def defer(connection: Connection, due: Due) -> None:
    """Puts a job of a workspace into the queue, unless a job of the workspace waits there already. Uses the transaction
    of the connection.

    The job's lock prevents two jobs of a workspace from running at the same time.
    """
    driver: Any = connection.connection.driver_connection
    name = due.workspace
    job = _deferring.configure_task(_TASK, queue=_QUEUE, lock=name, queueing_lock=name, connection=driver)
    with suppress(AlreadyEnqueued), connection.begin_nested():
        job.defer(workspace=name, digest=due.digest)


def queue_of(address: Callable[[], str], patience: timedelta, run: RunJob) -> App:
    """The queue in the database at an address. Each new connection calls `address`, because passwords are rotated.

    A server that is silent for longer than `patience` counts as failed. The server ends a transaction that is idle for
    longer than `patience`.
    """

    logging.getLogger("psycopg").setLevel(logging.ERROR)  # the worker itself reports a failure of the database

    async def configure(connection: ImpatientAsyncConnection) -> None:
        connection.patience = patience.total_seconds()
        await connection.execute(f"SET search_path = {CONTROL}")
        await connection.execute(idle_limit(patience))
        await connection.commit()

    def conninfo() -> str:
        url = make_url(of_shard(address())).set(drivername="postgresql")
        return url.render_as_string(hide_password=False)

    app = App(
        connector=PsycopgConnector(
            conninfo=conninfo,
            kwargs=NETWORK,
            connection_class=ImpatientAsyncConnection,
            configure=configure,
            min_size=1,
            max_size=_CONNECTIONS,
            reconnect_timeout=0,
            timeout=patience.total_seconds(),
        )
    )

    @app.task(name=_TASK, queue=_QUEUE, pass_context=True)
    async def cycle(context: JobContext, workspace: str, digest: str | None) -> None:
        assert context.job.id is not None
        await run(workspace, context.job.id, digest)

    return app


def takes_jobs(app: App, *, heartbeat: timedelta, reclaim: timedelta, concurrency: int, poll: float) -> Awaitable[None]:
    """Takes jobs until it is cancelled, then waits for the running jobs. The rows of ended jobs are deleted."""
    return app.run_worker_async(
        queues=[_QUEUE],
        concurrency=concurrency,
        fetch_job_polling_interval=poll,
        listen_notify=False,
        install_signal_handlers=False,
        delete_jobs="always",
        update_heartbeat_interval=heartbeat.total_seconds(),
        stalled_worker_timeout=reclaim.total_seconds(),
    )
