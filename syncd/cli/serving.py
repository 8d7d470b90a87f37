"""The commands that serve pages or give access to them, with their options."""

from __future__ import annotations

import typer

from syncd.cli import options

serving = typer.Typer()


@serving.command()
def run(
    config: options.ConfigPath = options.HERE,
    workspace: options.Workspace = None,
    listen: options.Listen = "127.0.0.1:8321",
    insecure: options.Insecure = False,
    new_ledger: options.NewLedger = False,
    log_format: options.LogFormat = "text",
) -> None:
    """Run the service: sync on schedule and serve the pages.

    The first sync starts at once. SIGTERM or Ctrl-C stops the service cleanly, with exit code 0.
    """
    from syncd.cli import run as command

    command.run(
        config, listen=listen, insecure=insecure, log_format=log_format, new_ledger=new_ledger, workspace=workspace
    )


@serving.command()
def serve(
    config: options.ConfigPath = options.HERE,
    workspace: options.Workspace = None,
    listen: options.Listen = "127.0.0.1:8321",
    insecure: options.Insecure = False,
    log_format: options.LogFormat = "text",
) -> None:
    """Serve the pages alone, from the ledger and the mapping files.

    It syncs nothing: `syncd sync` or `syncd run` may do that meanwhile. It needs no network, and no secret but those of
    `web:`. If people log in here, it writes their sessions into the ledger.
    """
    from syncd.cli import run as command

    command.serve(config, listen=listen, insecure=insecure, log_format=log_format, workspace=workspace)


@serving.command()
def worker(
    config: options.ConfigPath = options.HERE,
    listen: options.WorkerListen = None,
    log_format: options.LogFormat = "text",
) -> None:
    """Run the syncs of a deployment's workspaces, beside other workers.

    For a deployment with `runner: procrastinate`. Any number of workers, on any machines with the same files and
    secrets, share the workspaces; each sync is one job, and what a worker that is gone had begun is taken over. SIGTERM
    or Ctrl-C stops it cleanly, with exit code 0.
    """
    from syncd.cli import worker as command

    command.run(config, listen=listen, log_format=log_format)


@serving.command()
def mcp(config: options.ConfigPath = options.HERE, workspace: options.Workspace = None) -> None:
    """Answer an assistant's questions over the Model Context Protocol.

    Serves `status`, `explain`, `history` and `review` as tools on standard input and output, for an assistant that
    starts it. Reads the ledger and the mappings only: it needs no network and no secret.
    """
    from syncd.cli import mcp as command

    command.run(config, workspace=workspace)


@serving.command()
def token(
    config: options.ConfigPath = options.HERE, workspace: options.Workspace = None, as_json: options.AsJson = False
) -> None:
    """Make the token by which your programs on this machine act through the API.

    It replaces your earlier one, and is shown this once. It counts while no `web: login` is set; a program sends it as
    `Authorization: Bearer TOKEN`.
    """
    from syncd.cli import token as command

    command.run(config, as_json=as_json, workspace=workspace)
