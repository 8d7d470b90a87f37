"""The command line: every command and its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="syncd",
    help="Keeps OKRs true: pulls what teams did and what changed because of it, and explains every number.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)

ConfigPath = Annotated[
    Path, typer.Option("--config", "-c", envvar="SYNCD_CONFIG", help="The syncd.yaml to use.", show_default=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
PeriodId = Annotated[str | None, typer.Option("--period", help="A period's id; that of today unless given.")]
LogFormat = Annotated[str, typer.Option("--log-format", help="text, or json for a log collector.")]
_HERE = Path("syncd.yaml")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"syncd {version('syncd')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Keeps OKRs true: pulls what teams did and what changed because of it, and explains every number."""


@app.command()
def sync(
    config: ConfigPath = _HERE,
    only: Annotated[str | None, typer.Option("--only", metavar="KR", help="Only this key result.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Pull and compute; keep no value, send nothing.")] = False,
    reconcile: Annotated[bool, typer.Option("--reconcile", help="Look for what vanished in silence, now.")] = False,
    log_format: LogFormat = "text",
) -> None:
    """Pull every source, compute every key result, write what changed where `publish:` says."""
    from syncd.cli import sync as command

    command.run(config, only=only, dry_run=dry_run, reconcile=reconcile, log_format=log_format)


@app.command()
def plan(
    config: ConfigPath = _HERE,
    only: Annotated[str | None, typer.Option("--only", metavar="KR", help="Only this key result.")] = None,
    as_json: AsJson = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 3 where there are changes.")] = False,
    log_format: LogFormat = "text",
) -> None:
    """Show what a sync would change, and change nothing.

    Pulls and computes as sync does: each value old and new, the records that enter and leave, what would be held, what
    was edited. Pulled rows are kept, no value is.
    """
    from syncd.cli import plan as command

    command.run(config, only=only, as_json=as_json, exit_code=exit_code, log_format=log_format)


@app.command()
def status(
    config: ConfigPath = _HERE,
    period: PeriodId = None,
    as_json: AsJson = False,
) -> None:
    """Show where every key result stands.

    By the ledger and the mappings alone: no network, no secret.
    """
    from syncd.cli import status as command

    command.run(config, period=period, as_json=as_json)


@app.command()
def explain(
    key_result: Annotated[str, typer.Argument(metavar="KR", help="The key result's id.")],
    config: ConfigPath = _HERE,
    at: Annotated[str | None, typer.Option("--at", help="As of this day or time, such as 2026-11-02.")] = None,
    period: PeriodId = None,
    as_json: AsJson = False,
) -> None:
    """Show the whole evidence behind a number.

    What counts, what was left out by which rule, when it was pulled; as it is, or as it was on any past day.
    """
    from syncd.cli import explain as command

    command.run(config, key_result, at=at, period=period, as_json=as_json)


@app.command()
def history(
    key_result: Annotated[str, typer.Argument(metavar="KR", help="The key result's id.")],
    config: ConfigPath = _HERE,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Compute the days before its first value, where the sources date them.")
    ] = False,
    period: PeriodId = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of text.")] = False,
    as_json: AsJson = False,
    as_chart: Annotated[bool, typer.Option("--chart", help="Draw it in the terminal.")] = False,
) -> None:
    """Show a key result's series, day by day.

    What stood at the end of each day, and between the days what was edited, approved or restated. By the ledger alone:
    no network, no secret. What `--backfill` computes is marked, and not kept.
    """
    from syncd.cli import history as command

    command.run(config, key_result, backfill=backfill, period=period, as_csv=as_csv, as_json=as_json, as_chart=as_chart)


@app.command()
def review(
    config: ConfigPath = _HERE,
    week: Annotated[bool, typer.Option("--week", help="The last seven days; so it is without --period.")] = False,
    period: Annotated[str | None, typer.Option("--period", help="A period's id: all of it, or its --week.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="Up to this past day, such as 2026-11-02.")] = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown; so it is unless asked.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="Print one HTML page that needs nothing else.")] = False,
    as_json: AsJson = False,
    notify: Annotated[
        bool, typer.Option("--notify", help="Send the short of it to `notify:`, and print none.")
    ] = False,
) -> None:
    """Show what moved and why, for the meeting.

    Watermelons first, then what moved, what is stale, what was edited, what people said, and questions to ask. Of the
    last seven days, or with `--period` of all of it. By the ledger and the mappings alone: no network and no secret but
    for `--notify`.
    """
    from syncd.cli import review as command

    forms = {"as_markdown": as_markdown, "as_html": as_html, "as_json": as_json, "notify": notify}
    command.run(config, week=week, period=period, at=at, **forms)


@app.command()
def approve(
    key_result: Annotated[str, typer.Argument(metavar="KR", help="The key result's id.")],
    config: ConfigPath = _HERE,
    number: Annotated[float | None, typer.Option("--number", help="Only if this is the number that waits.")] = None,
    author: Annotated[str | None, typer.Option("--author", help="Who approves; your login name unless given.")] = None,
    period: PeriodId = None,
) -> None:
    """Accept the number that a held key result waits with.

    It becomes the value, and stays it while the source says the same; another implausible number is held again. Of one
    that is not held, and whose check-ins were left alone, what stands there may be written over. Works on the ledger
    alone: no network, no secret.
    """
    from syncd.cli import approve as command

    command.run(config, key_result, period=period, author=author, number=number)


@app.command()
def checkin(
    key_result: Annotated[str, typer.Argument(metavar="KR", help="The key result's id.")],
    config: ConfigPath = _HERE,
    value: Annotated[str | None, typer.Option("--value", metavar="N", help="The number, in its unit.")] = None,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="What is to be said of it.")] = None,
    confidence: Annotated[
        str | None, typer.Option("--confidence", metavar="0..1", help="How sure you are that it will be reached.")
    ] = None,
    author: Annotated[str | None, typer.Option("--author", help="Who says so; your login name unless given.")] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires", metavar="DURATION", help="How long it stands; its `stale_after` or 14d unless given."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Take a value outside `plausible`, for it is meant.")] = False,
    period: PeriodId = None,
    as_json: AsJson = False,
) -> None:
    """Say a key result's number, a note, or how sure you are.

    Where a key result has no measure, the number is its value until it expires; of milestones without `at` it says how
    many are reached. Beside a measure it stands apart, and replaces nothing. Works on the ledger and the mappings
    alone: no network, no secret.
    """
    from syncd.cli import checkin as command

    command.run(
        config,
        key_result,
        value=value,
        note=note,
        confidence=confidence,
        author=author,
        expires=expires,
        period=period,
        force=force,
        as_json=as_json,
    )


@app.command()
def publish(
    key_result: Annotated[
        str | None, typer.Argument(metavar="[KR]", help="Only this key result's check-ins.", show_default=False)
    ] = None,
    config: ConfigPath = _HERE,
    retry: Annotated[
        bool, typer.Option("--retry", help="Also what failed for good, was left alone, or may have arrived.")
    ] = False,
    log_format: LogFormat = "text",
) -> None:
    """Write the check-ins that wait where `publish:` says.

    Every sync does so after it has computed them. What was left alone is looked at again, and stays alone where what
    somebody else wrote still stands there.
    """
    from syncd.cli import publish as command

    command.run(config, only=key_result, retry=retry, log_format=log_format)


@app.command()
def run(
    config: ConfigPath = _HERE,
    listen: Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help="Where the pages are served.")] = (
        "127.0.0.1:8321"
    ),
    log_format: LogFormat = "text",
) -> None:
    """Run the service: cycles by the schedule, and pages.

    The first cycle begins at once. SIGTERM or Ctrl-C stops it cleanly, with exit code 0.
    """
    from syncd.cli import run as command

    command.run(config, listen=listen, log_format=log_format)


@app.command()
def validate(
    config: ConfigPath = _HERE,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 where there are warnings.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check syncd.yaml and every mapping file.

    Schema, references, lint. Touches nothing and needs no secret.
    """
    from syncd.cli import validate as command

    command.run(config, strict=strict, as_json=as_json)


@app.command("test")
def run_tests(
    config: ConfigPath = _HERE,
    as_json: AsJson = False,
) -> None:
    """Run the tests inside mapping files.

    No network, no ledger, no secret: each test gives its own facts. Exit 1 where one fails.
    """
    from syncd.cli import test as command

    command.run(config, as_json=as_json)


@app.command()
def doctor(config: ConfigPath = _HERE, as_json: AsJson = False) -> None:
    """Ask each connection whether it is well.

    Reachable, authenticated, no wider scopes than needed, clock in step, quota left.
    """
    from syncd.cli import doctor as command

    command.run(config, as_json=as_json)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to; an existing file is never overwritten.")] = Path(),
) -> None:
    """Write the first files of a project."""
    from syncd.cli import init as command

    command.run(folder)


@app.command()
def schema(
    document: Annotated[str, typer.Argument(help="mapping, or project for syncd.yaml.")] = "mapping",
) -> None:
    """Print the JSON Schema of a kind of file.

    Editors complete and check YAML by it.
    """
    from syncd.cli import schema as command

    command.run(document)


@app.command()
def connectors(as_json: AsJson = False) -> None:
    """List the installed connectors and their keys."""
    from syncd.cli import connectors as command

    command.run(as_json=as_json)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where the demo's files are written.")] = Path("syncd-demo"),
) -> None:
    """Sync a small company's quarter from the sandbox."""
    from syncd.cli import demo as command

    command.run(folder)


@app.command()
def sandbox(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="On 127.0.0.1; 0 picks a free one.")] = 8322,
    seed: Annotated[int, typer.Option("--seed", help="Another seed tells another story.")] = 7,
    now: Annotated[str | None, typer.Option("--now", help="Its time, or `real`; the demo's day unless given.")] = None,
) -> None:
    """Serve the sandbox on loopback, until Ctrl-C.

    It speaks GitHub, Jira Cloud and Data Center, Google Sheets and a JSON API, and prints the variables to use it by.
    """
    from syncd.cli import sandbox as command

    command.run(port=port, seed=seed, now=now)
