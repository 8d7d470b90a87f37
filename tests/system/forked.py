"""Commands as processes of their own, forked from one that has loaded syncd already.

Most of a command's time is its start: Python's, and a thousand modules'. The tests run thousands of commands. Here each
is a process too, with its own folder, environment, files, exit code and death, to be signalled and killed; what it
leaves out is the start alone, which `test_commands` and `test_container` look at.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import queue
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn


class Forked:
    """A command that was started. Its output is in the files that it was given."""

    def __init__(self, arguments: Sequence[str], pid: int, forge: Forge) -> None:
        self.arguments = [*arguments]
        self.pid = pid
        self._forge = forge

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._forge.codes.get(self.pid)

    def wait(self, timeout: float) -> int:
        """Its exit code, once it has ended. subprocess.TimeoutExpired where that takes longer than so many seconds."""
        with self._forge.changed:
            if not self._forge.changed.wait_for(lambda: self.poll() is not None, timeout):
                raise subprocess.TimeoutExpired(self.arguments, timeout)
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        """As `kill -NUMBER`; nothing where it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """As `kill -9`."""
        self.send_signal(signal.SIGKILL)


class Forge:
    """The process that forks the others; started by the first that asks."""

    def __init__(self) -> None:
        self.codes: dict[int, int | None] = {}
        self.changed = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._begun: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._lock = threading.Lock()

    def start(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], out: Path, err: Path
    ) -> Forked:
        """`syncd ARGUMENTS`, which goes on by itself."""
        with self._lock:
            process = self._started()
            assert process.stdin is not None
            request = {"arguments": [*arguments], "folder": str(folder), "env": {**environment}}
            process.stdin.write(json.dumps(request | {"out": str(out), "err": str(err)}) + "\n")
            process.stdin.flush()
            return Forked(arguments, self._begun.get(), self)

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """`syncd ARGUMENTS`, to its end; killed where that takes longer than `timeout` seconds."""
        with tempfile.TemporaryDirectory(prefix="syncd-output-") as output:
            files = [Path(output) / name for name in ("out", "err")]
            command = self.start(arguments, folder, environment, *files)
            try:
                code = command.wait(timeout)
            finally:
                command.kill()
            return subprocess.CompletedProcess([*arguments], code, *(file.read_text("utf-8") for file in files))

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=unmeasured
            )
            threading.Thread(target=self._listen, args=[self._process.stdout], daemon=True).start()
            atexit.register(self._end, self._process)
        return self._process

    def _listen(self, lines: Iterable[str]) -> None:
        """Takes down what begins and what ends. A number may be given to another process later, and begins anew."""
        for line in lines:
            pid, _, code = line.partition(" ")
            with self.changed:
                if code.strip():
                    self.codes[int(pid)] = int(code)
                    self.changed.notify_all()
                    continue
                self.codes[int(pid)] = None
            self._begun.put(int(pid))

    @staticmethod
    def _end(process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


FORGE = Forge()


def _serve() -> None:
    _hurry()
    _load()
    _rehearse()
    gc.collect()
    gc.freeze()  # a child that looks through what is loaded would copy it
    signal.signal(signal.SIGCHLD, _reap)
    for line in sys.stdin:
        request = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])  # a child that ends at once has begun before
        child = os.fork()
        if child == 0:
            _become(request)
        os.write(1, f"{child}\n".encode())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])


def _reap(*_: object) -> None:
    """Tells how each child ended that has."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            os.write(1, f"{ended[0]} {os.waitstatus_to_exitcode(ended[1])}\n".encode())


def _hurry() -> None:
    """Commands wait a tenth as long between two tries, and between two writes: nobody here is kinder for the rest."""
    sleep = time.sleep
    time.sleep = lambda seconds: sleep(seconds / 10)
    from connectors.files import source

    source.SETTLED /= 10


def _load() -> None:
    """All that commands load when they need it, but for what reads the environment as it is loaded."""
    from importlib import import_module
    from pkgutil import walk_packages

    import connectors
    import syncd

    for package in (syncd, connectors):
        for found in walk_packages(package.__path__, package.__name__ + "."):
            if not found.name.endswith("__main__") and ".migrations." not in found.name:
                import_module(found.name)
    for library in (
        "github", "jira", "gspread", "httpcore", "anyio._backends._asyncio", "psycopg", "alembic.command", "tenacity",
        "rich.progress", "coverage", "python_calamine",
    ):  # fmt: skip
        import_module(library)


def _rehearse() -> None:
    """The example's first sync, and what people ask then, in this process: what that makes ready, such as models and
    statements, every command then has.
    """
    sys.path.append(str(Path(__file__).parents[1]))
    from projects import NOW, write_project

    from syncd.config import load_config
    from syncd.cycle.model import CycleRequest
    from syncd.cycle.run import run_cycle
    from syncd.explain.documents import explanation
    from syncd.explain.history import history
    from syncd.ledger import open_ledger
    from syncd.review import review
    from syncd.sandbox import DEMO_NOW, serve
    from syncd.sdk import RetryPolicy
    from syncd.status.document import document
    from syncd.status.read_snapshots import Snapshots
    from syncd.status.report import report_of

    with tempfile.TemporaryDirectory(prefix="syncd-rehearsal-") as folder, serve(now=DEMO_NOW) as box:
        project = write_project(Path(folder) / "project", box)
        os.environ.update(project.env)
        config = load_config(project.folder / "syncd.yaml")
        ledger = open_ledger(config.ledger_url())
        assert ledger is not None
        assert not run_cycle(CycleRequest(config, ledger, lambda: NOW, RetryPolicy())).failures
        for okrs in config.periods:
            snapshots = Snapshots(config, okrs, ledger)
            snapshot = snapshots.now(NOW)
            document(report_of(snapshot))
            review(config, okrs, ledger, NOW, None, whole=False)
            for key_result in okrs.key_results:
                explanation(snapshot, ledger, key_result)
            history(snapshots, snapshot, okrs.key_results[0], backfill=True)
        ledger.close()
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join()  # a fork would take along the locks that it holds


def _become(request: Mapping[str, Any]) -> NoReturn:
    """The command, from here to the end of its process."""
    from coverage import process_startup

    from syncd.cli import main

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    random.seed()
    for number, path in enumerate((os.devnull, request["out"], request["err"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    if patience := os.environ.pop("TEST_LEDGER_PATIENCE", None):
        from syncd.ledger.impatient import ImpatientConnection

        ImpatientConnection.patience = float(patience)
    if silence := os.environ.pop("TEST_SILENCE", None):
        from syncd.service import job

        job._SILENCE = float(silence), float(silence)
    process_startup()  # measured where the tests' environment says so
    sys.argv = ["syncd", *request["arguments"]]
    main()


if __name__ == "__main__":
    _serve()
