"""`syncd validate`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import typer

from syncd.cli.opening import Clock, open_config, print_json, reading_ledger
from syncd.cli.output import say
from syncd.config import Config
from syncd.config.load import load_workspace
from syncd.config.local_sources import missing_in_sources, not_exported
from syncd.config.project import clock_of
from syncd.okr.lint import PulledRows
from syncd.okr.plausible import out_of_scale
from syncd.okr.words import count
from syncd.sdk import ConfigError, Problem, SyncdError
from syncd.sdk.figures import full_number

if TYPE_CHECKING:
    from syncd.ledger import Ledger

_CONNECTION, _WEB, _UNKNOWN_OWNER = "connection", "web", "unknown-owner"
_NOT_THERE, _OUT_OF_SCALE = "not-there", "out-of-scale"


def run(path: Path, *, strict: bool, as_json: bool, workspace: str | None = None) -> None:
    """Prints every problem and every warning. The exit code is 2 if there are problems. Otherwise it is 1 if there are
    warnings and `strict` is set, else 0.

    In a deployment, checks the named workspace, or all workspaces.
    """
    problems: list[Problem] = []
    try:
        projects = _opened(path, workspace, problems)
    except ConfigError as error:
        if not as_json:
            raise
        projects, problems = [], list(error.problems or [Problem(str(path), 0, str(error))])
    problems += (problem for config, _ in projects for problem in not_exported(config))
    warnings = [warning for config, clock in projects for warning in _warnings(config, clock())]
    if as_json:
        entries = [{**_entry(problem), "rule": rule} for problem, rule in warnings]
        print_json({"valid": not problems, "problems": [_entry(each) for each in problems], "warnings": entries})
        if problems:
            raise typer.Exit(2)
    else:
        for problem, rule in warnings:
            for line in _fitted(f"{problem} [{rule}]"):
                say(line, err=True)
        if warnings:
            say("docs/lint.md says why each rule matters, and how to ignore it", err=True)
        if problems:
            raise ConfigError(problems=problems)
        configs = [config for config, _ in projects]
        periods = [okrs for config in configs for okrs in config.periods]
        counts = [
            *([(len(configs), "workspace")] if configs[0].workspace and workspace is None else []),
            (sum(len(config.connections) for config in configs), "connection"),
            (sum(len(okrs.objectives) for okrs in periods), "objective"),
            (sum(len(okrs.key_results) for okrs in periods), "key result"),
            (len(warnings), "warning"),
        ]
        say("valid: " + ", ".join(count(number, name) for number, name in counts))
    if warnings and strict:
        raise typer.Exit(1)


def _opened(path: Path, workspace: str | None, problems: list[Problem]) -> list[tuple[Config, Clock]]:
    """The configuration and the clock of the project or of the named workspace. If no workspace of a deployment is
    named, returns those of every valid workspace.

    The problems of invalid workspaces are added to `problems`.
    """
    try:
        return [open_config(path, workspace)]
    except ConfigError as error:
        from syncd.config.deployment import WorkspaceNotChosen  # here: a single project starts without it

        if not isinstance(error, WorkspaceNotChosen):
            raise
        deployment = error.deployment
    problems += deployment.refused.values()
    projects = []
    for name in deployment.workspaces:
        try:
            config = load_workspace(deployment, name)
        except ConfigError as error:
            problems += error.problems or [Problem(str(path), 0, str(error))]
        else:
            projects.append((config, clock_of(config.settings)))
    return projects


def _warnings(config: Config, now: datetime) -> Iterator[tuple[Problem, str]]:
    """Settings that are valid but probably wrong, each with its rule."""
    ledger = _ledger(config)
    try:
        findings, far = _findings(config, ledger, now)
    except SyncdError:  # the ledger failed during the read, but the files are valid
        findings, far = _findings(config, None, now)
    if ledger is not None:
        ledger.close()  # a deployment has many ledgers
    yield from ((problem, _CONNECTION) for problem in config.warnings())
    yield from ((problem, _WEB) for problem in config.web_warnings())
    yield from findings
    yield from ((problem, _UNKNOWN_OWNER) for problem in config.unknown_owners())
    yield from ((problem, _NOT_THERE) for problem in missing_in_sources(config))
    yield from ((problem, _OUT_OF_SCALE) for problem in far)


def _findings(
    config: Config, ledger: Ledger | None, now: datetime
) -> tuple[Sequence[tuple[Problem, str]], Sequence[Problem]]:
    """The findings of lint, each with its rule, and the values that are far from their key result's numbers."""
    rows = None if ledger is None else PulledRows(ledger.answers, now)
    findings = [(problem, finding.rule.id) for problem, finding in config.findings(rows)]
    return findings, [] if ledger is None else list(_far_progress(config, ledger))


def _ledger(config: Config) -> Ledger | None:
    """The ledger; None if it does not exist or cannot be read.

    On another machine, a person may have neither the ledger nor its password. That person gets the findings that need
    no ledger.
    """
    try:
        file = config.ledger_url().removeprefix("sqlite:///").partition("?")[0]
        if config.settings.ledger.startswith("sqlite:") and not Path(file).exists():
            return None  # decided before the ledger's code is imported
        return reading_ledger(config)
    except SyncdError:
        return None


def _far_progress(config: Config, ledger: Ledger) -> Iterator[Problem]:
    """Key results whose last value is very far from the numbers in their file: the units probably differ."""
    from syncd.ledger.definitions import measure_digest

    for okrs in config.periods:
        values = ledger.values.last(okrs.period.id)
        for key_result in okrs.key_results:
            value = values.get(key_result.id)
            if value is None or value.number is None or value.measure != measure_digest(key_result.measure):
                continue
            if reason := out_of_scale(key_result.goal.progress(value.number)):
                origin = config.origins[(okrs.period.id, key_result.id)]
                yield origin.problem(
                    f"{key_result.id} has the value {full_number(value.number)}, and {reason}", "baseline"
                )


def _fitted(line: str) -> list[str]:
    """The line, wrapped to the terminal's width. If standard error is not a terminal, the line stays unwrapped, because
    programs read line by line.
    """
    if not sys.stderr.isatty():
        return [line]
    width = shutil.get_terminal_size().columns
    return wrap(line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _entry(problem: Problem) -> dict[str, object]:
    return {"file": problem.file, "line": problem.line, "message": problem.message}
