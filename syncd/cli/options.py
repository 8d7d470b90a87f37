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
"""The configuration without `--config` and SYNCD_CONFIG."""

Workspace = Annotated[
    str | None,
    typer.Option(
        "--workspace",
        metavar="NAME",
        help="The workspace, in a deployment of many teams.",
        autocompletion=workspaces,
        callback=remember_workspace,
    ),
]
EveryWorkspace = Annotated[bool, typer.Option("--all", help="Show every workspace of a deployment, each in a row.")]
KeyResultId = Annotated[str, typer.Argument(metavar="KR", help="The key result's id.", autocompletion=key_results)]
Only = Annotated[
    str | None,
    typer.Option("--only", metavar="KR", help="Pull and compute this key result only.", autocompletion=key_results),
]
PeriodId = Annotated[
    str | None, typer.Option("--period", metavar="ID", help="The period's id (default: today's period).")
]
At = Annotated[str | None, typer.Option("--at", metavar="DATE", help="As of this past day, such as 2026-11-02.")]
Author = Annotated[str | None, typer.Option("--author", metavar="NAME", help="Your name (default: your login name).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
LogFormat = Annotated[str, typer.Option("--log-format", metavar="FORMAT", help="Format of the log: text or json.")]

# -- sync, plan

DryRun = Annotated[bool, typer.Option("--dry-run", help="Pull and compute; keep no value, send nothing.")]
Reconcile = Annotated[bool, typer.Option("--reconcile", help="Check for deleted records now.")]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit with 3 if there are changes.")]

# -- try

Tried = Annotated[
    str,
    typer.Argument(
        metavar="FILE:KR",
        help="A mapping file and a key result in it, or its guard as FILE:KR:guard; `-` reads a measure in YAML.",
    ),
]

# -- sync, run

NewLedger = Annotated[bool, typer.Option("--new-ledger", help="Begin a new ledger where another one is gone.")]

# -- history, review

Backfill = Annotated[bool, typer.Option("--backfill", help="Compute the days before the first value, too.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV instead of text.")]
AsChart = Annotated[bool, typer.Option("--chart", help="Draw a chart in the terminal.")]
Week = Annotated[bool, typer.Option("--week", help="The last seven days (default).")]
ReviewedPeriod = Annotated[
    str | None, typer.Option("--period", metavar="ID", help="All of this period; with --week, its last week.")
]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown (default).")]
AsHtml = Annotated[bool, typer.Option("--html", help="Print a single HTML file, for mail or print.")]
Notify = Annotated[bool, typer.Option("--notify", help="Send a summary to `notify:` instead of printing.")]

# -- approve, checkin, publish

HeldNumber = Annotated[
    float | None, typer.Option("--number", metavar="N", help="Approve only if this is the held number.")
]
Value = Annotated[str | None, typer.Option("--value", metavar="N", help="The number, in the key result's unit.")]
Note = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="What you want to say about it.")]
Confidence = Annotated[
    str | None, typer.Option("--confidence", metavar="0..1", help="How sure you are that it is reached.")
]
Expires = Annotated[
    str | None,
    typer.Option("--expires", metavar="DURATION", help="How long it is valid (default: `stale_after`, or 14d)."),
]
OfDay = Annotated[
    str | None, typer.Option("--date", metavar="DATE", help="The past day that it describes, such as 2026-11-02.")
]
Withdraw = Annotated[
    bool, typer.Option("--withdraw", help="Withdraw the newest check-in, or with --date the newest of that day.")
]
Force = Annotated[bool, typer.Option("--force", help="Accept a value outside `plausible`.")]
Published = Annotated[
    str | None,
    typer.Argument(
        metavar="KR", help="Write this key result's check-ins only.", show_default=False, autocompletion=key_results
    ),
]
Retry = Annotated[bool, typer.Option("--retry", help="Also retry what failed, is unsure or was left alone.")]

# -- backup, restore, export, import, copy-ledger, prune

BackupFile = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]
ExportFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the export.")]
CountOnly = Annotated[bool, typer.Option("--dry-run", help="Count what would be removed, and remove nothing.")]
LedgerAddress = Annotated[str, typer.Argument(metavar="URL", help="The new ledger, as `ledger:` would name it.")]

# -- the others

Listen = Annotated[str, typer.Option("--listen", metavar="HOST:PORT", help="Address of the pages.")]
WorkerListen = Annotated[
    str | None,
    typer.Option("--listen", metavar="HOST:PORT", help="Address of its probes and metrics (default: it serves none)."),
]
Insecure = Annotated[
    bool,
    typer.Option("--insecure", help="Without `web: login`, let whoever reaches the pages see and do everything."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 if there are warnings.")]
NewFolder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write; no file is overwritten.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: write the example.")]
Kind = Annotated[str, typer.Argument(metavar="KIND", help="mapping, or project for syncd.yaml.")]
DemoFolder = Annotated[Path, typer.Option("--folder", metavar="FOLDER", help="Rewritten by each demo.")]
Serve = Annotated[bool, typer.Option("--serve", help="Then run the service and serve the pages.")]
Port = Annotated[
    int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Port on 127.0.0.1; 0 picks a free one.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Another seed makes other data.")]
Now = Annotated[
    str | None, typer.Option("--now", metavar="TIME", help="Its time, or `real` (default: the demo's time).")
]
