"""The folder of `syncd demo`, made once for all processes that run tests, and a copy of it for each who asks."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import HANG


def copy_of_demo(temporary: pytest.TempPathFactory, folder: Path) -> Path:
    """A new folder with the files and the ledger of the demo."""
    base = temporary.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (shared / "demo.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = shared / "demo-of-all"
        if not made.exists():
            making = shared / "demo-of-all.making"
            shutil.rmtree(making, ignore_errors=True)
            command = [sys.executable, "-m", "syncd", "demo", "--folder", str(making)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=HANG)
            assert done.returncode == 0, done.stderr
            making.rename(made)
        shutil.copytree(made, folder)
    return folder
