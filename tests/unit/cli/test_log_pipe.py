"""A log that nobody reads: lines are dropped in time, and a line tells of them once somebody reads on."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace

import pytest

from syncd.cli import log as module
from syncd.cli.log import set_up_log

log = logging.getLogger("syncd.test")
LINES = 300


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The end that reads a log; who writes it does not wait long."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 16_384)
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    monkeypatch.setattr(logging.getLogger("py.warnings"), "handlers", [])
    with open(writer, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream))
        set_up_log("json")
        yield reader
    os.close(reader)
    logging.captureWarnings(False)


def read(pipe: int) -> str:
    text = b""
    with suppress(BlockingIOError):
        while piece := os.read(pipe, 1 << 16):
            text += piece
    return text.decode()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("size", [10, 3_000, 9_000])
def test_lines_that_nobody_reads_are_dropped_and_counted(pipe: int, size: int) -> None:
    def write() -> None:
        for _ in range(LINES):
            log.info("x" * size)

    writing = threading.Thread(target=write, daemon=True)
    writing.start()
    writing.join(240)
    assert not writing.is_alive()
    *whole, last = read(pipe).splitlines(keepends=True)
    kept = [json.loads(line) for line in whole]
    torn = last if not last.endswith("\n") else ""
    kept += [] if torn else [json.loads(last)]
    log.info("read again")
    again, told = map(json.loads, read(pipe).splitlines()[-2:])
    assert again["event"] == "read again"
    assert (told["event"], told["level"], told["lines"] + len(kept)) == ("lines dropped", "warning", LINES)
    log.info("and again")
    assert [json.loads(line)["event"] for line in read(pipe).splitlines()] == ["and again"]


def test_line_longer_than_a_pipe_takes_at_once_is_written_whole(pipe: int) -> None:
    log.info("é" * 2_000)
    assert json.loads(read(pipe))["event"] == "é" * 2_000


def test_lines_of_syncd_and_of_libraries_wait_for_the_same_lock(pipe: int) -> None:
    assert logging.lastResort is not None
    assert logging.getLogger("syncd").handlers[0].lock is logging.lastResort.lock
