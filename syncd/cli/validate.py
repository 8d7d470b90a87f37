"""`syncd validate`."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from pathlib import Path
from textwrap import fill

import typer

from syncd.cli.opening import open_config, print_json, reading_ledger
from syncd.config import Config
from syncd.config.local_sources import missing_in_sources
from syncd.okr.lint import PulledRows
from syncd.okr.measures import RecordMeasure, leaves
from syncd.okr.words import count
from syncd.sdk import ConfigError, Problem, SyncdError

_CONNECTION, _UNKNOWN_OWNER, _NOT_THERE = "connection", "unknown-owner", "not-there"


def run(path: Path, *, strict: bool, as_json: bool) -> None:
    """Prints every problem (exit code 2), or the warnings of lint (exit code 0; with `strict` 1)."""
    try:
        config, clock = open_config(path)
    except ConfigError as error:
        if not as_json:
            raise
        problems = [_entry(problem) for problem in error.problems or [Problem(str(path), 0, str(error))]]
        print_json({"valid": False, "problems": problems, "warnings": []})
        raise typer.Exit(2) from None
    findings = [(problem, finding.rule.id) for problem, finding in config.findings(_pulled_rows(config, clock()))]
    warnings = [
        *((problem, _CONNECTION) for problem in config.warnings()),
        *findings,
        *((problem, _UNKNOWN_OWNER) for problem in config.unknown_owners()),
        *((problem, _NOT_THERE) for problem in missing_in_sources(config)),
    ]
    if as_json:
        entries = [{**_entry(problem), "rule": rule} for problem, rule in warnings]
        print_json({"valid": True, "problems": [], "warnings": entries})
    else:
        for problem, rule in warnings:
            typer.echo(_fitted(f"{problem} [{rule}]"), err=True)
        if warnings:
            typer.echo("docs/lint.md says why each rule matters, and how to ignore it", err=True)
        counts = [
            (len(config.connections), "connection"),
            (sum(len(okrs.objectives) for okrs in config.periods), "objective"),
            (sum(len(okrs.key_results) for okrs in config.periods), "key result"),
            (len(warnings), "warning"),
        ]
        typer.echo("valid: " + ", ".join(count(number, name) for number, name in counts))
    if warnings and strict:
        raise typer.Exit(1)


def _pulled_rows(config: Config, now: datetime) -> PulledRows | None:
    """The records that the ledger holds; None if no measure counts records, or if there is no ledger to read.

    Whoever checks files elsewhere has neither a ledger nor its password, and gets the other findings.
    """
    measured = (leaf for okrs in config.periods for kr in okrs.measured for leaf in leaves(kr.measure))
    if not any(isinstance(leaf, RecordMeasure) for leaf in measured):
        return None
    try:
        ledger = reading_ledger(config)
    except SyncdError:
        return None
    return PulledRows(ledger.answers, now) if ledger is not None else None


def _fitted(line: str) -> str:
    """The line, wrapped to the terminal's width; whole in a file or for another program, which reads line by line."""
    if not sys.stderr.isatty():
        return line
    width = shutil.get_terminal_size().columns
    return fill(line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _entry(problem: Problem) -> dict[str, object]:
    return {"file": problem.file, "line": problem.line, "message": problem.message}
