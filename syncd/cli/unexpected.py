"""What nobody expected, without secrets: the error that ends the process or a thread, and what libraries log.

Python prints them as they are, and an error's text may hold an address, a header or a password. Here they go through
every redactor of the process. `set_up_log` gives the lines of libraries the form of the log.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from syncd.cli.output import say_document

if TYPE_CHECKING:
    from types import TracebackType


def guard_errors() -> None:
    """Takes the place of Python's own ways to print an error, in all threads, and a library's warning."""
    sys.excepthook = _print_error
    threading.excepthook = lambda ended: _print_error(ended.exc_type, ended.exc_value, ended.exc_traceback)
    logging.lastResort = _LastResort(logging.WARNING)


def _print_error(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    _print("".join(traceback.format_exception(kind, error, trace)))


def _print(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads standard error
        say_document(text, err=True)


class _LastResort(logging.Handler):
    """Writes what libraries log where no log was set up."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the message, and its traceback."""
        _print(f"{self.format(record)}\n")
