"""`syncd worker`: runs the jobs of a deployment's workspaces, together with any number of other workers.

At each tick, every worker also puts the jobs that are due into the queue, and reclaims the jobs of dead workers. No
worker has a special role.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from procrastinate import App
from procrastinate.exceptions import ProcrastinateException

from syncd.config.ledger_address import schema_of
from syncd.cycle.current import works_for
from syncd.ledger import LedgerError
from syncd.ledger.fence import Replaced
from syncd.sdk import ConfigError
from syncd.service.standstill import Watch
from syncd.workspaces.control import Control, Outcome, open_control
from syncd.workspaces.jobs import Jobs, deployment_at
from syncd.workspaces.queue import defer, queue_of, takes_jobs
from syncd.workspaces.reaper import reclaim_stalled
from syncd.workspaces.worker_metrics import WorkerMetrics

log = logging.getLogger("syncd.workspaces")
_TICK = 1.0  # seconds at most; half of a shorter heartbeat, so that short times in `worker:` make takeovers short
_SHORTEST_TICK = 0.1
_GRACE = 8.0  # seconds that jobs have to end after a stop; then they are abandoned as after a kill


class Worker:
    """Takes jobs until it is stopped."""

    def __init__(self, path: Path) -> None:
        """`path` is the deployment's file. ConfigError if the deployment has no workers."""
        self.metrics = WorkerMetrics()
        self._path = path
        deployment = deployment_at(path).with_workspaces()
        if deployment.settings.runner != "procrastinate":
            message = "this deployment has no workers; write `runner: procrastinate`, or use `syncd run`"
            raise ConfigError(problems=[deployment.document.problem(("runner",), message)])
        self._keys = deployment.settings.worker
        deployment.ledger_url()
        self._stopping, self._reloading = threading.Event(), threading.Event()
        self.stopped_at = math.inf
        self.alive: int | None = None
        """The number of workers at the last check."""
        self._ticked_at: float | None = None
        self._moved_at = self._looked_at = time.monotonic()
        self._jobs: Jobs | None = None
        self._began: dict[int, float] = {}  # the start of each job that runs in this worker
        self._config_problem: str | None = None
        self._problem: str | None = "starting"

    def stop(self) -> None:
        """Ends `run` within seconds: each job ends after the page that it is reading, and other workers continue the
        job.
        """
        self.stopped_at = time.monotonic()
        self._stopping.set()

    def reload(self) -> None:
        """Makes every workspace due: each job reads the files anew."""
        self._reloading.set()

    @property
    def stopping(self) -> bool:
        """Whether the worker has been told to stop."""
        return self._stopping.is_set()

    def standstill(self) -> float | None:
        """For how many seconds the worker has been stuck; None if it is not stuck."""
        still = time.monotonic() - self._moved_at
        return still if still > 60 + self._keys.reclaim.total_seconds() else self._all_hang()

    def problem(self) -> str | None:
        """The reason why the worker takes no jobs; None if it takes jobs."""
        if self._problem is None and self._ticked_at is not None:
            silent = time.monotonic() - self._ticked_at
            if silent > self._keys.reclaim.total_seconds():
                return f"the database has not answered for {silent:.0f} s"
        if self._problem is None and self._all_hang() is not None:
            return "each of its jobs has run for longer than a job may; restart it"
        return self._problem

    def _all_hang(self) -> float | None:
        """If jobs past their deadline occupy all places of this worker: the seconds for which the youngest of them has
        run; else None.
        """
        now, most = time.monotonic(), (self._keys.deadline + self._keys.reclaim).total_seconds()
        hanging = [seconds for began in list(self._began.values()) if (seconds := now - began) > most]
        return min(hanging) if len(hanging) >= self._keys.concurrency else None

    def scrape(self) -> bytes:
        """The worker's metrics, in Prometheus' text format."""
        self.metrics.ready.set(self.problem() is None)
        return self.metrics.text()

    def run(self) -> None:
        """Takes jobs until `stop` is called. Jobs that do not end within `_GRACE` seconds after that are abandoned, and
        other workers reclaim them.
        """
        thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="jobs", daemon=True)
        thread.start()
        standing = Watch(self.standstill)
        while thread.is_alive() and not self._stopping.is_set():
            thread.join(0.2)
            standing.look()
        self.stop()
        thread.join(_GRACE)
        if thread.is_alive():
            log.warning("stopped in the middle; other workers go on from there")
        else:
            log.info("stopped")

    async def _serve(self) -> None:
        """Takes jobs until it is stopped, with new connections after each failure of the database."""
        asyncio.get_running_loop().set_exception_handler(_log_failure)
        while not self._stopping.is_set():
            self._moved_at = time.monotonic()
            try:
                await self._session()
            except (LedgerError, ConfigError, ProcrastinateException, OSError) as error:
                self._note(error)
            except Exception:
                self._problem = "internal error (see the log)"
                log.exception("worker broken")
            await self._pause(_TICK)

    def _note(self, error: Exception) -> None:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        if self._problem != reason:
            log.error("worker takes no jobs", extra={"reason": reason})
        self._problem = reason

    async def _session(self) -> None:
        """Takes jobs until it is stopped, or until the queue fails."""
        address = deployment_at(self._path).ledger_url
        control = await asyncio.to_thread(open_control, address(), address, reclaim=self._keys.reclaim)
        try:
            await self._take(control, address)
        finally:
            control.close()

    async def _take(self, control: Control, address: Callable[[], str]) -> None:
        if self._jobs is None:
            self._jobs = await asyncio.to_thread(Jobs, self._path, control, self._keys, self._stopping)
        jobs = self._jobs
        jobs.use(control)
        heartbeat = self._keys.heartbeat.total_seconds()
        tick = min(_TICK, max(_SHORTEST_TICK, heartbeat / 2))
        app = queue_of(address, self._keys.reclaim, lambda *job: self._run(jobs, *job))
        async with app.open_async():
            log.info("started", extra={"jobs at a time": self._keys.concurrency})
            taking = asyncio.ensure_future(
                takes_jobs(
                    app,
                    heartbeat=self._keys.heartbeat,
                    reclaim=self._keys.reclaim,
                    concurrency=self._keys.concurrency,
                    poll=tick,
                )
            )
            beside = [
                asyncio.ensure_future(self._every(tick, lambda: self._tick(control))),
                asyncio.ensure_future(self._every(tick, lambda: self._reclaim(app, control))),
                asyncio.ensure_future(self._every(heartbeat, lambda: self._look(control))),
                asyncio.ensure_future(self._stopped()),
            ]
            if control.shards is not None:
                beside.insert(0, asyncio.ensure_future(self._every(tick, lambda: self._collect_wakes(control))))
            await asyncio.wait([taking, beside[-1]], return_when=asyncio.FIRST_COMPLETED)
            for task in beside:
                task.cancel()
            taking.cancel()
            with suppress(asyncio.CancelledError):
                await taking

    async def _run(self, jobs: Jobs, workspace: str, job: int, digest: str | None) -> None:
        """Runs a job in a daemon thread, which does not delay the end of the process."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Outcome] = loop.create_future()

        def act() -> None:
            with works_for(workspace):
                try:
                    result: Any = jobs.run(workspace, job, digest)
                except BaseException as error:
                    result = error
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_conclude, ended, result)

        self.metrics.running.inc()
        self._began[job] = time.monotonic()
        threading.Thread(target=act, name=f"job-{workspace}", daemon=True).start()
        outcome = "lost"
        try:
            outcome = await ended
        except Replaced as error:
            log.warning("job lost", extra={"workspace": workspace, "reason": str(error)})
        finally:
            del self._began[job]
            self.metrics.running.dec()
            self.metrics.jobs.labels(outcome).inc()

    async def _tick(self, control: Control) -> None:
        """Puts a job into the queue for each workspace that is due."""
        if self._reloading.is_set():
            self._reloading.clear()  # before the files are read: a later SIGHUP causes another tick
            try:
                await asyncio.to_thread(control.make_due, list(deployment_at(self._path).workspaces))
            except BaseException:
                self._reloading.set()
                raise
        await asyncio.to_thread(control.defer_due, defer)
        self.metrics.late.set(await asyncio.to_thread(control.lag))
        self._ticked_at, self._problem = time.monotonic(), None

    async def _reclaim(self, app: App, control: Control) -> None:
        """Takes jobs from dead workers, and puts new jobs of their workspaces into the queue at once.

        It checks at every tick, even if heartbeats are rare. Otherwise a takeover would take one heartbeat longer than
        `reclaim`.
        """
        keys, looked_at = self._keys, self._looked_at
        self._looked_at = time.monotonic()
        if self._looked_at - looked_at >= keys.reclaim.total_seconds():  # it stood still itself, so it cannot judge
            return
        if reclaimed := await reclaim_stalled(app, control, keys.reclaim, keys.deadline):
            self.metrics.reclaimed.inc(reclaimed)
            await asyncio.to_thread(control.defer_due, defer)

    async def _collect_wakes(self, control: Control) -> None:
        """Collects requests from the databases of other shards. A database that cannot be reached delays no tick."""
        try:
            await asyncio.to_thread(control.collect_wakes)
        except LedgerError as error:
            log.warning("requests cannot be read", extra={"reason": str(error)})

    async def _look(self, control: Control) -> None:
        """Checks for new workspaces, other workers, and workspaces whose jobs were lost."""
        await asyncio.to_thread(self._register, control)
        self.alive = max(1, await asyncio.to_thread(control.workers, self._keys.reclaim))  # this worker may be missing
        self.metrics.workers.set(self.alive)
        await asyncio.to_thread(control.recover)

    def _register(self, control: Control) -> None:
        """Registers the workspaces of the files. While the deployment's file is not valid, the registered workspaces
        stay.
        """
        try:
            names = deployment_at(self._path).workspaces
        except ConfigError as error:
            if self._config_problem != str(error):
                log.error("the deployment is wrong; its workspaces stay", extra={"problems": str(error).splitlines()})
            self._config_problem = str(error)
            return
        self._config_problem = None
        control.register((name, schema_of(name)) for name in names)

    async def _every(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            self._moved_at = time.monotonic()
            try:
                await act()
            except (LedgerError, ConfigError, ProcrastinateException, OSError) as error:
                self._note(error)
            except Exception:
                log.exception("worker broken")
            await asyncio.sleep(seconds)

    async def _stopped(self) -> None:
        while not self._stopping.is_set():
            await asyncio.sleep(0.1)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped(), seconds)


def _conclude(ended: asyncio.Future[Outcome], result: Any) -> None:
    if not ended.done():
        if isinstance(result, BaseException):
            ended.set_exception(result)
        else:
            ended.set_result(result)


def _log_failure(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Logs errors outside of the worker's own tasks, such as the end of a job that another worker has taken over."""
    error = context.get("exception")
    log.warning("job not ended", extra={"reason": str((error and error.__cause__) or error or context["message"])})
