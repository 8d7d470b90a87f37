"""One cycle of one ledger as a job, independent of the process that runs it."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from syncd.config import Config
from syncd.config.schedule import next_start
from syncd.cycle.background import Background
from syncd.cycle.current import cycle_ends
from syncd.cycle.model import CycleRequest, Result, Watcher
from syncd.cycle.outgoing import NoThread, Outcomes, Outgoing
from syncd.cycle.pull import CycleStopped
from syncd.cycle.run import run_cycle
from syncd.ledger import Ledger, LedgerBusy, LedgerError, LedgerFailed, cycle_lock
from syncd.ledger.wrong_cells import explained, files_at
from syncd.sdk import ConfigError, RetryPolicy
from syncd.sdk.quota import ProcessQuotas, Quotas
from syncd.service.configuration import Configuration
from syncd.service.due import Due
from syncd.service.heartbeat import Heartbeat
from syncd.service.metrics import Metrics

log = logging.getLogger("syncd.service")
_OF_THIS_PROCESS = ProcessQuotas()
_SOON = timedelta(seconds=30)  # the wait for another process, or after a failure of the ledger
_SILENCE = 10.0, 30.0  # seconds: the least and the most that a cycle waits for a silent connection
_LONGEST = 60.0  # seconds: the least that a cycle waits for connections that are not silent


class CycleJob:
    """Runs a cycle of a ledger whenever `run` is called. The job also has the objects that outlast a cycle: the
    configuration in force, the metrics, and the pulls and deliveries that continue while other cycles run.
    """

    def __init__(
        self,
        configuration: Configuration,
        clock: Callable[[], datetime],
        ledger: Ledger,
        metrics: Metrics,
        *,
        wake: Callable[[], None],
        stopping: threading.Event,
        longest: float = math.inf,
        silent: float | None = None,
        quotas: Quotas | None = None,
    ) -> None:
        """`wake` is called, by any thread, when the next cycle has something to do. A cycle ends soon after `stopping`
        is set. A cycle waits at most `longest` seconds for pulls, which then continue while the next cycles run.
        `silent` is set if another process may run the next cycle. A cycle then waits up to `longest` seconds for pulls,
        but only `silent` seconds for a connection that sends nothing. `quotas` are shared with other processes; None if
        only the jobs of this process share quotas.
        """
        self.configuration = configuration
        self.clock = clock
        self.ledger = ledger
        self.metrics = metrics
        self.cycles = 0
        self.cycle_problem: str | None = None
        self.ledger_problem: str | None = None
        self.moved_at = time.monotonic()
        self.send_again_at: datetime | None = None
        """The time at which deliveries are tried again, if it is known: a publisher asked syncd to wait until then, or
        the deliveries could not be tried. A cycle is due at that time.
        """
        self._mutex = threading.Lock()
        self._stopping = stopping
        self._longest = longest
        self._silent = silent
        workspace = configuration.config.workspace
        self._quotas = quotas or _OF_THIS_PROCESS.for_user(workspace.name if workspace is not None else "")
        self._background = Background(wake)
        self._outgoing = Outgoing(self._sent)
        self._unwritten: dict[str, int] = {}
        self._heartbeat = Heartbeat(self._sleep)
        self._newest_request = 0

    @property
    def config(self) -> Config:
        """The last valid configuration."""
        return self.configuration.config

    def run(self) -> Due:
        """Runs a cycle with the present files. Every failure in the cycle is recorded and logged.

        The next cycle is due by the schedule. It is due sooner if another process is syncing now, if the ledger failed,
        or if a source or publisher asked syncd to try again earlier. Two threads must not call `run` at the same time.
        """
        started, began = datetime.now(UTC), time.monotonic()
        with cycle_ends():
            again = self._cycle()
        now = datetime.now(UTC)
        at = next_start(self.config.settings.schedule, self.config.zone, started, now)
        if again is not None:
            at = max(now, min(at, again))
        log.info("next cycle", extra={"at": at.astimezone(self.config.zone).isoformat(timespec="seconds")})
        return Due(at, started, began)

    def has_new_request(self) -> bool:
        """Whether a page or another process has stored a request for which no cycle was started yet."""
        with suppress(LedgerError, SQLAlchemyError):  # the next cycle reports the problem
            newest = self.ledger.requests.newest_waiting()
            if newest is not None and newest > self._newest_request:
                self._newest_request = newest
                return True
        return False

    def moved(self) -> None:
        """Records that the job makes progress."""
        self.moved_at = time.monotonic()

    def hanging(self) -> Mapping[str, Mapping[str, float]]:
        """The seconds for which each background thread has hung, by its work and its connection."""
        return {"pull": self._background.hanging, "delivery": self._outgoing.hanging}

    def join(self, seconds: float) -> Sequence[str]:
        """Waits at most `seconds` for the deliveries that are being sent; returns the names of hanging publishers."""
        return self._outgoing.join(seconds)

    def end_pulls(self) -> None:
        """Ends the pulls that still run after a cycle, because no further cycle follows. Each pull ends as soon as its
        server answers.
        """
        self._background.stop_others(())

    def _cycle(self) -> datetime | None:
        """Runs a cycle. Returns the time at which to try again, if that may be before the next scheduled cycle; else
        None.
        """
        began = time.monotonic()
        self.moved()
        self._be_patient()
        self.send_again_at = None
        try:
            self.ledger.check_in_place()
            first = self.ledger.outbox.first_retry(self.clock())
            if first is not None:  # this cycle does not send it
                self._send_again(self._by_system_clock(first))
            self.configuration.reload()
            with cycle_lock(self.ledger.engine):
                result = run_cycle(self._request(), background=self._background, outgoing=self._outgoing)
                if result.carried_over.moved:
                    self._newest_request = 0  # requests that waited for the new id start another cycle
        except CycleStopped:
            log.info("cycle stopped; the next one goes on from there")
            return None
        except LedgerBusy as error:
            log.warning("cycle put off", extra={"reason": str(error)})
            return datetime.now(UTC) + _SOON
        except Exception as error:  # it is logged, and the next cycle tries again
            self._note_failure(explained(error, files_at(self.ledger.engine.url)))
            waits = self.ledger_problem is not None or isinstance(error, NoThread)
            return datetime.now(UTC) + _SOON if waits else None
        self._note(result, time.monotonic() - began)
        if result.delivering is not None:
            self._send_again(datetime.now(UTC) + _SOON)
        return result.retry_at

    def _request(self) -> CycleRequest:
        return CycleRequest(
            self.config,
            self.ledger,
            self.clock,
            RetryPolicy(sleep=self._sleep, meter=self.metrics.request, quotas=self._quotas),
            patient=True,
            watcher=Watcher(page=self.metrics.page, moves=self.moved),
            stopping=self._stopping,
        )

    def _note_failure(self, error: BaseException) -> None:
        """Records and logs the reason why a cycle did not reach its end."""
        self.metrics.broken_cycle()
        if isinstance(error, ConfigError | LedgerError):
            self.cycle_problem = str(error)
            self.ledger_problem = str(error) if isinstance(error, LedgerError) else None
            event = "ledger failed" if isinstance(error, LedgerFailed) else "cycle not run"
            log.error(event, extra={"reason": str(error)})
        else:
            self.cycle_problem = f"internal error: {type(error).__name__} (see the log)"
            log.error("cycle broken", exc_info=error)

    def _note(self, result: Result, seconds: float) -> None:
        """Records and logs the result of a cycle that reached its end."""
        self.cycles += 1
        self.cycle_problem = self.ledger_problem = None
        unwritten = sum(self._unwritten.values())
        good = result.good and not unwritten
        self.metrics.cycle(result, seconds, time.time(), good=good)
        if good:
            self._heartbeat.beat(self.config)
        log.info(
            "cycle ended",
            extra={
                "measured": result.key_results,
                "changed": len(result.changes),
                "held": result.held,
                "failed": len(result.failures),
                "unwritten": unwritten,
                "seconds": round(seconds, 2),
            },
        )

    def _sent(self, name: str, outcomes: Outcomes) -> None:
        """Records the results of deliveries or messages. They may end after their cycle."""
        self.metrics.sent(outcomes.delivered)
        failed = sum(outcome.failed for outcome in outcomes.delivered)
        self._unwritten[name] = failed + sum(message.problem is not None for message in outcomes.messages)
        for error in outcomes.errors:
            if isinstance(error, LedgerError):
                log.error("ledger failed", extra={"reason": str(error)})
                self._send_again(datetime.now(UTC) + _SOON)
            else:
                log.error("delivery broken", extra={"to": name}, exc_info=error)
        for outcome in outcomes.delivered:
            if outcome.retry_at is not None:
                self._send_again(self._by_system_clock(outcome.retry_at))

    def _by_system_clock(self, at: datetime) -> datetime:
        """The time by the system clock, by which jobs are due, of a time by the job's clock, which may be another in a
        rehearsal.
        """
        now = self.clock()
        return at + (datetime.now(UTC) - now)

    def _send_again(self, at: datetime) -> None:
        """Lets a cycle be due at `at`, or earlier if deliveries are tried again before that. Any thread may call it."""
        with self._mutex:
            self.send_again_at = min([at, *filter(None, [self.send_again_at])])

    def _be_patient(self) -> None:
        """Sets how long a cycle waits for a connection. If pulls can continue in the background, a cycle waits about as
        long as the interval of the schedule.
        """
        if self._silent is not None:
            self._background.silent, self._background.longest = self._silent, self._longest
            return
        now = datetime.now(UTC)
        interval = (next_start(self.config.settings.schedule, self.config.zone, now, now) - now).total_seconds()
        shortest, most = _SILENCE
        self._background.silent = min(max(interval, shortest), most)
        self._background.longest = min(max(interval, _LONGEST), self._longest)

    def _sleep(self, seconds: float) -> None:
        self._stopping.wait(seconds)
