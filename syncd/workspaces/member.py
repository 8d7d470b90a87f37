"""Workspaces in the process that serves a deployment: the base class, and the class of workspaces that the process only
shows.
"""

from __future__ import annotations

import logging
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Protocol

from prometheus_client.metrics_core import Metric

from syncd.config import Config
from syncd.config.connections import short_secrets
from syncd.config.web_secrets import web_secret_problems
from syncd.cycle.current import works_for
from syncd.ledger import Databases, LedgerError
from syncd.ledger.wrong_cells import explained, files_at
from syncd.sdk import ConfigError, SyncdError
from syncd.service import LedgerReader
from syncd.service.configuration import Configuration
from syncd.service.watching import Folders, folders_of
from syncd.web.daemon import Daemon

log = logging.getLogger("syncd.workspaces")


class WorkspaceDaemon(Daemon, Protocol):
    """The daemon that the pages of a workspace read, with its metrics."""

    configuration: Configuration

    def counted(self) -> Iterable[Metric]:
        """The metrics that this process counts itself."""
        ...

    def read(self) -> Sequence[Metric]:
        """The metrics from the ledger. Raises LedgerError."""
        ...


class Member(ABC):
    """A workspace in the process that serves a deployment. It works in turns, at most one at a time. A turn also opens
    the workspace, so that a broken workspace does not delay the others.

    `daemon` is None until the workspace is open. `problem` is the error of the last turn; None if that turn succeeded.
    """

    def __init__(
        self, name: str, load: Callable[[Config | None], Config], databases: Databases, wake: Callable[[], None]
    ) -> None:
        """`load` reads the workspace's files. `wake` is called, by any thread, when the next turn may be due sooner."""
        self.name = name
        self.problem: str | None = None
        self.tried = False
        """Whether its first turn has ended, with or without success."""
        self.stopping = threading.Event()
        self.closed = False
        self._load = load
        self._databases = databases
        self._wake_all = wake
        self._ledger_url: str | None = None

    @property
    @abstractmethod
    def daemon(self) -> WorkspaceDaemon | None:
        """The daemon that its pages read; None until the workspace is open."""

    def late(self) -> float:
        """For how many seconds the next turn has been due; negative if it is not due yet. Once a stop is requested, the
        final turn is due at once.
        """
        return math.inf if self.stopping.is_set() else self._late()

    @abstractmethod
    def _late(self) -> float:
        """The same as `late`, for a workspace that was not stopped."""

    @abstractmethod
    def wake(self) -> None:
        """Makes its next turn due."""

    @abstractmethod
    def act(self) -> None:
        """Does the work of a turn. Raises SyncdError if the workspace cannot be opened."""

    @abstractmethod
    def close(self) -> None:
        """Does the work of the last turn, after a stop."""

    def turn(self) -> None:
        """Takes a turn. Any error in it becomes the `problem` of this workspace."""
        with works_for(self.name):
            try:
                if self.stopping.is_set():
                    self.closed = True
                    self.close()
                else:
                    self.act()
            except Exception as error:
                self._refuse(explained(error, files_at(self._ledger_url)))
            else:
                self.problem = None
            self.tried = True

    def reload(self) -> None:
        """Reads edited files. Makes a turn due if the configuration has changed, or if the workspace is not open."""
        with works_for(self.name):
            daemon = self.daemon
            try:
                if daemon is None or daemon.configuration.reload():
                    self.wake()
            except Exception:  # a bug here must not keep others from being reloaded
                log.exception("files cannot be read")

    def folders(self) -> Folders:
        """The folders of its files; empty until the workspace is open."""
        return folders_of(self.daemon.config) if self.daemon is not None else {}

    def unready(self) -> str | None:
        """The reason why the workspace is not ready; None if it is ready. Does not read its ledger."""
        daemon = self.daemon
        if daemon is None:
            return self.problem or "it is being opened"
        return daemon.ledger_problem or daemon.standing_by or (None if self.tried else "its first cycle has not ended")

    def _valid_config(self) -> Config:
        """Its configuration. Raises ConfigError if it is wrong, or if a secret is too short to be masked."""
        config = self._load(None)
        if problems := [*short_secrets(config.connections.values()), *web_secret_problems(config, short=True)]:
            raise ConfigError(problems=problems)
        return config

    def _refuse(self, error: BaseException) -> None:
        if isinstance(error, SyncdError):
            problem = str(error)
        else:
            problem = f"internal error: {type(error).__name__} (see the log)"
        if problem != self.problem:
            exc_info = None if isinstance(error, SyncdError) else error
            log.error("workspace cannot be served", extra={"problems": problem.splitlines()}, exc_info=exc_info)
        self.problem = problem


class ShownMember(Member):
    """A workspace whose pages this process shows, and which another process syncs."""

    reader: type[LedgerReader] = LedgerReader
    _reader: LedgerReader | None = None
    _asleep = False

    @property
    def daemon(self) -> WorkspaceDaemon | None:
        """The reader of its ledger and its files."""
        return self._reader

    def _late(self) -> float:
        """0 if a turn is due to open the workspace; otherwise negative, because no turn is due."""
        return -1.0 if self._asleep else 0.0

    def wake(self) -> None:
        """Makes its next turn due."""
        self._asleep = False
        self._wake_all()

    def act(self) -> None:
        """Reads its files, unless an earlier turn has read them."""
        self._asleep = True
        if self._reader is None:
            config = self._valid_config()
            self._reader = self.reader(config.path, config, load=self._load, databases=self._databases)

    def close(self) -> None:
        """Closes its ledger."""
        if self._reader is not None:
            self._reader.stop()
            with suppress(LedgerError):
                self._reader.close()
