"""`syncd doctor`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from syncd.cli.lines import wrapped
from syncd.cli.log import set_up_log
from syncd.cli.opening import open_config, print_json
from syncd.config import Config, Connection
from syncd.ledger import LedgerError, open_ledger
from syncd.sdk import Check, ConfigError, Context, RetryPolicy, SourceError, can_pull


def run(path: Path, *, as_json: bool) -> None:
    """Checks every connection, the ledger and `notify:`; exit code 1 if a check fails."""
    set_up_log("text", logging.ERROR)
    config, _ = open_config(path)
    results = [(connection.name, list(_checks(connection, config))) for connection in config.connections.values()]
    results.append(("ledger", [_ledger(config)]))
    if config.settings.notify is not None:
        results.append(("notify", list(_notify(config))))
    if as_json:
        print_json({"connections": [_document(name, checks) for name, checks in results]})
    else:
        for name, checks in results:
            kind = f" ({config.connections[name].kind})" if name in config.connections else ""
            typer.echo(f"{name}{kind}")
            for check in checks:
                for line in wrapped(check.detail, f"  {'✓' if check.ok else '✗'} {check.name:<14} ", " " * 6):
                    typer.echo(line)
    if any(not check.ok for _, checks in results for check in checks):
        raise typer.Exit(1)


def _document(name: str, checks: Sequence[Check]) -> dict[str, Any]:
    return {
        "name": name,
        "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks],
    }


def _checks(connection: Connection, config: Config) -> Iterator[Check]:
    # Few tries: a person waits at the terminal.
    few = RetryPolicy(attempts=2, longest_wait=5, deadline=20)
    writes = any(publication.connection.name == connection.name for publication in config.publications)
    context = Context(few, config.zone, folder=str(config.path.parent), writes=writes)
    try:
        if not can_pull(connection.connector):
            connection.resolved()
            yield Check("configured", True, "it only takes check-ins: it cannot be checked before the first is written")
            return
        source = connection.open(context)
    except ConfigError as error:
        yield Check("configured", False, "; ".join(problem.message for problem in error.problems) or str(error))
        return
    try:
        yield from source.check()
    except SourceError as error:
        yield Check("reachable", False, str(error))
    finally:
        source.close()


def _notify(config: Config) -> Iterator[Check]:
    from syncd.notifying.addresses import check

    problems = check(config)
    yield from (Check("configured", False, problem) for problem in problems)
    if not problems:
        yield Check("configured", True, "apprise knows every address; nothing was sent")


def _ledger(config: Config) -> Check:
    try:
        url = config.ledger_url()
        ledger = open_ledger(url, create=False)
    except (ConfigError, LedgerError) as error:
        return Check("usable", False, str(error))
    if ledger is None:
        return Check("usable", True, "there is none yet; the first sync creates it")
    last = ledger.cycles.last(pulled=True)
    ledger.close()
    if last is None or last.ended_at is None:
        return Check("usable", True, "no cycle yet")
    return Check("usable", True, f"last cycle {last.ended_at.astimezone(config.zone):%Y-%m-%d %H:%M}")
