"""The daemon's loop: a cycle, a wait, and the data for the pages."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from syncd.config import Config
from syncd.config.schedule import next_start
from syncd.cycle.background import Background
from syncd.cycle.current import cycle_ends
from syncd.cycle.model import CycleRequest, Watcher
from syncd.cycle.outgoing import Outcomes, Outgoing
from syncd.cycle.pull import CycleStopped
from syncd.cycle.run import run_cycle
from syncd.ledger import Ledger, LedgerBusy, LedgerError, LedgerFailed, cycle_lock, service_lock
from syncd.ledger.wrong_cells import explained
from syncd.sdk import ConfigError, RetryPolicy
from syncd.service.configuration import Configuration
from syncd.service.gauges import LedgerGauges
from syncd.service.heartbeat import Heartbeat
from syncd.service.hooks import Hooks
from syncd.service.metrics import Metrics
from syncd.service.upkeep import Upkeep
from syncd.service.watching import watch_files
from syncd.status.unwritten import Trouble, troubles

log = logging.getLogger("syncd.service")
_BUSY_WAIT = timedelta(seconds=30)
_STANDBY_WAIT = timedelta(seconds=2)
_SLICE = 30.0  # seconds
_LOOK = 1.0  # seconds between two looks for requests of people
_STANDSTILL = 180.0  # seconds: longer than the ledger, or a step of a cycle, may take
_SILENCE = 10.0, 30.0  # seconds: the bounds of what a cycle waits for a connection that is silent
_LONGEST = 60.0  # seconds: what a cycle waits at least for connections that are not
_GRACE = 5.0  # seconds that a cycle has to end after a stop; then it is left as if it were killed


class Service:
    """Runs cycles by the schedule until it is stopped, and gives the pages their reports.

    It watches the files of the configuration, and reads them again before each cycle. If they are wrong, it reports
    that and keeps the last valid configuration.
    """

    _send_again_at: datetime | None = None
    """When a publisher that asked for a later time may be asked again."""

    _newest_request = 0
    """The newest request that has started a cycle."""

    def __init__(self, path: Path, config: Config, clock: Callable[[], datetime], ledger: Ledger) -> None:
        self._clock = clock
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._moved_at = time.monotonic()
        self.cycle_problem: str | None = None
        self.ledger_problem: str | None = None
        self.standing_by: str | None = None
        self.starting = True
        self.cycles = 0
        self.metrics = Metrics()
        self._configuration = Configuration(path, config, self.metrics)
        self.ledger = ledger
        self._background = Background(self._wake.set)
        self._outgoing = Outgoing(self._sent)
        self._unwritten: dict[str, int] = {}
        self._gauges = LedgerGauges(ledger)
        self._heartbeat = Heartbeat(self._sleep)
        self._upkeep = Upkeep(ledger, lambda: self.config, clock)
        self._hooks = Hooks(ledger, self._wake.set)

    @property
    def config(self) -> Config:
        """The last valid configuration."""
        return self._configuration.config

    @property
    def config_problem(self) -> str | None:
        """Why the files are not in use; None if they are."""
        return self._configuration.problem

    @property
    def backup_problem(self) -> str | None:
        """Why the last scheduled backup failed; None if it did not."""
        return self._upkeep.backup_problem

    def stop(self) -> None:
        """Ends `run`: at once during a wait, after the present page during a pull, within seconds in any state."""
        self._stop.set()
        self._wake.set()

    def reload(self) -> None:
        """Ends the present wait: each cycle begins by reading the configuration."""
        self._wake.set()

    @property
    def stopping(self) -> bool:
        """Whether the loop has been asked to end."""
        return self._stop.is_set()

    def standstill(self) -> float | None:
        """For how many seconds the loop has not moved, if it should have; else None."""
        still = time.monotonic() - self._moved_at
        return still if still > _STANDSTILL else None

    def run(self) -> None:
        """Runs cycles until it is stopped; the first cycle starts at once.

        Whatever hangs when it is stopped is left behind after `_GRACE` seconds: the next start goes on from there, as
        after a kill.
        """
        failures: list[BaseException] = []

        def loop() -> None:
            try:
                self._loop()
            except BaseException as error:
                failures.append(error)

        watch = partial(watch_files, self._configuration, self._wake.set, self._stop)
        threading.Thread(target=watch, name="watch", daemon=True).start()
        threading.Thread(target=self._upkeep.run, args=(self._stop,), name="upkeep", daemon=True).start()
        thread = threading.Thread(target=loop, name="cycles", daemon=True)
        thread.start()
        while thread.is_alive() and not self._stop.is_set():
            thread.join(0.5)  # it shares no lock with `stop`, which a signal may call at any point of this thread
        end = time.monotonic() + _GRACE
        thread.join(_GRACE)
        if failures:
            raise failures[0]
        hanging = [*(["cycle"] if thread.is_alive() else []), *self._outgoing.join(end - time.monotonic())]
        if hanging:
            log.warning("stopped in the middle; the next start goes on from there", extra={"hanging": hanging})
        else:
            log.info("stopped")

    def _loop(self) -> None:
        """While another service uses the ledger, it stands by: it serves the pages, and runs cycles when that ends."""
        while not self._stop.is_set():
            self._moved()
            try:
                with service_lock(self.ledger.engine) as check_lock:
                    self.standing_by, self.starting = None, False
                    self._cycles(check_lock)
            except (LedgerBusy, LedgerError) as error:
                self._upkeep.serving.clear()
                if self.standing_by is None:
                    log.warning("standing by", extra={"reason": str(error)})
                self.standing_by, self.starting = str(error), False
                self._stop.wait(_STANDBY_WAIT.total_seconds())
        self.ledger.close()

    def _moved(self) -> None:
        self._moved_at = time.monotonic()

    def _cycles(self, check_lock: Callable[[], None]) -> None:
        """Runs cycles until it is stopped, or until a good one is over and `check_lock` raises LedgerError."""
        log.info(
            "started", extra={"schedule": self.config.settings.schedule, "ledger": self.ledger.engine.dialect.name}
        )
        while not self._stop.is_set():
            started, began = datetime.now(UTC), time.monotonic()
            with cycle_ends():
                again = self._cycle()
            if self.ledger_problem is None:
                check_lock()
            self._upkeep.serving.set()
            now = datetime.now(UTC)
            settings = self.config.settings
            due = next_start(settings.schedule, self.config.zone, started, now)
            if again is not None:
                due = max(now, min(due, again))
            log.info("next cycle", extra={"at": due.astimezone(self.config.zone).isoformat(timespec="seconds")})
            self._wait(due, began + (due - started).total_seconds())
            self._note_a_step(started, began)

    def _wait(self, due: datetime, at_the_latest: float) -> None:
        """Waits until `due`, until it is woken, or until somebody asks for something: in slices, because a machine that
        slept has a later time.

        `at_the_latest` is a time of the monotonic clock: if the clock is set back, the wait is no longer for that.
        """
        while not self._wake.is_set():
            self._moved()
            due = min(due, self._send_again_at or due)
            left = min((due - datetime.now(UTC)).total_seconds(), at_the_latest - time.monotonic())
            if left <= 0 or self._has_new_request():
                break
            self._wake.wait(min(left, _LOOK))
        self._wake.clear()

    def _has_new_request(self) -> bool:
        """Whether a request waits that has not started a cycle: of a page, or of a command in another process."""
        with suppress(LedgerError, SQLAlchemyError):  # the next cycle says what is wrong
            newest = self.ledger.requests.newest_waiting()
            if newest is not None and newest > self._newest_request:
                self._newest_request = newest
                return True
        return False

    @staticmethod
    def _note_a_step(started: datetime, began: float) -> None:
        """Logs that the clock was set, or that the machine slept, since a cycle started."""
        step = (datetime.now(UTC) - started).total_seconds() - (time.monotonic() - began)
        if abs(step) > _SLICE:
            log.warning("clock stepped", extra={"seconds": round(step)})

    def now(self) -> datetime:
        """The time, by the clock of the configuration."""
        return self._clock()

    def check_ledger(self) -> None:
        """Raises LedgerError if the ledger in use is not at its address any more, or not to be written to."""
        self.ledger.check_in_place()

    def troubles(self) -> Sequence[Trouble]:
        """The check-ins that are not written."""
        return troubles(self.ledger)

    def receive_webhook(self, connection: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """The status and the sentence that answer a webhook; one that is signed and new starts a cycle."""
        if self.standing_by is not None:
            return 503, f"standing by: {self.standing_by}"
        return self._hooks.receive(self.config, connection, headers, body)

    def quota_left(self, connection: str) -> float | None:
        """How many requests a connection's quota left after the last answer; None if its server does not tell."""
        return self.metrics.quota_left.get(connection)

    def scrape(self, *, ledger: bool = True) -> bytes:
        """The metrics. If the ledger is not to be read, or cannot be, only what was counted."""
        self.metrics.hanging({"pull": self._background.hanging, "delivery": self._outgoing.hanging})
        if ledger:
            with suppress(LedgerError):
                return self.metrics.text([*self._gauges.read(self.config, self._clock()), *self._upkeep.gauges()])
        return self.metrics.text()

    def _cycle(self) -> datetime | None:
        """Runs a cycle. Returns the time of the next try, if that may be before the next scheduled cycle, else None.

        That happens if another process is syncing now, or if a source or publisher asked syncd to come back later.
        """
        began = time.monotonic()
        self._moved()
        self._be_patient()
        self._send_again_at = None
        try:
            self.ledger.check_in_place()
            self._configuration.reload()
            with cycle_lock(self.ledger.engine):
                request = CycleRequest(
                    self.config,
                    self.ledger,
                    self._clock,
                    RetryPolicy(sleep=self._sleep, meter=self.metrics.request),
                    patient=True,
                    watcher=Watcher(page=self.metrics.page, moves=self._moved),
                    stopping=self._stop,
                )
                result = run_cycle(request, background=self._background, outgoing=self._outgoing)
                if result.carried_over.moved:
                    self._newest_request = 0  # requests that waited for a new id start another cycle
        except CycleStopped:
            log.info("cycle stopped; the next one goes on from there")
            return None
        except LedgerBusy as error:
            log.warning("cycle put off", extra={"reason": str(error)})
            return datetime.now(UTC) + _BUSY_WAIT
        except Exception as error:  # the log has it, and the next cycle gets its chance
            error = explained(error)
            if isinstance(error, ConfigError | LedgerError):
                self.cycle_problem = str(error)
                self.ledger_problem = str(error) if isinstance(error, LedgerError) else None
                self.metrics.broken_cycle()
                event = "ledger failed" if isinstance(error, LedgerFailed) else "cycle not run"
                log.error(event, extra={"reason": str(error)})
                return None
            self.cycle_problem = f"internal error: {type(error).__name__} (see the log)"
            self.metrics.broken_cycle()
            log.exception("cycle broken")
            return None
        seconds = time.monotonic() - began
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
        return result.retry_at

    def _sent(self, name: str, outcomes: Outcomes) -> None:
        """Notes what became of deliveries or messages, which end beside the cycles."""
        self.metrics.sent(outcomes.delivered)
        failed = sum(outcome.failed for outcome in outcomes.delivered)
        self._unwritten[name] = failed + sum(message.problem is not None for message in outcomes.messages)
        for error in outcomes.errors:
            if isinstance(error, LedgerError):
                log.error("ledger failed", extra={"reason": str(error)})
            else:
                log.error("delivery broken", extra={"to": name}, exc_info=error)
        times = [outcome.retry_at for outcome in outcomes.delivered if outcome.retry_at is not None]
        if times:
            self._send_again_at = min([*times, *filter(None, [self._send_again_at])])

    def _be_patient(self) -> None:
        """No cycle waits for a connection beyond the time when the next cycle is due."""
        now = datetime.now(UTC)
        interval = (next_start(self.config.settings.schedule, self.config.zone, now, now) - now).total_seconds()
        shortest, most = _SILENCE
        self._background.silent = min(max(interval, shortest), most)
        self._background.longest = max(interval, _LONGEST)

    def _sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)
