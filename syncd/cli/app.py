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
    """Measures OKRs by the work that teams did and by the effect of this work, and explains every number."""


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

    Then writes the changed check-ins to the targets under `publish:`. If a source or a target fails, the sync continues
    with the other sources and targets, and the exit code is 1.
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

    Pulls and computes in the same way as `sync`. Shows the old and the new value of each key result, the records that
    would start or stop counting, the numbers that would be held for approval, the edits of the mapping files, and the
    check-ins that would be written to each target. Stores the pulled rows, but no values.
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
    """Compute a measure while you write it, and store nothing.

    Computes the number from the rows in the ledger and from at most 20 requests to the sources. Shows the first rows
    that count, and the first rows that each rule excludes. For a formula, also shows its parts. The file may be outside
    the folder of the mapping files. The service may run at the same time. The command sends no request that could
    change data at a source.
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
    """Show the value and the health of every key result.

    Reads only the ledger and the mapping files, and contacts no source.
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

    Lists the records and cells that count, and each excluded record or cell with the rule that excludes it. Shows when
    each record or cell was pulled. With --at, shows the evidence of a past day or time. Reads only the ledger and the
    mapping files, and contacts no source.
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

    Shows the value at the end of each day. Between the days, shows each edit of the definition, each approval, and each
    restatement (a change that a source made to past data). With --backfill, also computes the days before the first
    value, if the data of the source is dated. The computed days are marked, and not stored. Reads only the ledger and
    the mapping files, and contacts no source.
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
    """Show which key results moved and why, for a meeting.

    Starts with the watermelons: outputs that are on pace while their outcomes are not. Then lists the key results that
    moved, stale values, edited definitions, check-ins, and questions for the meeting. Covers the last seven days, or a
    whole period with --period. Reads only the ledger and the mapping files, and contacts no source. Only --notify uses
    the network.
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
    """Approve the held number of a key result.

    The held number becomes the value, and stays the value while the source reports the same number. A different
    implausible number is held again. syncd refuses to overwrite text that somebody else wrote in a target. If no number
    is held, the command permits the next sync to overwrite such text. The command itself contacts no other system.
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

    If the key result has no measure, the number is its value until the check-in expires. For milestones without `at`,
    the number says how many milestones are reached. If the key result has a measure, the number is shown beside the
    measured value and does not replace it.

    With --date, the check-in describes the end of a past day. The number of this check-in is the value unless a
    check-in of a later day has a number. To correct a wrong check-in, withdraw it with --withdraw, and add a --note if
    you like. The check-in before the wrong one then counts again, and past days stay as they were shown. The command
    contacts no other system.
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

    Every sync also writes waiting check-ins. syncd refuses to overwrite text that somebody else wrote in a target. With
    --retry, syncd reads such a target again, and writes only if that text is gone.
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
    """Sync the OKRs of an example company from the sandbox.

    With --serve, the command then runs the service, which syncs from the sandbox and serves the pages. Ctrl-C ends the
    service with exit code 0.
    """
    from syncd.cli import demo as command

    command.run(folder, serve_at=listen if serve else None)


@app.command()
def sandbox(port: options.Port = 8322, seed: options.Seed = 7, now: options.Now = None) -> None:
    """Serve the sandbox on this machine, until Ctrl-C.

    The sandbox stands in for GitHub, GitLab, Jira Cloud, Jira Data Center, Google Sheets and a JSON API. The command
    prints the environment variables that a syncd.yaml needs to use the sandbox.
    """
    from syncd.cli import sandbox as command

    command.run(port=port, seed=seed, now=now)
