"""The log, on standard error, as text or as JSON lines. Standard output is for the results of commands.

The core logs through the standard library's `logging`, with the fields of an event in `extra`. structlog renders the
events. structlog is imported at the first event, so that a command that logs nothing starts sooner.
"""

from __future__ import annotations

import json
import logging
import os
import select
import stat
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from io import StringIO
from textwrap import indent
from typing import TYPE_CHECKING, Any, TextIO

from syncd.cli.output import safe
from syncd.cli.unexpected import message_of, print_unwritten, take_lines
from syncd.config.advised_commands import for_workspace
from syncd.cycle.current import current_cycle, current_workspace
from syncd.sdk import ConfigError
from syncd.sdk.inert import inert_json, inert_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    import structlog

_OF_LINES = frozenset({"exception", "stack"})
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_PATIENCE = 2.0  # seconds that a reader of the log may take


def set_up_log(form: str, level: int = logging.INFO) -> None:
    """Logs the events of this level and above, as `text` or `json`."""
    if form not in ("text", "json"):
        raise ConfigError(f"--log-format is {form!r}; write text or json")
    log = logging.getLogger("syncd")
    configure = partial(_configure, form, level, _Log())
    log.handlers[:] = [_Rendered(configure)]
    log.setLevel(level)
    log.propagate = False
    take_lines(_Rendered(configure, logging.WARNING))
    for name in ("urllib3", "httpx", "httpcore", "github", "jira", "google"):
        logging.getLogger(name).setLevel(logging.ERROR)  # syncd's own errors report the same problems


class _Rendered(logging.Handler):
    """Hands each event to structlog, and configures structlog before the first event."""

    _shared = threading.RLock()  # one handler may log a line within the other: two locks could deadlock

    def __init__(self, configure: Callable[[], None], level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.lock = self._shared
        self._configure: Callable[[], None] | None = configure

    def emit(self, record: logging.LogRecord) -> None:
        """Renders one event. Never raises an error in the code that logs."""
        try:
            self._render(record)
        except Exception as error:
            print_unwritten(record, error)

    def _render(self, record: logging.LogRecord) -> None:
        import structlog

        if self._configure is not None:
            self._configure()
            self._configure = None
        fields = {name: value for name, value in vars(record).items() if name not in _OWN}
        if (cycle := current_cycle()) is not None:
            fields["cycle"] = cycle
        if (workspace := current_workspace()) is not None:
            fields["workspace"] = workspace
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        structlog.get_logger().log(record.levelno, message_of(record), **fields)


def _configure(form: str, level: int, log: _Log) -> None:
    import structlog

    def safe_fields(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        workspace = event.get("workspace")
        return {
            name: value
            if name == "exc_info"
            else _safe(_naming(value, workspace), inert_lines if name in _OF_LINES else None)
            for name, value in event.items()
        }

    def inert_traceback(file: TextIO, exception: structlog.typing.ExcInfo) -> None:
        text = StringIO()
        structlog.dev.plain_traceback(text, exception)
        file.write(
            indent(safe(text.getvalue(), inert_lines), "    ")
        )  # so no message can make a line that looks like the start of an event

    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=lambda event, **options: inert_json(json.dumps(event, **options)))
        if form == "json"
        # A plain traceback: a rich one would show the values of local variables, and a variable may hold a token.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=24, exception_formatter=inert_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _in_utc if form == "json" else _in_local_time,
            structlog.processors.format_exc_info if form == "json" else structlog.processors.StackInfoRenderer(),
            safe_fields,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: log,
    )


def _naming(value: Any, workspace: str | None) -> Any:
    """The value of an event's field. Commands in the value get the workspace of the log line."""
    return for_workspace(value, workspace) if isinstance(value, str) else value


def _safe(value: Any, calm: Callable[[str], str] | None = None) -> Any:
    """The value of an event's field, without secrets."""
    if isinstance(value, str):
        return safe(value, calm)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {_safe(name): _safe(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return list(map(_safe, value))
    try:
        text = repr(value)  # as it is written
    except Exception as error:
        return f"a {type(value).__name__} that cannot be shown: {type(error).__name__}"
    return value if (shown := safe(text)) == text else shown


def _in_utc(logger: object, method: str, event: Any) -> Any:
    event["timestamp"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _in_local_time(logger: object, method: str, event: Any) -> Any:
    """The event's time with its UTC offset, so that people can compare it with other logs."""
    event["timestamp"] = datetime.now().astimezone().isoformat(timespec="milliseconds")
    return event


class _Log:
    """Writes lines to standard error. A line that cannot be written is dropped. A full disk, or a log reader that
    stopped reading, therefore does not stop the program. Once lines can be written again, a line says how many were
    dropped.

    The handlers share a reentrant lock, so that lines do not mix. structlog's own lock is not reentrant, and could
    block the process for ever: Python may collect garbage while a line is written, and a collected object may log.
    """

    def __init__(self) -> None:
        self._dropped = 0
        self._torn = False

    def msg(self, line: str) -> None:
        """Writes a line, or drops it."""
        with suppress(OSError, ValueError, RuntimeError):
            stream = sys.stderr
            if (pipe := _pipe_of(stream)) is None:
                stream.write(f"{line}\n")
                stream.flush()
            elif not self._send(pipe, f"{line}\n".encode(stream.encoding, "replace")):
                self._dropped += 1
            elif dropped := self._dropped:
                self._dropped = 0
                reason = "whatever reads the log stood still"
                logging.getLogger("syncd").warning("lines dropped", extra={"lines": dropped, "reason": reason})
                if self._dropped:  # that line too
                    self._dropped += dropped - 1

    debug = info = warning = error = critical = msg

    def _send(self, pipe: int, line: bytes) -> bool:
        """Writes a line in pieces that a pipe accepts completely or not at all. Returns whether all pieces were
        written.
        """
        ready = select.poll()
        ready.register(pipe, select.POLLOUT)
        line = b"\n" + line if self._torn else line
        while line:
            if not ready.poll(0 if self._dropped else _PATIENCE * 1000):
                return False
            line = line[os.write(pipe, line[: select.PIPE_BUF]) :]
            self._torn = bool(line)
        return True


def _pipe_of(stream: TextIO) -> int | None:
    """The file descriptor of a stream if it is a pipe or a socket, which blocks if nobody reads; else None."""
    try:
        descriptor = stream.fileno()
        mode = os.fstat(descriptor).st_mode
    except (AttributeError, OSError, ValueError):  # without a descriptor, as in tests, or closed
        return None
    return descriptor if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else None
