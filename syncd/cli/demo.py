"""`syncd demo`."""

from __future__ import annotations

import logging
import os
import shutil
import time
from pathlib import Path

import typer

from syncd.cli.log import set_up_log
from syncd.cli.opening import open_config, writing_ledger
from syncd.cli.output import say, styled
from syncd.cli.progress import print_failures
from syncd.cli.run import run as run_service
from syncd.cli.status_view import print_status
from syncd.cycle.model import CycleRequest, Result
from syncd.cycle.run import run_cycle
from syncd.ledger import cycle_lock
from syncd.sandbox import DEMO_NOW, Sandbox, serve, write_files
from syncd.sandbox.story.numbers import OKR_BOOK
from syncd.sdk import ConfigError, RetryPolicy
from syncd.status.periods import choose_period
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import report_of
from syncd.status.unwritten import troubles
from syncd.status.work import where_the_work_went

_MARK = "# Written by `syncd demo`"


def run(folder: Path, *, serve_at: str | None) -> None:
    """Writes the files of the example, syncs them from a sandbox of its own, and prints the status.

    If `serve_at` is an address HOST:PORT, the service then runs there until Ctrl-C, with the sandbox as its sources.
    """
    set_up_log("text", logging.ERROR)
    with serve(now=DEMO_NOW) as box:
        try:
            _write(folder, box.credentials["jira_email"])
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"{folder} cannot be written: {reason}; name another with --folder") from None
        os.environ.update(sandbox_environment(box))
        result = _sync(folder / "syncd.yaml", box)
        if serve_at is not None:
            say(f"The dashboard, with the sandbox behind it, until Ctrl-C: http://{serve_at}/")
            run_service(
                folder / "syncd.yaml",
                listen=serve_at,
                insecure=False,
                log_format="text",
                new_ledger=False,
                for_developers=True,
            )
    _say_what_next(folder)
    if result.failures or result.unwritten:
        raise typer.Exit(1)


def _sync(path: Path, box: Sandbox) -> Result:
    config, clock = open_config(path)
    ledger = writing_ledger(config)
    started = time.monotonic()
    with cycle_lock(ledger.engine):
        result = run_cycle(CycleRequest(config, ledger, clock, RetryPolicy()))
    seconds = time.monotonic() - started
    okrs = choose_period(config, None, clock())
    assert okrs is not None
    wrote = sum(delivered.wrote for delivered in result.delivered)
    say(f"Pulled {len(result.pulls)} streams from GitHub, GitLab, Jira, Google Sheets, JSON, CSV and SQL")
    say(f"(a sandbox on this machine, through the real clients): {len(box.requests)} requests, {seconds:.1f} s.")
    say(f"Wrote {wrote} check-ins to a Google Sheet and to data/okrs.md.")
    say()
    snapshot = Snapshots(config, okrs, ledger).now(clock())
    print_status(report_of(snapshot), troubles(ledger), where_the_work_went(snapshot, okrs, ledger))
    ledger.close()
    print_failures(result)
    say()
    return result


def _say_what_next(folder: Path) -> None:
    say(f"Try next, in {styled(str(folder), bold=True)}:")
    if shutil.which("syncd") is None:
        say("  (syncd is in .venv/bin: `source .venv/bin/activate` puts it on the path)")
    for command, what in (
        ("syncd explain calls", "why is it this number, down to the cell?"),
        ("syncd explain search-shipped", "which pull requests count, and which do not?"),
        ("syncd history calls --backfill", "how did it get there, day by day?"),
        ("syncd review", "the week, for the meeting"),
        ("syncd validate && syncd test", "then break a line of mappings/ and see"),
        ("syncd status --json", "the same for a program"),
        ("syncd init ../okrs", "begin with your own"),
        ("syncd serve", "the dashboard, at http://127.0.0.1:8321/"),
    ):
        say(f"  {command:<31} {what}")


def sandbox_environment(box: Sandbox) -> dict[str, str]:
    """The variables that the demo's syncd.yaml refers to, for a running sandbox."""
    credentials = box.credentials
    return {
        "SANDBOX_URL": box.url,
        "GITHUB_TOKEN": credentials["github"],
        "GITLAB_TOKEN": credentials["gitlab"],
        "JIRA_TOKEN": credentials["jira_token"],
        "JIRA_PAT": credentials["jira_pat"],
        "GOOGLE_TOKEN": credentials["google_token"],
        "METRICS_KEY": credentials["metrics_key"],
    }


def example_mappings() -> Path:
    """The folder of the example mapping files: beside the package in a checkout, inside it in the wheel."""
    package = Path(__file__).parents[1]
    within = package / "mappings"
    return within if within.is_dir() else package.parent / "mappings"


def _write(folder: Path, jira_email: str) -> None:
    project = folder / "syncd.yaml"
    if folder.exists():
        _clear(folder, project)
    (folder / "data").mkdir(parents=True)
    shutil.copytree(example_mappings(), folder / "mappings")
    write_files(folder / "data")
    text = _PROJECT.format(mark=_MARK, now=DEMO_NOW.isoformat(), email=jira_email, book=OKR_BOOK)
    project.write_text(text, encoding="utf-8")


def _clear(folder: Path, project: Path) -> None:
    """Deletes the files of an earlier demo. The folder itself stays, because it may be the working folder."""
    entries = list(folder.iterdir())
    if entries and not (project.exists() and project.read_text(encoding="utf-8").startswith(_MARK)):
        raise ConfigError(f"{folder} exists, and no demo wrote it; name another folder with --folder")
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


_PROJECT = """\
{mark}, which rewrites this folder each time.
# `syncd sandbox` serves the same company again, and prints the variables that are written below as ${{NAME}}.
mappings: mappings/
ledger: sqlite:///syncd.db
timezone: Europe/Berlin
clock: {now}   # a rehearsal: every command here behaves as if it were this time

connections:
  code:      {{type: github, url: "${{SANDBOX_URL}}/github", token: "${{GITHUB_TOKEN}}"}}
  apps:      {{type: gitlab, url: "${{SANDBOX_URL}}/gitlab", token: "${{GITLAB_TOKEN}}"}}
  tickets:   {{type: jira, url: "${{SANDBOX_URL}}/jira", email: {email}, token: "${{JIRA_TOKEN}}"}}
  helpdesk:  {{type: jira, url: "${{SANDBOX_URL}}/jira-dc", token: "${{JIRA_PAT}}"}}
  numbers:   {{type: sheets, url: "${{SANDBOX_URL}}/sheets", token: "${{GOOGLE_TOKEN}}"}}
  metrics:   {{type: http, url: "${{SANDBOX_URL}}/metrics-api", headers: {{X-Api-Key: "${{METRICS_KEY}}"}}}}
  local:     {{type: files, root: data/}}
  warehouse: {{type: sql, url: "sqlite:///data/warehouse.db"}}   # the path after sqlite:/// begins in this folder

publish:
  - to: numbers
    spreadsheet: {book}
    sheet: OKRs
    key_column: Key result
    columns: {{title: Title, owner: Owner, value: Value, progress: Progress, health: Health, updated: Updated}}
    create: true
  - {{to: local, file: okrs.md}}
"""
