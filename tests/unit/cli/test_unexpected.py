"""What nobody expected shows no secret: an error that ends the process or a thread, a library's log, a printed line."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
import structlog

from syncd.cli.log import set_up_log
from syncd.cli.output import say
from syncd.cli.unexpected import guard_errors
from syncd.sdk.redactor import Redactor

SECRET = "Pl4nt-of-a-driver"
BROKEN = f"cannot open https://h/?key={SECRET} nor 'Pl4nt%2Dof-a-driver'"


@pytest.fixture(autouse=True)
def redactor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redactor]:
    """Knows the secret; what a process changes for all of it is afterwards as it was."""
    for holder, name in ((sys, "excepthook"), (threading, "excepthook"), (logging, "lastResort")):
        monkeypatch.setattr(holder, name, getattr(holder, name))
    log = logging.getLogger("syncd")
    before = list(log.handlers), log.level, log.propagate
    yield Redactor([SECRET])
    log.handlers[:], log.level, log.propagate = before
    structlog.reset_defaults()


def fail() -> None:
    try:
        {}[BROKEN]
    except KeyError as error:
        raise ValueError(f"while that: {BROKEN}") from error


def ends_a_thread() -> None:
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def ends_the_process() -> None:
    try:
        fail()
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)


def is_logged_by_a_library() -> None:
    library = logging.Logger("a-library")  # with no handler: those of the root are pytest's
    try:
        fail()
    except ValueError:
        library.exception("asked for %s", BROKEN)


WAYS: tuple[Callable[[], None], ...] = (ends_a_thread, ends_the_process, is_logged_by_a_library)


@pytest.mark.parametrize("way", WAYS)
def test_error_shows_no_secret(way: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    guard_errors()
    way()
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert "ValueError" in printed
    assert "***" in printed
    assert "Pl4nt" not in printed


@pytest.mark.parametrize("form", ["text", "json"])
def test_log_shows_no_secret(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log(form)
    log = logging.getLogger("syncd.test")
    log.warning("failed", extra={"reason": BROKEN, "hanging": [BROKEN], "error": ValueError(BROKEN), "cycle": 7})
    try:
        fail()
    except ValueError:
        log.exception(BROKEN)
    is_logged_by_a_library()
    printed = capsys.readouterr().err
    assert printed.count("***") >= 6
    assert printed.count("ValueError: while that") == 2
    assert "Pl4nt" not in printed
    if form == "json":
        assert [json.loads(line)["level"] for line in printed.splitlines()] == ["warning", "error", "error"]


@pytest.mark.parametrize("err", [False, True])
def test_printed_line_shows_no_secret(err: bool, capsys: pytest.CaptureFixture[str]) -> None:
    say(BROKEN, err=err)
    printed = capsys.readouterr()
    assert "***" in printed.out + printed.err
    assert "Pl4nt" not in printed.out + printed.err
