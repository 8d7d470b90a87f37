"""All workspaces of a deployment in one process. A failure of one workspace does not disturb the others."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from syncd.config import Config
from syncd.config.deployment import Deployment, deployment_of
from syncd.config.load import load_workspace
from syncd.config.project import ProjectFile
from syncd.config.project_document import read_project
from syncd.ledger import Databases, LedgerError
from syncd.sdk import ConfigError
from syncd.service.standstill import Watch
from syncd.service.watching import Folders, existing, folders_of_glob, watch_folders
from syncd.web.daemon import Daemon
from syncd.workspaces.company_metrics import CompanyMetrics
from syncd.workspaces.member import Member
from syncd.workspaces.rounds import Rounds
from syncd.workspaces.synced_member import SyncedMember
from syncd.workspaces.turns import Turns

log = logging.getLogger("syncd.workspaces")
_GRACE = 5.0  # seconds that turns have to end after a stop; after that the process leaves them, as a kill would
_CLOSING = 2.0  # the least seconds for closing ledgers, after the turns have ended
_STANDSTILL = 180.0  # seconds
_SHOWN = 5  # workspaces that a sentence names

MakeMember = Callable[[str, Callable[[Config | None], Config], Databases, Callable[[], None]], Member]


class Company:
    """Syncs and shows the workspaces of a deployment, or only shows them.

    It watches the files. If a workspace is added, edited, broken, corrected or removed, the change takes effect at
    once.
    """

    def __init__(self, deployment: Deployment, make: MakeMember) -> None:
        """`make` is `SyncedMember`, `ShownMember` or `WorkedMember`."""
        self.config_problem: str | None = None
        self.deployment = deployment
        """The deployment from its last valid file."""
        self._refused: Mapping[str, str] = {}
        self._make = make
        self._databases = Databases()
        self._stop = threading.Event()
        self._turns = Turns(self._stop)
        self._refreshing = threading.Lock()
        self._changing = threading.Lock()
        """The lock for changing `_members` and `_leaving`, and for reading both. `stop` does not use the lock, because
        a signal may call `stop` at any point.
        """
        self._members: Mapping[str, Member] = {}
        self._leaving: Sequence[Member] = ()
        self._metrics = CompanyMetrics()
        self._add_and_remove()

    # -- for pages and probes

    @property
    def path(self) -> Path:
        """The deployment's syncd.yaml."""
        return self.deployment.path

    @property
    def settings(self) -> ProjectFile:
        """The keys of the deployment's last valid syncd.yaml."""
        return self.deployment.settings

    @property
    def workers(self) -> int | None:
        """None, because no worker runs the cycles."""
        return None

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stop.is_set()

    def names(self) -> Sequence[str]:
        """The names of all workspaces, including broken ones, sorted."""
        return sorted({*self._members, *self.deployment.refused})

    def daemon(self, name: str) -> Daemon | None:
        """The daemon that the pages of a workspace read. None if there is no such workspace, or if it is not open."""
        member = self._members.get(name)
        return member.daemon if member is not None else None

    def problem(self, name: str) -> str | None:
        """The reason why a workspace cannot be shown. None if it is shown or is being opened, or if there is no such
        workspace.
        """
        member = self._members.get(name)
        if member is not None:
            return member.problem if member.daemon is None else None
        return str(self.deployment.refused[name]) if name in self.deployment.refused else None

    def standstill(self) -> float | None:
        """For how many seconds the process has been stuck; None if it is not stuck.

        A single stuck workspace does not count, because it is no reason to restart the process.
        `daemon(NAME).standstill()` reports it.
        """
        still = time.monotonic() - self._turns.moved_at
        if self._turns.are_all_taken:
            turns = self._turns.running.items()
            still = max(still, min((self._stands_still(taker.name, age) for taker, age in turns), default=0.0))
        return still if still > _STANDSTILL else None

    def _stands_still(self, name: str, age: float) -> float:
        """For how many seconds a turn has made no progress.

        For a turn that runs no cycle, such as a turn that opens a workspace, this is the age of the turn.
        """
        daemon = self.daemon(name)
        return age if daemon is None else daemon.standstill() or 0.0

    def not_ready(self) -> str | None:
        """The reason why this process cannot serve any workspace at present; None if it is ready.

        The process is ready while at least one workspace has had its first turn and can be served from its ledger.
        Pages and metrics report broken workspaces.
        """
        reasons = {name: str(problem) for name, problem in self.deployment.refused.items()}
        for member in list(self._members.values()):
            reason = member.unready() or _ledger_problem(member)
            if reason is None:
                return None
            reasons[member.name] = reason
        all_of_them = _some([f"{name}: {reason}" for name, reason in reasons.items()]) or "there are none"
        return f"no workspace can be served: {all_of_them}"

    def scrape(self, *, ledger: bool = True) -> bytes:
        """The metrics of all workspaces, each with the label `workspace`. `ledger=False` leaves out the metrics that
        are read from ledgers, for ledgers that do not respond.
        """
        broken = [name for name in self.names() if self.daemon(name) is None]
        daemons = {name: member.daemon for name, member in self._members.items()}
        opened = {name: daemon for name, daemon in daemons.items() if daemon is not None}
        return self._metrics.scrape(opened, broken, ledger=ledger)

    def receive_webhook(
        self, workspace: str, connection: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str]:
        """Handles a webhook of a workspace's connection, and returns the status and the text of the response. An
        unknown workspace gets the same response as an unknown connection.
        """
        daemon = self.daemon(workspace)
        if daemon is None:
            return 404, "no connection of this name takes webhooks; write webhook_secret on it"
        return daemon.receive_webhook(connection, headers, body)

    # -- running and stopping

    def run(self) -> None:
        """Serves until `stop` is called. Turns that still run `_GRACE` seconds later are abandoned. The next start
        continues their work, as after a kill.
        """
        failures: list[BaseException] = []

        def give_turns() -> None:
            try:
                self._turns.run(self._takers)
            except BaseException as error:
                failures.append(error)

        log.info("serving workspaces", extra={"workspaces": len(self.names())})
        for name, target in (("watch", self._watch), *self._rounds()):
            threading.Thread(target=target, name=name, daemon=True).start()
        turns = threading.Thread(target=give_turns, name="turns", daemon=True)
        turns.start()
        standing = Watch(self.standstill)
        while turns.is_alive() and not self._stop.is_set():
            turns.join(0.5)  # it shares no lock with `stop`, which a signal may call at any point of this thread
            standing.look()
        end = time.monotonic() + _GRACE
        turns.join(_GRACE)
        if failures:
            raise failures[0]
        self._end(end)

    def stop(self) -> None:
        """Makes `run` end within seconds, in any state."""
        self._stop.set()
        for member in [*self._members.values(), *self._leaving]:
            member.stopping.set()
        self._turns.wake()

    def reload(self) -> None:
        """Reads the files of the deployment, and starts a cycle of each workspace."""
        threading.Thread(target=self._reload, name="reload", daemon=True).start()  # a signal must not wait for a lock

    def _reload(self) -> None:
        self._take_over(())
        for member in list(self._members.values()):
            member.wake()

    def _takers(self) -> Iterable[Member]:
        with self._changing:
            self._leaving = [member for member in self._leaving if not member.closed]
            return [*self._members.values(), *self._leaving]

    def _rounds(self) -> Iterable[tuple[str, Callable[[], None]]]:
        """The names and functions of the threads that visit one workspace after the other."""

        def synced() -> Sequence[SyncedMember]:
            return [member for member in self._members.values() if isinstance(member, SyncedMember)]

        looks, upkeep = Rounds(synced, SyncedMember.look, self._stop), Rounds(synced, SyncedMember.keep_up, self._stop)
        yield "looks", looks.run
        yield "upkeep", upkeep.run
        yield "upkeep", upkeep.run  # a second thread, because the folder of a backup may hang

    def _end(self, end: float) -> None:
        hanging = list(self._turns.join(end - time.monotonic()))
        for member in self._members.values():
            if isinstance(member, SyncedMember) and member.name not in hanging:
                hanging += [f"{member.name}: {name}" for name in member.join(max(0.0, end - time.monotonic()))]
        if hanging:
            log.warning("stopped in the middle; the next start goes on from there", extra={"hanging": hanging})
            return
        closing = threading.Thread(target=self._close, name="close", daemon=True)  # a database may not answer
        closing.start()
        closing.join(max(_CLOSING, end - time.monotonic()))
        if closing.is_alive():
            log.warning("stopped while a ledger was being closed; its database does not answer")
        else:
            log.info("stopped")

    def _close(self) -> None:
        for member in self._members.values():
            member.turn()
        self._databases.close()

    # -- files

    def _watch(self) -> None:
        watch_folders(self._folders, lambda: {".yaml", ".yml", self.path.suffix} - {""}, self._take_over, self._stop)

    def _folders(self) -> Folders:
        """The folders to watch: those of the deployment, those in which a workspace may appear, and those of each
        workspace.
        """
        folders = existing([self.path.parent, *folders_of_glob(self.path.parent / (self.settings.workspaces or ""))])
        for member in list(self._members.values()):
            folders |= member.folders()
        return folders

    def _take_over(self, changed: Collection[Path]) -> None:
        """Reads the files of each workspace whose folders contain one of the changed paths. Without changed paths,
        reads the files of all workspaces.
        """
        with self._refreshing:
            before = self.deployment
            self._read_deployment()
            self._add_and_remove()
            all_of_them = not changed or self.deployment.document is not before.document
            for member in list(self._members.values()):
                folders = member.folders()
                if all_of_them or not folders or any(path in folders or path.parent in folders for path in changed):
                    member.reload()

    def _read_deployment(self) -> None:
        try:
            document, settings = read_project(self.path, self.deployment.document)
            deployment = deployment_of(self.path, document, settings)
            if not deployment.files and settings.workspaces != self.settings.workspaces:
                deployment.with_workspaces()  # raises without workspaces, so that an edit cannot remove all
        except ConfigError as error:
            problem = str(error)
            if problem != self.config_problem:
                log.error("the deployment is wrong; the last good one stays", extra={"problems": problem.splitlines()})
            self.config_problem = problem
            self._metrics.reloaded(good=False)
            return
        if settings.ledger != self.settings.ledger:
            log.warning("the deployment names another ledger: restart syncd to use it; the present one stays")
        self.config_problem = None
        self._metrics.reloaded(good=True)
        self.deployment = deployment

    def _add_and_remove(self) -> None:
        """Adds and removes members to match the workspaces of the deployment. A member whose workspace is refused now
        continues unchanged.
        """
        workspaces, refused, names = self.deployment.workspaces, self.deployment.refused, self.deployment.names()
        members = {name: member for name, member in self._members.items() if name in names}
        gone = [member for name, member in self._members.items() if name not in members]
        for name in workspaces:
            if name not in members:
                members[name] = self._make(name, partial(self._load, name), self._databases, self._turns.wake)
        if self._members and (added := [name for name in members if name not in self._members]):
            log.info("workspaces added", extra={"workspaces": added})
        for name, problem in refused.items():
            if name not in members and str(problem) != self._refused.get(name):
                log.error("workspace cannot be served", extra={"workspace": name, "problems": [str(problem)]})
        self._refused = {name: str(problem) for name, problem in refused.items()}
        with self._changing:
            self._members = members
            self._leaving = [*self._leaving, *gone]
        for member in gone:
            log.info("workspace removed", extra={"workspace": member.name})
            member.stopping.set()
        self._turns.wake()

    def _load(self, name: str, last: Config | None) -> Config:
        return load_workspace(self.deployment, name, last=last)


def _ledger_problem(member: Member) -> str | None:
    """The reason why the ledger of a workspace cannot be used now; None if it can be used."""
    try:
        if member.daemon is not None:
            member.daemon.check_ledger()
    except LedgerError as error:
        return str(error)
    return None


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN:,} more" if len(texts) > _SHOWN else ""
    return "; ".join(texts[:_SHOWN]) + more
