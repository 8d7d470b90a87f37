"""`syncd doctor`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from syncd.cli.errors import explained
from syncd.cli.lines import wrapped
from syncd.cli.log import set_up_log
from syncd.cli.opening import open_config, print_json
from syncd.cli.output import say
from syncd.config import Config
from syncd.config.web_secrets import web_secret_problems
from syncd.cycle.check_connections import check_connection
from syncd.ledger import LedgerError, open_ledger
from syncd.ledger.check import check_ledger
from syncd.ledger.moves import Move
from syncd.sdk import Check, ConfigError, RetryPolicy
from syncd.status.periods import published_periods
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import Report, report_of


def run(path: Path, *, as_json: bool, workspace: str | None = None) -> None:
    """Checks every connection, the ledger, `notify:`, `heartbeat:` and `web:`. The exit code is 1 if a check fails."""
    set_up_log("text", logging.ERROR)
    config, clock = open_config(path, workspace)
    of_ledger, readable = _ledger(config)
    reports, moves = _reports(config, clock(), readable) if config.publications else ([], [])
    few = RetryPolicy(attempts=2, longest_wait=5, deadline=20)  # a person waits at the terminal
    results = [
        (
            connection.name,
            list(check_connection(config, connection, reports, clock(), few.fresh(connection.name), moves)),
        )
        for connection in config.connections.values()
    ]
    results.append(("ledger", [of_ledger]))
    if config.settings.notify is not None:
        results.append(("notify", list(_notify(config))))
    if config.settings.heartbeat is not None:
        results.append(("heartbeat", [_heartbeat(config, config.settings.heartbeat)]))
    if config.settings.web.login is not None or config.settings.web.metrics_token is not None:
        results.append(("web", list(_web(config))))
    if as_json:
        print_json({"connections": [_document(name, checks) for name, checks in results]})
    else:
        for name, checks in results:
            kind = f" ({config.connections[name].kind})" if name in config.connections else ""
            say(f"{name}{kind}")
            for check in checks:
                for line in wrapped(check.detail, f"  {'✓' if check.ok else '✗'} {check.name:<14} ", " " * 6):
                    say(line)
    if any(not check.ok for _, checks in results for check in checks):
        raise typer.Exit(1)


def _document(name: str, checks: Sequence[Check]) -> dict[str, Any]:
    return {
        "name": name,
        "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks],
    }


def _reports(config: Config, now: datetime, readable: bool) -> tuple[list[Report], list[Move]]:
    """The reports of the periods whose check-ins would be written now, and the moves of these periods. If there is no
    such period, the report and the moves of the first period.

    A ledger that is not `readable` counts as empty.
    """
    ledger = open_ledger(config.ledger_url() if readable else "sqlite:///:memory:", create=not readable)
    assert ledger is not None  # it exists, or open_ledger creates it
    periods = list(published_periods(config, now)) or list(config.periods[:1])
    with closing(ledger):
        reports = [report_of(Snapshots(config, okrs, ledger).now(now)) for okrs in periods]
        return reports, [move for okrs in periods for move in ledger.moves.of_period(okrs.period.id)]


def _notify(config: Config) -> Iterator[Check]:
    from syncd.notifying.addresses import check

    problems = check(config)
    yield from (Check("configured", False, problem) for problem in problems)
    if not problems:
        yield Check("configured", True, "apprise knows every address; nothing was sent")


def _web(config: Config) -> Iterator[Check]:
    problems = [problem.message for problem in web_secret_problems(config)]
    yield from (Check("configured", False, problem) for problem in problems)
    if not problems:
        yield Check("configured", True, "every secret of the pages is set; no login provider was asked")


def _heartbeat(config: Config, reference: str) -> Check:
    try:
        config.address("heartbeat", reference)
    except ConfigError as error:
        return Check("configured", False, "; ".join(problem.message for problem in error.problems))
    return Check("configured", True, "`syncd run` calls it after each good cycle; it was not called now")


def _ledger(config: Config) -> tuple[Check, bool]:
    """The result of the check whether a sync can use the ledger, and true if the ledger can be read now."""
    try:
        url = config.ledger_url()
        state = check_ledger(url)
        if not state.exists:
            return Check("usable", True, "there is none yet; the first sync creates it"), False
        if state.outdated:
            text = "it is of an older syncd; the next sync brings it up to date: make a backup before"
            return Check("usable", True, text), False
        ledger = open_ledger(url, create=False)
    except (ConfigError, LedgerError) as error:
        return Check("usable", False, str(explained(error))), False
    assert ledger is not None  # it exists
    with closing(ledger):
        last = ledger.cycles.last(pulled=True)
    if last is None or last.ended_at is None:
        return Check("usable", True, "no cycle yet"), True
    return Check("usable", True, f"last cycle {last.ended_at.astimezone(config.zone):%Y-%m-%d %H:%M}"), True
