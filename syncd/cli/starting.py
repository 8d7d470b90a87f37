"""The commands that start a project: its first files, its schemas, and the list of connectors."""

from __future__ import annotations

from pathlib import Path

import typer

from syncd.cli import options

starting = typer.Typer()


@starting.command()
def init(folder: options.NewFolder = Path(), yes: options.Yes = False) -> None:
    """Write the first files of a project.

    On a terminal, asks which systems hold your numbers, and tests each answer at once. If you name no system, or if
    there is no terminal, writes an example that works without changes. Never writes a secret. If you press Ctrl-C, the
    command leaves no file behind.
    """
    from syncd.cli import init as command

    command.run(folder, yes=yes)


@starting.command()
def schema(document: options.Kind = "mapping") -> None:
    """Print the JSON Schema of mapping files or syncd.yaml.

    With the schema, an editor completes and checks the YAML.
    """
    from syncd.cli import schema as command

    command.run(document)


@starting.command()
def connectors(as_json: options.AsJson = False) -> None:
    """List the installed connectors and their keys."""
    from syncd.cli import connectors as command

    command.run(as_json=as_json)
