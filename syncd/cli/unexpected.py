"""Masks the secrets in unexpected output: the error that ends the process or a thread, and the log lines of libraries.

Python would print these texts unchanged, although they may contain an address, a header or a password. This module
passes them through every redactor of the process. `set_up_log` gives the log lines of libraries the format of syncd's
log.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from contextlib import suppress
from copy import copy
from typing import TYPE_CHECKING

from syncd.cli.output import say_document

if TYPE_CHECKING:
    from types import TracebackType


def guard_errors() -> None:
    """Replaces the functions with which Python prints an error of any thread, an error that cannot be raised, and a
    library's warning.
    """
    sys.excepthook = _print_error
    sys.unraisablehook = _print_unraisable
    threading.excepthook = lambda ended: _print_error(ended.exc_type, ended.exc_value, ended.exc_traceback)
    take_lines(_LastResort(logging.WARNING))


def take_lines(handler: logging.Handler) -> None:
    """Lets `handler` write the log lines that no other handler writes: the lines of libraries, and Python's
    warnings.
    """
    logging.lastResort = handler
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").handlers[:] = [handler]  # otherwise Python adds a handler that drops all lines


def message_of(record: logging.LogRecord) -> str:
    """The message of a line of the log. If the values do not fit the format, returns the format and the error."""
    try:
        return record.getMessage()
    except Exception as error:
        return f"{record.msg} (its values do not fit: {type(error).__name__})"


def print_unwritten(record: logging.LogRecord, error: Exception) -> None:
    """Prints a sentence instead of a log line that cannot be written. Python would print the values of the line, which
    may contain secrets.
    """
    _print(f"{record.levelname}: a line of the log of {record.name} cannot be written: {type(error).__name__}\n")


def _print_error(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    with suppress(Exception):  # an error that cannot be formatted
        _print("".join(traceback.format_exception(kind, error, trace)))


def _print_unraisable(ignored: sys.UnraisableHookArgs) -> None:
    with suppress(Exception):
        _print(f"{ignored.err_msg or 'Exception ignored in'}: {ignored.object!r}\n")
    _print_error(ignored.exc_type, ignored.exc_value, ignored.exc_traceback)


def _print(text: str) -> None:
    with suppress(Exception):  # standard error has no reader, or the process ends
        say_document(text, err=True)


class _LastResort(logging.Handler):
    """Writes the log of libraries where no log was set up."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the message and its traceback. Raises nothing, so that the library goes on."""
        try:
            line = copy(record)
            line.msg, line.args = message_of(record), None
            _print(f"{self.format(line)}\n")
        except Exception as error:
            print_unwritten(record, error)
