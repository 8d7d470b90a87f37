"""What nobody expected shows no secret: an error that ends the process or a thread, a library's log, a printed line."""

from __future__ import annotations

import gc
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator

import pytest
import structlog

from syncd.cli.log import set_up_log
from syncd.cli.opening import print_json
from syncd.cli.output import plain, say, say_document, say_json
from syncd.cli.unexpected import guard_errors
from syncd.sdk.redactor import Redactor

SECRET = "Pl4nt-of-a-driver"
BROKEN = f"cannot open https://h/?key={SECRET} nor 'Pl4nt%2Dof-a-driver'"


@pytest.fixture(autouse=True)
def redactor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redactor]:
    """Knows the secret; what a process changes for all of it is afterwards as it was."""
    hooks = ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook"), (logging, "lastResort"))
    for holder, name in (*hooks, (warnings, "showwarning")):
        monkeypatch.setattr(holder, name, getattr(holder, name))
    monkeypatch.setattr(logging.getLogger("py.warnings"), "handlers", [])
    log = logging.getLogger("syncd")
    before = list(log.handlers), log.level, log.propagate
    yield Redactor([SECRET])
    logging.captureWarnings(False)
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


def cannot_be_raised() -> None:
    class Ends:
        def __del__(self) -> None:
            fail()

    Ends()
    gc.collect()


WAYS: tuple[Callable[[], None], ...] = (ends_a_thread, ends_the_process, is_logged_by_a_library, cannot_be_raised)


@pytest.mark.parametrize("way", WAYS)
def test_error_shows_no_secret(way: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    guard_errors()
    way()
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert "ValueError" in printed
    assert "***" in printed
    assert "Pl4nt" not in printed


def is_warned_of_by_a_library() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)  # the filter of pytest has taken its place
        logging.captureWarnings(True)
        warnings.warn(f"deprecated: {BROKEN}", stacklevel=1)


def has_values_that_do_not_fit() -> None:
    logging.Logger("a-library").warning("%d of %s", BROKEN, BROKEN)


class Hostile:
    """A value that cannot be shown."""

    def __repr__(self) -> str:
        raise ValueError(BROKEN)


def has_a_message_that_cannot_be_shown() -> None:
    logging.Logger("a-library").warning(Hostile())


@pytest.mark.parametrize("form", ["none", "text", "json"])
@pytest.mark.parametrize(
    ("way", "shown"),
    [
        (is_warned_of_by_a_library, "deprecated: cannot open https://h/?key=***"),
        (has_values_that_do_not_fit, "%d of %s (its values do not fit: TypeError)"),
        (has_a_message_that_cannot_be_shown, "a line of the log of a-library cannot be written: ValueError"),
    ],
)
def test_line_of_a_library_raises_nothing_and_shows_no_secret(
    form: str, way: Callable[[], None], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    guard_errors()
    if form != "none":
        set_up_log(form)
    way()
    printed = capsys.readouterr().err
    assert shown in printed
    assert "Pl4nt" not in printed
    assert "Traceback" not in printed


def test_error_is_passed_over_where_nothing_can_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the interpreter ends")

    monkeypatch.setattr("syncd.cli.unexpected.say_document", broken)
    guard_errors()
    for way in (*WAYS, has_values_that_do_not_fit, has_a_message_that_cannot_be_shown):
        way()


@pytest.mark.parametrize("form", ["text", "json"])
def test_field_of_any_kind_shows_no_secret(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log(form)

    class Shown:
        def __str__(self) -> str:
            return "nothing"

        def __repr__(self) -> str:
            return f"Shown({BROKEN})"

    fields = {"pair": (BROKEN, 7), "by_name": {BROKEN: [BROKEN]}, "own": Shown(), "hostile": Hostile(), "size": 7}
    logging.getLogger("syncd.test").warning("failed", extra=fields)
    printed = capsys.readouterr().err
    assert printed.count("***") >= 4
    assert "Pl4nt" not in printed
    assert "a Hostile that cannot be shown: ValueError" in printed
    if form == "json":
        assert json.loads(printed)["size"] == 7


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


@pytest.mark.parametrize("parted", ["Pl4nt-\0of-a-driver", "Pl4nt-of\u202e-a-driver", "Pl4nt-of-a-\x1bdriver"])
def test_what_is_left_out_of_a_text_restores_no_secret(parted: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log("text")
    say(f"at {parted}")
    say_document(f"at {parted}\n")
    say(plain([f"at {parted}"]))
    logging.getLogger("syncd.test").warning("at %s", parted, extra={"where": parted})
    printed = capsys.readouterr()
    assert printed.out == "at ***\n" * 3
    assert "Pl4nt" not in printed.err
    assert printed.err.count("***") == 2


def test_text_is_without_secrets_before_and_after_it_is_made_inert(capsys: pytest.CaptureFixture[str]) -> None:
    lines, spaces = Redactor(["Pl4nt\nof-lines"]), Redactor(["Pl4nt of spaces"])
    say("Pl4nt\nof-lines Pl4nt\vof\x1cspaces")
    assert capsys.readouterr().out == "*** ***\n"
    assert (lines.has_learned, spaces.has_learned) == (False, False)


def test_json_document_shows_no_secret_and_keeps_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    digits = Redactor(["12345678"])
    document = {
        "id": "calls",
        "reason": BROKEN,
        BROKEN: ["12345678 \u202e"],
        "value": 12345678,
        "big": 2**70,
        "é": 1.10,
    }
    print_json({"id": "calls", "value": 1.5})
    assert capsys.readouterr().out == '{\n  "id": "calls",\n  "value": 1.5\n}\n'
    say_json(json.dumps(document, indent=1))
    printed = capsys.readouterr().out
    shown = "cannot open https://h/?key=*** nor '***'"
    values = [*document.values()]
    assert list(json.loads(printed).values()) == ["calls", shown, ["*** \u202e"], *values[3:]]
    assert list(json.loads(printed)) == ["id", "reason", shown, "value", "big", "é"]
    assert digits("12345678") == "***"
    assert "Pl4nt" not in printed


def test_printed_documents_name_the_workspace_only_in_sentences_of_syncd(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.cli.output.workspace", "alpha")
    print_json({"title": "run `syncd sync`", "reason": "run `syncd sync`"})
    assert json.loads(capsys.readouterr().out) == {
        "title": "run `syncd sync`",
        "reason": "run `syncd sync --workspace alpha`",
    }
