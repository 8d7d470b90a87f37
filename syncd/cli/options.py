"""The options and arguments of the command line, as types for the parameters of its commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.completing import key_results, workspaces
from syncd.cli.output import remember_workspace

# -- of several commands

ConfigPath = Annotated[
    Path, typer.Option("--config", "-c", metavar="FILE", envvar="SYNCD_CONFIG", help="The syncd.yaml to use.")
]
HERE = Path("syncd.yaml")
"""The default path of the configuration, without `--config` and SYNCD_CONFIG."""

Workspace = Annotated[
    str | None,
    typer.Option(
        "--workspace",
        metavar="NAME",
        help="The workspace, in a deployment of several teams.",
        autocompletion=workspaces,
        callback=remember_workspace,
    ),
]
EveryWorkspace = Annotated[bool, typer.Option("--all", help="Show a row for each workspace of a deployment.")]
KeyResultId = Annotated[str, typer.Argument(metavar="KR", help="The key result's id.", autocompletion=key_results)]
Only = Annotated[
    str | None,
    typer.Option("--only", metavar="KR", help="Pull and compute this key result only.", autocompletion=key_results),
]
PeriodId = Annotated[
    str | None, typer.Option("--period", metavar="ID", help="The period's id (default: today's period).")
]
At = Annotated[
    str | None, typer.Option("--at", metavar="DATE", help="Show the state of this past day, such as 2026-11-02.")
]
Author = Annotated[str | None, typer.Option("--author", metavar="NAME", help="Your name (default: your login name).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
LogFormat = Annotated[str, typer.Option("--log-format", metavar="FORMAT", help="Format of the log: text or json.")]

# -- sync, plan

DryRun = Annotated[bool, typer.Option("--dry-run", help="Pull and compute, but store no value and send nothing.")]
Reconcile = Annotated[bool, typer.Option("--reconcile", help="Check for deleted records now.")]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit with 3 if there are changes.")]

# -- try

Tried = Annotated[
    str,
    typer.Argument(
        metavar="FILE:KR",
        help="A mapping file and the id of a key result in it; FILE:KR:guard is the guard of the key result. "
        "`-` reads a measure in YAML from standard input.",
    ),
]

# -- sync, run

NewLedger = Annotated[bool, typer.Option("--new-ledger", help="Start a new ledger although an earlier one is missing.")]
AnotherLedger = Annotated[
    bool, typer.Option("--new-ledger", help="Let this ledger replace another one of the workspace.")
]

# -- history, review

Backfill = Annotated[bool, typer.Option("--backfill", help="Also compute the days before the first value.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV instead of text.")]
AsChart = Annotated[bool, typer.Option("--chart", help="Draw a chart in the terminal.")]
Week = Annotated[bool, typer.Option("--week", help="Review the last seven days (default).")]
ReviewedPeriod = Annotated[
    str | None, typer.Option("--period", metavar="ID", help="Review all of this period; with --week, its last week.")
]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown (default).")]
AsHtml = Annotated[bool, typer.Option("--html", help="Print a single HTML file, for mail or print.")]
Notify = Annotated[bool, typer.Option("--notify", help="Send a summary to `notify:` instead of printing.")]

# -- approve, checkin, publish

HeldNumber = Annotated[
    float | None, typer.Option("--number", metavar="N", help="Approve only if this is the held number.")
]
Value = Annotated[str | None, typer.Option("--value", metavar="N", help="The number, in the key result's unit.")]
Note = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="A note about the key result.")]
Confidence = Annotated[
    str | None,
    typer.Option("--confidence", metavar="0..1", help="How sure you are that the key result will be reached."),
]
Expires = Annotated[
    str | None,
    typer.Option(
        "--expires", metavar="DURATION", help="How long the check-in is valid (default: `stale_after`, or 14d)."
    ),
]
OfDay = Annotated[
    str | None,
    typer.Option("--date", metavar="DATE", help="The past day that the check-in describes, such as 2026-11-02."),
]
Withdraw = Annotated[
    bool, typer.Option("--withdraw", help="Withdraw the newest check-in; with --date, the newest of that day.")
]
Force = Annotated[bool, typer.Option("--force", help="Accept a value outside `plausible`.")]
Published = Annotated[
    str | None,
    typer.Argument(
        metavar="KR", help="Write this key result's check-ins only.", show_default=False, autocompletion=key_results
    ),
]
Retry = Annotated[bool, typer.Option("--retry", help="Also retry deliveries that failed, were refused or are unsure.")]

# -- backup, restore, export, import, copy-ledger, prune

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The backup file to write.")]
RestoredFile = Annotated[Path, typer.Argument(metavar="FILE", help="The file of a backup, or the folder of an export.")]
ExportFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the export.")]
CountOnly = Annotated[bool, typer.Option("--dry-run", help="Only count the rows that would be removed.")]
LedgerAddress = Annotated[
    str, typer.Argument(metavar="URL", help="The URL of the new ledger, written as under `ledger:`.")
]

# -- the others

Listen = Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help="Address of the pages.")]
WorkerListen = Annotated[
    str | None,
    typer.Option("--listen", metavar="HOST:PORT", help="Address of the probes and metrics (default: none)."),
]
Insecure = Annotated[
    bool,
    typer.Option("--insecure", help="Without `web: login`, let everybody who reaches the pages see and do everything."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 if there are warnings.")]
NewFolder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to write to; no file is overwritten.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write the example without asking.")]
Kind = Annotated[str, typer.Argument(metavar="KIND", help="`mapping` for mapping files, `project` for syncd.yaml.")]
DemoFolder = Annotated[
    Path, typer.Option("--folder", metavar="FOLDER", help="The folder of the demo; each demo overwrites it.")
]
Serve = Annotated[bool, typer.Option("--serve", help="Then run the service and serve the pages.")]
Port = Annotated[
    int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Port on 127.0.0.1; 0 picks a free one.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="The seed of the generated data.")]
Now = Annotated[
    str | None,
    typer.Option("--now", metavar="TIME", help="The time in the sandbox, or `real` (default: the demo's time)."),
]
