"""A workspace that this process syncs beside others. Each of its cycles is a turn, and each turn has a new thread."""

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
_LONGEST = 60.0  # seconds that a cycle may hold a thread for pulls: they go on beside it, and others get their turn
_STANDSTILL = 180.0  # seconds: longer than the ledger, or a step of a cycle, may take
_GRACE = 5.0  # seconds that what is on its way to publishers has to end, once the workspace is gone


class _Served(ServedLedger):
    """A ledger whose cycles are turns of its workspace."""

    in_turn = False

    def standstill(self) -> float | None:
        """For how many seconds its cycle has not moved, if it should have; else None."""
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
        """By the monotonic clock: when its next turn is due, while no cycle has told."""
        self._woken_at: float | None = None
        self._mutex = threading.Lock()

    @property
    def daemon(self) -> WorkspaceDaemon | None:
        """The ledger that is served."""
        return self._served

    def _late(self) -> float:
        """How many seconds ago it was due by its schedule, or was woken; of the two, the longer time."""
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
        """Wakes it if somebody asked for something in another process."""
        served = self._served
        if served is not None and self._check_claim is not None and not served.in_turn and served.job.has_new_request():
            self.wake()

    def keep_up(self) -> None:
        """Prunes and backs up, if that is due."""
        if self._served is not None:
            self._served.upkeep.work(self.stopping)

    def act(self) -> None:
        """Opens and claims the ledger, unless it is ours already, and runs a cycle."""
        self._woken_at = None  # whatever wakes it from now on is for the next turn
        if self._due is not None:
            self._due.note_a_step()
        self._due, self._again_at = None, time.monotonic() + _OPENING
        if self._served is None:
            self._served = self._opened()
        if self._claimed(self._served):
            self._cycle(self._served)

    def close(self) -> None:
        """Lets go of the ledger. A pull that hangs ends with its server."""
        if self._served is not None:
            self._served.job.end_pulls()
            self._served.job.join(_GRACE)
            self._let_go()
            with suppress(LedgerError):
                self._served.ledger.close()

    def join(self, seconds: float) -> Sequence[str]:
        """Waits until nothing is on its way to a publisher, at most so many seconds; returns the names that hang."""
        return self._served.job.join(seconds) if self._served is not None else ()

    def _opened(self) -> _Served:
        config = self._valid_config()
        self._ledger_url = config.ledger_url()
        ledger = open_ledger(self._ledger_url, address=config.ledger_url, databases=self._databases)
        assert ledger is not None  # it was created
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
        """Whether this process is the service of the ledger. If another is, it stands by."""
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
