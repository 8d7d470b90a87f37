"""`syncd sandbox`."""

from __future__ import annotations

import signal
import threading
from datetime import datetime

from syncd.cli.demo import sandbox_environment
from syncd.cli.output import say
from syncd.sandbox import DEMO_NOW, serve
from syncd.sdk import ConfigError


def run(*, port: int, seed: int, now: str | None) -> None:
    """Runs the sandbox until it is stopped, and prints the variables that a shell needs to use it."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with serve(seed=seed, now=_time(now), port=port) as box:
            for name, value in sandbox_environment(box).items():
                say(f"export {name}={value}")
            say(f"# serving at {box.url} until Ctrl-C; the true figures of the demo: {box.url}/truth")
            stop.wait()
    except OSError as error:
        raise ConfigError(
            f"port {port} cannot be used: {(error.strerror or str(error)).lower()}; pick another with --port"
        ) from None


def _time(text: str | None) -> datetime | None:
    if text is None:
        return DEMO_NOW
    if text == "real":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--now is {text!r}; write `real`, or a time such as 2026-11-21T10:15+01:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=DEMO_NOW.tzinfo)
