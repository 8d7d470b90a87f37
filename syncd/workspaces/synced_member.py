"""A workspace that this process syncs, among others. Each of its cycles is a turn, and each turn has a new thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

from syncd.config import Config
from syncd.config.project import clock_of
from syncd.ledger import Databases, Ledger, LedgerBusy, LedgerError, open_ledger, service_lock
from syncd.service.configuration import Configuration
from syncd.service.due import Due
from syncd.service.metrics import Metrics
from syncd.service.served import ServedLedger
from syncd.workspaces.member import Member, WorkspaceDaemon, log

_STANDBY = 2.0  # seconds between two tries to claim the ledger
_OPENING = 30.0  # seconds between two tries to open it
_LONGEST = 60.0  # seconds for which a cycle waits for pulls; then they continue, and others get a turn
_STANDSTILL = 180.0  # seconds: longer than the ledger, or a step of a cycle, may take
_GRACE = 5.0  # seconds for deliveries that are being sent, after the workspace was removed


class _Served(ServedLedger):
    """A ledger whose cycles are turns of its workspace."""

    in_turn = False

    def standstill(self) -> float | None:
        """For how many seconds the ledger's cycle has been stuck; None if it is not stuck."""
        still = time.monotonic() - self.job.moved_at
        return still if self.in_turn and still > _STANDSTILL else None


class SyncedMember(Member):
    """A workspace whose cycles run here, while this process holds its ledger's `service_lock`."""

    def __init__(
        self, name: str, load: Callable[[Config | None], Config], databases: Databases, wake: Callable[[], None]
    ) -> None:
        super().__init__(name, load, databases, wake)
        self._served: _Served | None = None
        self._claim = ExitStack()
        self._check_claim: Callable[[], None] | None = None
        self._due: Due | None = None
        self._again_at = time.monotonic()
        """The time, by the monotonic clock, at which the next turn is due, if no cycle has set it."""
        self._woken_at: float | None = None
        self._mutex = threading.Lock()

    @property
    def daemon(self) -> WorkspaceDaemon | None:
        """The ledger that this process serves; None until it is open."""
        return self._served

    def _late(self) -> float:
        """For how many seconds the next turn has been due by the schedule, or since `wake` was called, whichever is
        longer.
        """
        now, due, woken_at = time.monotonic(), self._due, self._woken_at
        if due is not None and self._served is not None:
            late = -due.left(self._served.job.send_again_at)
        else:
            late = now - self._again_at
        return late if woken_at is None else max(late, now - woken_at)

    def wake(self) -> None:
        """Makes its next turn due now."""
        with self._mutex:
            if self._woken_at is None:
                self._woken_at = time.monotonic()
        self._wake_all()

    def look(self) -> None:
        """Makes the next turn due if another process has stored a new request."""
        served = self._served
        if served is not None and self._check_claim is not None and not served.in_turn and served.job.has_new_request():
            self.wake()

    def keep_up(self) -> None:
        """Prunes and backs up the ledger, if that is due."""
        if self._served is not None:
            self._served.upkeep.work(self.stopping)

    def act(self) -> None:
        """Opens and claims the ledger, unless this process holds it already, and runs a cycle."""
        self._woken_at = None  # waking it after this point makes the next turn due
        if self._due is not None:
            self._due.note_a_step()
        self._due, self._again_at = None, time.monotonic() + _OPENING
        if self._served is None:
            self._served = self._opened()
        if self._claimed(self._served):
            self._cycle(self._served)

    def close(self) -> None:
        """Releases and closes the ledger. A pull that hangs ends as soon as its server answers."""
        if self._served is not None:
            self._served.job.end_pulls()
            self._served.job.join(_GRACE)
            self._let_go()
            with suppress(LedgerError):
                self._served.ledger.close()

    def join(self, seconds: float) -> Sequence[str]:
        """Waits until no delivery is being sent, at most `seconds` seconds; returns the publishers that hang."""
        return self._served.job.join(seconds) if self._served is not None else ()

    def _opened(self) -> _Served:
        config = self._valid_config()
        self._ledger_url = config.ledger_url()
        ledger = open_ledger(self._ledger_url, address=config.ledger_url, databases=self._databases)
        assert ledger is not None  # it was opened or created
        return self._served_ledger(config, ledger)

    def _served_ledger(self, config: Config, ledger: Ledger) -> _Served:
        metrics = Metrics()
        configuration = Configuration(config, self._load, metrics)
        return _Served(
            configuration,
            lambda: clock_of(configuration.config.settings)(),
            ledger,
            metrics,
            wake=self.wake,
            stopping=self.stopping,
            longest=_LONGEST,
        )

    def _claimed(self, served: _Served) -> bool:
        """Claims the ledger for this process, and returns whether that succeeded. If another process has claimed the
        ledger, this process stands by.
        """
        if self._check_claim is None:
            try:
                self._check_claim = self._claim.enter_context(service_lock(served.ledger.engine))
            except (LedgerBusy, LedgerError) as error:
                self._stand_by(served, error)
                return False
            log.info(
                "started",
                extra={"schedule": served.config.settings.schedule, "ledger": served.ledger.engine.dialect.name},
            )
        served.runs()
        return True

    def _cycle(self, served: _Served) -> None:
        served.in_turn = True
        try:
            due = served.job.run()
            if served.ledger_problem is None and self._check_claim is not None:
                self._check_claim()
        except LedgerError as error:
            self._let_go()
            self._stand_by(served, error)
        else:
            served.upkeep.serving.set()
            self._due = due
        finally:
            served.in_turn = False

    def _stand_by(self, served: _Served, error: Exception) -> None:
        served.stands_by(error)
        self._again_at = time.monotonic() + _STANDBY

    def _let_go(self) -> None:
        self._check_claim = None
        with suppress(LedgerError):
            self._claim.close()
