"""Commands as processes of their own, forked from one that has loaded syncd already.

Most of a command's time is its start: Python's, and a thousand modules'. The tests run thousands of commands. Here each
is a process too, with its own folder, environment, files, exit code and death; what it leaves out is the start alone,
which `test_commands` looks at. A test that kills, signals or watches a process starts a whole one.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn


class Forge:
    """The process that forks the others, one at a time; started by the first that asks."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """`syncd ARGUMENTS`, to its end. subprocess.TimeoutExpired where that takes longer than `timeout` seconds."""
        with self._lock, tempfile.TemporaryDirectory(prefix="syncd-said-") as said:
            process = self._started()
            assert process.stdin is not None
            assert process.stdout is not None
            asked = {"arguments": list(arguments), "folder": str(folder), "env": dict(environment), "said": said}
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            child = int(process.stdout.readline())
            late = threading.Timer(timeout, os.kill, (child, signal.SIGKILL))
            late.start()
            code = int(process.stdout.readline())
            late.cancel()
            out, err = ((Path(said) / name).read_text(encoding="utf-8") for name in ("out", "err"))
            if code == -signal.SIGKILL:
                raise subprocess.TimeoutExpired([*arguments], timeout, out, err)
            return subprocess.CompletedProcess([*arguments], code, out, err)

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=unmeasured
            )
            atexit.register(self._end, self._process)
        return self._process

    @staticmethod
    def _end(process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


FORGE = Forge()


def _serve() -> None:
    _load()
    _rehearse()
    gc.collect()
    gc.freeze()  # a child that looks through what is loaded would copy it
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(asked)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


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
        "rich.progress", "coverage",
    ):  # fmt: skip
        import_module(library)


def _rehearse() -> None:
    """The example's first sync, in this process: what it makes ready, such as models, every command then has."""
    sys.path.append(str(Path(__file__).parents[1]))
    from projects import NOW, write_project

    from syncd.config import load_config
    from syncd.cycle.model import CycleRequest
    from syncd.cycle.run import run_cycle
    from syncd.ledger import open_ledger
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
            document(report_of(Snapshots(config, okrs, ledger).now(NOW)))
        ledger.close()
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join()  # a fork would take along the locks that it holds


def _become(asked: Mapping[str, Any]) -> NoReturn:
    """The command, from here to the end of its process."""
    from coverage import process_startup

    from syncd.cli import main

    said = Path(asked["said"])
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    random.seed()
    for number, path in enumerate((Path(os.devnull), said / "out", said / "err")):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    process_startup()  # measured where the tests' environment says so
    sys.argv = ["syncd", *asked["arguments"]]
    main()


if __name__ == "__main__":
    _serve()
