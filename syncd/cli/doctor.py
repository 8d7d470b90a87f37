"""`syncd doctor`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import typer

from syncd.cli.log import set_up_log
from syncd.cli.opening import open_config, print_json
from syncd.config import Config, Connection
from syncd.ledger import LedgerError, open_ledger
from syncd.sdk import Check, ConfigError, Context, RetryPolicy, SourceError, can_pull


def run(path: Path, *, as_json: bool) -> None:
    """Asks every connection and the ledger; exit code 1 where something is not as it should be."""
    set_up_log("text", logging.ERROR)
    config, _ = open_config(path)
    found = [(connection.name, list(_checks(connection, config))) for connection in config.connections.values()]
    found.append(("ledger", [_ledger(config)]))
    if config.settings.notify is not None:
        found.append(("notify", list(_notify(config))))
    if as_json:
        print_json(
            {
                "connections": [
                    {
                        "name": name,
                        "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks],
                    }
                    for name, checks in found
                ]
            }
        )
    else:
        for name, checks in found:
            kind = f" ({config.connections[name].kind})" if name in config.connections else ""
            typer.echo(f"{name}{kind}")
            for check in checks:
                typer.echo(f"  {'✓' if check.ok else '✗'} {check.name:<14} {check.detail}")
    if any(not check.ok for _, checks in found for check in checks):
        raise typer.Exit(1)


def _checks(connection: Connection, config: Config) -> Iterator[Check]:
    # Few tries: somebody is waiting at the terminal.
    few = RetryPolicy(attempts=2, longest_wait=5, deadline=20)
    writes = any(one.connection.name == connection.name for one in config.publications)
    context = Context(few, config.zone, folder=str(config.path.parent), writes=writes)
    try:
        if not can_pull(connection.connector):
            connection.resolved()
            yield Check("configured", True, "nothing can be asked of it before something is written")
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
    from syncd.notifying.send import check

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
        return Check("usable", True, "none yet; the first sync makes it")
    last = ledger.cycles.last(pulled=True)
    ledger.close()
    when = (
        f"last cycle {last.ended_at.astimezone(config.zone):%Y-%m-%d %H:%M}"
        if last and last.ended_at
        else "no cycle yet"
    )
    return Check("usable", True, when)
