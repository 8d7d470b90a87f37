"""The jobs of a worker. Each job runs one cycle of one workspace, in an epoch of its own."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import blake2b
from pathlib import Path

from syncd.config import Config
from syncd.config.connections import short_secrets
from syncd.config.deployment import Deployment, read_deployment
from syncd.config.document import shown_path
from syncd.config.load import load_config
from syncd.config.project import clock_of
from syncd.config.schedule import next_start
from syncd.config.worker_keys import WorkerKeys
from syncd.ledger import Ledger, LedgerBusy, LedgerError, migrate, open_ledger, service_lock
from syncd.ledger.failures import NewerLedger
from syncd.ledger.fence import Fence, Replaced
from syncd.ledger.fenced import FencedDatabases
from syncd.ledger.outbox import OPEN, State
from syncd.sdk import ConfigError, Problem
from syncd.service.configuration import Configuration
from syncd.service.job import CycleJob
from syncd.service.metrics import Metrics
from syncd.service.upkeep import Upkeep
from syncd.workspaces.control import Control, Outcome
from syncd.workspaces.quotas import StoredQuotas

log = logging.getLogger("syncd.workspaces")
_IN_DOUBT: tuple[State, ...] = ("sending",)
_SILENT = 300.0  # seconds that a job waits for a silent connection, because no later cycle could use its answer
_SENDING = 300.0  # seconds that a job waits for publishers after its cycle
_BETWEEN_TRIES = 1.0  # seconds between tries to note the end of a job while the database cannot be reached
_HANDED_BACK = timedelta(seconds=1)  # the wait until a workspace that was handed back is due again
_FILES_ARE_WRONG = timedelta(minutes=1)  # the wait until a workspace with wrong files is due again
_GIVES_UP = 10  # multiples of `reclaim`; after that, no worker is expected to have the files that a job needs


class Jobs:
    """Runs jobs of workspaces, each in a thread of its own. It remembers the configuration of each workspace."""

    def __init__(self, path: Path, control: Control, keys: WorkerKeys, stopping: threading.Event) -> None:
        """`path` is the deployment's file, `keys` is its block `worker:`. Jobs end soon after `stopping` is set."""
        self._path = path
        self._control = control
        self._soon = keys.reclaim
        self._patience = keys.reclaim * _GIVES_UP
        self._longest = keys.deadline.total_seconds() / 2
        self._stopping = stopping
        self._began_at = control.now()
        self._quotas = StoredQuotas(lambda: self._control.engine)
        self._configurations: dict[str, Configuration] = {}
        self._digests: dict[str, str] = {}
        self._pruned: dict[str, date | None] = {}

    def use(self, control: Control) -> None:
        """Continues with new connections to the database. The remembered configurations stay."""
        self._control = control

    def run(self, workspace: str, job: int, digest: str | None) -> Outcome:
        """Runs a job, if this worker has the configuration with this digest. Stores how the job ended, and when the
        workspace is due again. Raises Replaced if another worker has taken the job over.
        """
        try:
            configuration = self._configuration(workspace)
        except ConfigError as error:
            return self._without_files(workspace, job, error)
        if not self._has_the_right_files(workspace, configuration.config, digest):
            return self._hand_back(workspace, "other files were announced since this worker began")
        try:
            fence = self._control.take(workspace, job)
        except Replaced:
            raise
        except LedgerError as error:  # the workspace is due again when a worker sees that it has no job
            log.error("job not begun", extra={"reason": str(error)})
            raise
        outcome, problem, due_in = self._cycle(workspace, configuration, fence)
        self._end(fence, outcome, problem, due_in)
        return outcome

    def _configuration(self, workspace: str) -> Configuration:
        """The configuration in the present files; while they are not valid, the last valid configuration. Raises
        ConfigError if there is none.
        """
        configuration = self._configurations.get(workspace)
        if configuration is None:
            config = self._load(workspace)
            if problems := list(short_secrets(config.connections.values())):
                raise ConfigError(problems=problems)
            configuration = Configuration(config, partial(self._load, workspace), Metrics())
            self._configurations[workspace] = configuration
        else:
            configuration.reload()
            if configuration.problem is not None and self._is_gone(workspace):
                raise ConfigError(configuration.problem)
        return configuration

    def _load(self, workspace: str, last: Config | None = None) -> Config:
        return load_config(self._path, workspace, last=last)

    def _without_files(self, workspace: str, job: int, error: ConfigError) -> Outcome:
        """Ends a job whose files this worker cannot use. If the files are missing, hands the job back, because other
        workers may have them.
        """
        self._configurations.pop(workspace, None)
        if not self._is_gone(workspace):
            log.error("cycle not run", extra={"reason": str(error)})
            self._end(self._control.take(workspace, job), "failed", str(error), _FILES_ARE_WRONG)
            return "failed"
        if self._nobody_takes(workspace):
            self._control.note_gone(workspace)
            return "gone"
        return self._hand_back(workspace, str(error))

    def _is_gone(self, workspace: str) -> bool:
        """Whether the deployment has no such workspace; False if the deployment's own file is not valid."""
        try:
            return workspace not in deployment_at(self._path).names()
        except ConfigError:
            return False

    def _hand_back(self, workspace: str, why: str) -> Outcome:
        log.info("job handed back", extra={"reason": why})
        self._control.hand_back(workspace, _HANDED_BACK)
        return "handed back"

    def _has_the_right_files(self, workspace: str, config: Config, needed: str | None) -> bool:
        """Whether a job that needs the configuration with the digest `needed` may run with `config`.

        If the digests differ, the newer configuration counts. `config` is newer if this worker saw the files change, or
        if this worker began after the other configuration was announced. `config` is then announced. Otherwise the job
        needs a worker with the other configuration.
        """
        digest, before = digest_of(config), self._digests.get(workspace)
        self._digests[workspace] = digest
        if digest == needed:
            return True
        if needed is not None and before != needed:
            announced = self._control.row(workspace).digest_at
            is_newer = before is None and (announced is None or announced < self._began_at)
            if not is_newer and not self._nobody_takes(workspace):
                return False
        self._control.announce(workspace, digest)
        return True

    def _nobody_takes(self, workspace: str) -> bool:
        waited = self._control.row(workspace).handed_back_for
        return waited is not None and waited > self._patience

    def _cycle(
        self, workspace: str, configuration: Configuration, fence: Fence
    ) -> tuple[Outcome, str | None, timedelta]:
        """Runs the cycle. Returns how it ended, the problem if it failed, and the time until the next cycle is due."""
        config = configuration.config
        try:
            ledger = open_ledger(config.ledger_url(), address=config.ledger_url, databases=FencedDatabases(fence))
            assert ledger is not None  # open_ledger creates the ledger
            with closing(ledger), service_lock(ledger.engine):  # `syncd restore` needs this lock
                return self._cycle_of(workspace, configuration, ledger)
        except (LedgerError, LedgerBusy) as error:
            if isinstance(error, NewerLedger):  # a newer worker must not leave the next job to this one
                self._control.forget_digest(workspace)
            log.error("ledger failed", extra={"reason": str(error)})
            return "failed", str(error), min(self._soon, self._until_next(config))

    def _cycle_of(
        self, workspace: str, configuration: Configuration, ledger: Ledger
    ) -> tuple[Outcome, str | None, timedelta]:
        clock = clock_of(configuration.config.settings)
        job = CycleJob(
            configuration,
            clock,
            ledger,
            Metrics(),
            wake=lambda: None,
            stopping=self._stopping,
            longest=self._longest,
            silent=min(_SILENT, self._longest),
            quotas=self._quotas.for_user(workspace),
        )
        due = job.run()
        job.end_pulls()
        end = time.monotonic() + _SENDING
        while job.join(0.2) and time.monotonic() < end and not self._stopping.is_set():
            pass
        if self._stopping.is_set() and (not job.cycles or ledger.outbox.in_state(OPEN)):
            return "stopped", None, timedelta()  # another worker runs the cycle, or sends what is left
        if not self._stopping.is_set():
            self._keep_up(workspace, configuration, ledger)
        at = min(filter(None, [due.at, job.send_again_at]))
        if job.ledger_problem is not None or ledger.outbox.in_state(_IN_DOUBT):
            at = min(at, datetime.now(UTC) + self._soon)  # another job reads back whether these deliveries arrived
        due_in = max(timedelta(), at - datetime.now(UTC))
        return ("complete" if job.cycle_problem is None else "failed"), job.cycle_problem, due_in

    def _keep_up(self, workspace: str, configuration: Configuration, ledger: Ledger) -> None:
        """Prunes the ledger once a night, and backs it up when a backup is due."""
        upkeep = Upkeep(
            ledger,
            lambda: configuration.config,
            clock_of(configuration.config.settings),
            pruned=self._pruned.get(workspace),
        )
        upkeep.serving.set()
        upkeep.work(self._stopping)
        self._pruned[workspace] = upkeep.pruned

    def _end(self, fence: Fence, outcome: Outcome, problem: str | None, due_in: timedelta) -> None:
        """Stores how a job ended. Waits until the database responds, because otherwise the workspace would not be due
        again.
        """
        while True:
            try:
                self._control.end(fence, outcome, problem, due_in)
            except Replaced:
                raise
            except LedgerError as error:
                if self._stopping.is_set():
                    raise
                log.warning("the end of a job cannot be noted yet", extra={"reason": str(error)})
                self._stopping.wait(_BETWEEN_TRIES)
            else:
                return

    @staticmethod
    def _until_next(config: Config) -> timedelta:
        now = datetime.now(UTC)
        return next_start(config.settings.schedule, config.zone, now, now) - now


def deployment_at(path: Path) -> Deployment:
    """The deployment of a file. ConfigError if the file is not valid, or no longer describes a deployment."""
    deployment = read_deployment(path)
    if deployment is None:
        message = "has no `workspaces:`; `syncd worker` runs those of a deployment"
        raise ConfigError(problems=[Problem(shown_path(path), 0, message)])
    return deployment


def digest_of(config: Config) -> str:
    """The digest of a workspace's files and the ledger's version. Workers with the same digest can take over each
    other's jobs.
    """
    parts = [config.document.digest, *(mapping.digest for mapping in config.mappings), migrate.head().encode()]
    return blake2b(b"".join(parts), digest_size=16).hexdigest()
