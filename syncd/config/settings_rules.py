"""Finds keys of a syncd.yaml that are valid by themselves, but wrong together."""

from __future__ import annotations

from collections.abc import Iterator

from syncd.config.document import Document
from syncd.config.ledger_address import ledger_problems
from syncd.config.project import ProjectFile
from syncd.sdk import Problem


def settings_problems(settings: ProjectFile, document: Document) -> Iterator[Problem]:
    """Yields a problem, with its place, for each wrong combination of keys."""
    yield from ledger_problems(settings.ledger, document)
    if settings.health.at_risk > settings.health.on_track:
        yield document.problem(("health",), "at_risk is above on_track; swap them")
    if settings.runner != "threads":
        message = "runner: procrastinate runs the workspaces of a deployment; write `workspaces:`, or remove it"
        yield document.problem(("runner",), message)
