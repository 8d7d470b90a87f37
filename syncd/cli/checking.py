"""The commands that check a project, with their options."""

from __future__ import annotations

import typer

from syncd.cli import options

checking = typer.Typer()


@checking.command()
def validate(
    config: options.ConfigPath = options.HERE,
    workspace: options.Workspace = None,
    strict: options.Strict = False,
    as_json: options.AsJson = False,
) -> None:
    """Check syncd.yaml and every mapping file.

    Checks the schema, the references between files, and the lint rules; in a deployment, those of every workspace or
    the one named. Changes nothing; it needs no network and no secret.
    """
    from syncd.cli import validate as command

    command.run(config, strict=strict, as_json=as_json, workspace=workspace)


@checking.command("test")
def run_tests(
    config: options.ConfigPath = options.HERE, workspace: options.Workspace = None, as_json: options.AsJson = False
) -> None:
    """Run the tests inside mapping files.

    Each test brings its own data: it needs no network, no ledger and no secret. Exits with 1 if a test fails.
    """
    from syncd.cli import test as command

    command.run(config, as_json=as_json, workspace=workspace)


@checking.command()
def doctor(
    config: options.ConfigPath = options.HERE, workspace: options.Workspace = None, as_json: options.AsJson = False
) -> None:
    """Check every connection, the ledger and `notify:`.

    Asks what a sync would ask: whether each connection is reachable and authenticated, the first page of each stream,
    and the targets of check-ins. Checks also that scopes are no wider than needed, that clocks agree, how much quota is
    left, and that the ledger can be written. Exits with 1 if a check fails.
    """
    from syncd.cli import doctor as command

    command.run(config, as_json=as_json, workspace=workspace)
