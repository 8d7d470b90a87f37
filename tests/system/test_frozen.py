"""What stands still holds up no process: a reader of its log, a thread that never ends, its own loop."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from waiting import HANG, wait_for

PROJECT = """\
ledger: sqlite:///syncd.db
mappings: mappings
schedule: 1s
connections:
  local: {type: files, root: .}
"""
MAPPING = """\
period: 2026-Q4
objectives:
  - id: support
    title: Customers find answers without calling us
    key_results:
      - {id: calls, title: Fewer calls, kind: outcome, baseline: 10, target: 5}
"""
THREAD_THAT_STAYS = """\
import threading
from syncd.cli import boundary

def fail(_):
    threading.Thread(target=threading.Event().wait).start()
    raise RuntimeError("nobody expected this")

boundary._run = fail
boundary.run()
"""
LOOP_THAT_HANGS = """\
import sys, threading
from syncd.cli.boundary import run
from syncd.service import job, service, standstill

job.run_cycle = lambda *_, **__: threading.Event().wait()
service._STANDSTILL = standstill._LIMIT = 0.1
sys.argv = ["syncd", "run", "--listen", "127.0.0.1:0"]
run()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "okrs.yaml").write_text(MAPPING)
    (tmp_path / "syncd.yaml").write_text(PROJECT)
    return tmp_path


def full_pipe() -> tuple[int, int]:
    """The ends of a pipe that has no room."""
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    for size in (select.PIPE_BUF, 1):
        with suppress(BlockingIOError):
            while True:
                os.write(writer, b"." * size)
    os.set_blocking(writer, True)
    return reader, writer


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_reader_of_the_log_that_stands_still_holds_up_neither_cycles_nor_the_stop(folder: Path) -> None:
    reader, writer = full_pipe()
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "syncd", "run", "--listen", address]
    process = subprocess.Popen(command, cwd=folder, stderr=writer)

    def cycles() -> float:
        with suppress(httpx.TransportError):
            text = httpx.get(f"http://{address}/metrics", timeout=HANG).text
            return sum(map(float, re.findall(r"^syncd_cycles_total\{.*\} (.+)$", text, re.MULTILINE)))
        return 0

    try:
        wait_for(lambda: process.poll() is not None or cycles() >= 3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=HANG) == 0
    finally:
        process.kill()
        os.close(reader)
        os.close(writer)


def test_error_that_nobody_expected_ends_the_process_beside_a_thread_that_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", THREAD_THAT_STAYS]
    done = subprocess.run(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, timeout=HANG, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("RuntimeError: nobody expected this\n")


def test_process_whose_loop_stands_still_ends_and_shows_its_threads(folder: Path) -> None:
    command = [sys.executable, "-c", LOOP_THAT_HANGS]
    done = subprocess.run(command, cwd=folder, stderr=subprocess.PIPE, text=True, timeout=HANG, check=False)
    assert done.returncode == 70, done.stderr
    assert "Thread cycles:" in done.stderr


@pytest.mark.nightly
def test_process_whose_loop_stands_still_ends_though_nobody_reads_its_log(folder: Path) -> None:
    reader, writer = full_pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-c", LOOP_THAT_HANGS], cwd=folder, stderr=writer, timeout=HANG, check=False
        )
    finally:
        os.close(reader)
        os.close(writer)
    assert done.returncode == 70


def test_stop_that_hangs_is_ended_by_the_kernel(tmp_path: Path) -> None:
    code = (
        "import os, signal, threading\n"
        "from syncd.cli import run\n"
        "run._PATIENCE = 1\n"
        "run.on_stop(lambda: threading.Event().wait())\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=HANG, check=False)
    assert done.returncode == -signal.SIGALRM
