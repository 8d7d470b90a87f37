"""What most commands begin and end with: the configuration, the clock, the ledger, the log; one JSON document."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

from syncd.config import Config, load_config
from syncd.config.messages import nearest
from syncd.config.project import clock_of
from syncd.ledger import Ledger, open_ledger
from syncd.okr.goals import KeyResult, Plan
from syncd.report import choose_plan
from syncd.sdk import ConfigError

Clock = Callable[[], datetime]


def open_config(path: Path) -> tuple[Config, Clock]:
    """The configuration, and the clock that every command goes by: a rehearsal's where syncd.yaml sets one."""
    if not path.exists():
        raise ConfigError(f"there is no {path}; name it with --config, or write one with `syncd init`")
    config = load_config(path)
    return config, clock_of(config.settings)


def writing_ledger(config: Config) -> Ledger:
    """The ledger, made where there is none."""
    ledger = open_ledger(config.ledger_url())
    assert ledger is not None  # it was created
    return ledger


def chosen_plan(config: Config, period: str | None, now: datetime) -> Plan:
    """The plan to show; ConfigError names the periods where there is no such."""
    plan = choose_plan(config, period, now)
    if plan is None:
        known = ", ".join(other.period.id for other in config.plans)
        raise ConfigError(f"there is no period {period!r}; the mappings have: {known}")
    return plan


def chosen_key_result(plan: Plan, name: str) -> KeyResult:
    """The key result of a plan that has this id; ConfigError names the nearest where none has."""
    by_id = {kr.id: kr for kr in plan.key_results}
    if name not in by_id:
        raise ConfigError(f"there is no key result {name!r} in {plan.period.id}{nearest(name, by_id)}")
    return by_id[name]


def set_up_log(form: str, level: int = logging.INFO) -> None:
    """Logs to standard error, as text or as JSON lines; standard output is for answers."""
    import structlog

    if form not in ("text", "json"):
        raise ConfigError(f"--log-format is {form!r}; write text or json")
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        # A plain traceback: a rich one would show what local variables hold, and they may hold a token.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=24, exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=form == "json"),
            structlog.processors.format_exc_info if form == "json" else structlog.processors.StackInfoRenderer(),
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(_Log(sys.stderr)),  # type: ignore[arg-type]
    )
    for name in ("urllib3", "httpx", "github", "jira"):
        logging.getLogger(name).setLevel(logging.ERROR)  # what they warn of, our own errors say


class _Log:
    """A stream that drops what it cannot write: a full disk under the log must not end what the log is about."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Writes what can be written."""
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """Hands over what can be handed over."""
        with suppress(OSError):
            self._stream.flush()


def print_json(data: object) -> None:
    """One JSON document on standard output."""
    import orjson
    import typer

    typer.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())
