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

    Checks the schema, the references between files, and the lint rules. In a deployment, checks every workspace, or the
    workspace that --workspace names. Changes nothing, and contacts no other system.
    """
    from syncd.cli import validate as command

    command.run(config, strict=strict, as_json=as_json, workspace=workspace)


@checking.command("test")
def run_tests(
    config: options.ConfigPath = options.HERE, workspace: options.Workspace = None, as_json: options.AsJson = False
) -> None:
    """Run the tests inside mapping files.

    Each test contains its own data, so the command needs no network, no ledger and no secret. Exits with 1 if a test
    fails.
    """
    from syncd.cli import test as command

    command.run(config, as_json=as_json, workspace=workspace)


@checking.command()
def doctor(
    config: options.ConfigPath = options.HERE, workspace: options.Workspace = None, as_json: options.AsJson = False
) -> None:
    """Check every connection, the ledger and `notify:`.

    Sends the requests that a sync would send, and stores nothing. Checks whether each connection is reachable and
    accepts the credentials. Reads the first page of each stream, and the targets of check-ins. Also checks whether
    tokens have more scopes than needed, whether clocks agree, how much quota is left, whether the ledger is usable, and
    whether the secrets of `notify:`, `heartbeat:` and `web:` are set. Exits with 1 if a check fails.
    """
    from syncd.cli import doctor as command

    command.run(config, as_json=as_json, workspace=workspace)
