"""The command line: every command and its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli import options
from syncd.cli.checking import checking
from syncd.cli.copying import copying
from syncd.cli.output import say
from syncd.cli.serving import serving
from syncd.cli.starting import starting

app = typer.Typer(
    name="syncd",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"syncd {version('syncd')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Keeps OKRs true: pulls what teams did and what changed because of it, and explains every number."""


@app.command()
def sync(
    config: options.ConfigPath = options.HERE,
    workspace: options.Workspace = None,
    only: options.Only = None,
    dry_run: options.DryRun = False,
    reconcile: options.Reconcile = False,
    new_ledger: options.NewLedger = False,
    log_format: options.LogFormat = "text",
) -> None:
    """Pull every source and update every key result.

    Then writes the changed check-ins to the targets under `publish:`. A source or a target that fails does not stop the
    others; the exit code is then 1.
    """
    from syncd.cli import sync as command

    command.run(
        config,
        only=only,
        dry_run=dry_run,
        reconcile=reconcile,
        log_format=log_format,
        new_ledger=new_ledger,
        workspace=workspace,
    )


@app.command()
def plan(
    config: options.ConfigPath = options.HERE,
    workspace: options.Workspace = None,
    only: options.Only = None,
    as_json: options.AsJson = False,
    exit_code: options.ExitCode = False,
    log_format: options.LogFormat = "text",
) -> None:
    """Show what a sync would change, without changing it.

    Pulls and computes like `sync`, then shows the old and the new value of each key result, the records that enter and
    leave, the numbers that would be held, the edits, and what would be written to each target. It keeps the pulled
    rows, but no value.
    """
    from syncd.cli import plan as command

    command.run(config, only=only, as_json=as_json, exit_code=exit_code, log_format=log_format, workspace=workspace)


@app.command("try")
def try_measure(
    target: options.Tried,
    config: options.ConfigPath = options.HERE,
    workspace: options.Workspace = None,
    as_json: options.AsJson = False,
) -> None:
    """Answer a measure while you write it, and keep nothing.

    Computes the number from what the ledger holds and at most 20 pages beyond it, and shows the first rows that count
    and those that each rule leaves out. A formula is answered with each of its parts. The file need not be one of the
    project's. `-` reads a measure from standard input. The service may run meanwhile; no request is sent that may
    change something.
    """
    from syncd.cli import try_out as command

    command.run(config, target, as_json=as_json, workspace=workspace)


@app.command()
def status(
    config: options.ConfigPath = options.HERE,
    workspace: options.Workspace = None,
    every: options.EveryWorkspace = False,
    period: options.PeriodId = None,
    as_json: options.AsJson = False,
) -> None:
    """Show where every key result stands.

    Reads the ledger and the mappings only: it needs no network and no secret.
    """
    if every:
        from syncd.cli import status_all

        status_all.run(config, workspace, period=period, as_json=as_json)
        return
    from syncd.cli import status as command

    command.run(config, period=period, as_json=as_json, workspace=workspace)


@app.command()
def explain(
    key_result: options.KeyResultId,
    config: options.ConfigPath = options.HERE,
    workspace: options.Workspace = None,
    at: options.At = None,
    period: options.PeriodId = None,
    as_json: options.AsJson = False,
) -> None:
    """Show all the evidence behind a number.

    Lists the records and cells that count, those left out and the rule that leaves them out, and when each was pulled:
    as of now, or as of a past day or time with --at. Reads the ledger and the mappings only: it needs no network and no
    secret.
    """
    from syncd.cli import explain as command

    command.run(config, key_result, at=at, period=period, as_json=as_json, workspace=workspace)


@app.command()
def history(
    key_result: options.KeyResultId,
    config: options.ConfigPath = options.HERE,
    workspace: options.Workspace = None,
    backfill: options.Backfill = False,
    period: options.PeriodId = None,
    as_csv: options.AsCsv = False,
    as_json: options.AsJson = False,
    as_chart: options.AsChart = False,
) -> None:
    """Show a key result's value day by day.

    Shows the value at the end of each day, and between the days each edit, approval and restatement. Where a source
    dates its data, --backfill computes the days before the first value; they are marked, and are not kept. Reads the
    ledger and the mappings only: it needs no network and no secret.
    """
    from syncd.cli import history as command

    command.run(
        config,
        key_result,
        backfill=backfill,
        period=period,
        as_csv=as_csv,
        as_json=as_json,
        as_chart=as_chart,
        workspace=workspace,
    )


@app.command()
def review(
    config: options.ConfigPath = options.HERE,
    workspace: options.Workspace = None,
    week: options.Week = False,
    period: options.ReviewedPeriod = None,
    at: options.At = None,
    as_markdown: options.AsMarkdown = False,
    as_html: options.AsHtml = False,
    as_json: options.AsJson = False,
    notify: options.Notify = False,
) -> None:
    """Show what moved and why, for a meeting.

    Starts with the watermelons, then lists what moved, what is stale, what was edited, the check-ins, and questions to
    ask. Covers the last seven days, or a whole period with --period. Reads the ledger and the mappings only; --notify
    alone needs the network and a secret.
    """
    from syncd.cli import review as command

    forms = {"as_markdown": as_markdown, "as_html": as_html, "as_json": as_json, "notify": notify}
    command.run(config, week=week, period=period, at=at, workspace=workspace, **forms)


@app.command()
def approve(
    key_result: options.KeyResultId,
    config: options.ConfigPath = options.HERE,
    workspace: options.Workspace = None,
    number: options.HeldNumber = None,
    author: options.Author = None,
    period: options.PeriodId = None,
) -> None:
    """Accept the number of a held key result.

    The number becomes the value, and stays it while the source reports the same number; another implausible number is
    held again. If the key result is not held, but syncd left a target alone because somebody else wrote there, the next
    sync overwrites that text. Works on the ledger only: it needs no network and no secret.
    """
    from syncd.cli import approve as command

    command.run(config, key_result, period=period, author=author, number=number, workspace=workspace)


@app.command()
def checkin(
    key_result: options.KeyResultId,
    config: options.ConfigPath = options.HERE,
    workspace: options.Workspace = None,
    value: options.Value = None,
    note: options.Note = None,
    confidence: options.Confidence = None,
    author: options.Author = None,
    expires: options.Expires = None,
    dated: options.OfDay = None,
    withdraw: options.Withdraw = False,
    force: options.Force = False,
    period: options.PeriodId = None,
    as_json: options.AsJson = False,
) -> None:
    """Check in a number, a note or your confidence.

    Without a measure, the number is the key result's value until it expires; for milestones without `at`, it is how
    many of them are reached. With a measure, the number stands beside the measured value and replaces nothing.

    With --date it describes the end of a past day; the number is the value unless there is one of a later day. A wrong
    check-in is not deleted but withdrawn, with --withdraw and perhaps a --note: then the check-in before it counts, and
    past days stay as they were shown. Works on the ledger and the mappings only: it needs no network and no secret.
    """
    from syncd.cli import checkin as command

    if withdraw:
        command.withdraw(
            config,
            key_result,
            given={"--value": value, "--confidence": confidence, "--expires": expires, "--force": force or None},
            note=note,
            author=author,
            dated=dated,
            period=period,
            as_json=as_json,
            workspace=workspace,
        )
        return
    command.run(
        config,
        key_result,
        value=value,
        note=note,
        confidence=confidence,
        author=author,
        expires=expires,
        dated=dated,
        period=period,
        force=force,
        as_json=as_json,
        workspace=workspace,
    )


@app.command()
def publish(
    key_result: options.Published = None,
    config: options.ConfigPath = options.HERE,
    workspace: options.Workspace = None,
    retry: options.Retry = False,
    log_format: options.LogFormat = "text",
) -> None:
    """Write the waiting check-ins to their targets.

    Every sync does this for the check-ins it has computed. --retry reads each refused target again, and writes only if
    the text of somebody else is gone.
    """
    from syncd.cli import publish as command

    command.run(config, only=key_result, retry=retry, log_format=log_format, workspace=workspace)


app.registered_commands += [*serving.registered_commands, *copying.registered_commands]


app.registered_commands += [*checking.registered_commands, *starting.registered_commands]


@app.command()
def demo(
    folder: options.DemoFolder = Path("syncd-demo"),
    serve: options.Serve = False,
    listen: options.Listen = "127.0.0.1:8321",
) -> None:
    """Sync an example company's quarter from the sandbox.

    With --serve, the service then runs with the sandbox behind it and serves the pages, until Ctrl-C (exit code 0).
    """
    from syncd.cli import demo as command

    command.run(folder, serve_at=listen if serve else None)


@app.command()
def sandbox(port: options.Port = 8322, seed: options.Seed = 7, now: options.Now = None) -> None:
    """Serve the sandbox on loopback, until Ctrl-C.

    Serves GitHub, GitLab, Jira Cloud, Jira Data Center, Google Sheets and a JSON API. Prints the environment variables
    that a syncd.yaml needs to use them.
    """
    from syncd.cli import sandbox as command

    command.run(port=port, seed=seed, now=now)
