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
    """Serve only the pages, without syncing.

    The pages show the data in the ledger and the mapping files. `syncd sync` or `syncd run` may sync at the same time.
    The command contacts no source, and needs only the secrets of `web:` and the password of the ledger. If people log
    in, the command stores their sessions in the ledger.
    """
    from syncd.cli import run as command

    command.serve(config, listen=listen, insecure=insecure, log_format=log_format, workspace=workspace)


@serving.command()
def worker(
    config: options.ConfigPath = options.HERE,
    listen: options.WorkerListen = None,
    log_format: options.LogFormat = "text",
) -> None:
    """Run a worker that syncs the workspaces of a deployment.

    Workers are for a deployment with `runner: procrastinate`. Any number of workers share the workspaces. Each worker
    may run on another machine, with the same files and secrets. Each sync is one job. If a worker disappears, other
    workers take over its jobs. SIGTERM or Ctrl-C stops the worker cleanly, with exit code 0.
    """
    from syncd.cli import worker as command

    command.run(config, listen=listen, log_format=log_format)


@serving.command()
def mcp(config: options.ConfigPath = options.HERE, workspace: options.Workspace = None) -> None:
    """Let an AI assistant read the OKRs over MCP.

    Serves `status`, `explain`, `history` and `review` as tools of the Model Context Protocol (MCP). The assistant
    starts this command, and exchanges messages with the command over standard input and output. Reads only the ledger
    and the mapping files, and contacts no source.
    """
    from syncd.cli import mcp as command

    command.run(config, workspace=workspace)


@serving.command()
def token(
    config: options.ConfigPath = options.HERE, workspace: options.Workspace = None, as_json: options.AsJson = False
) -> None:
    """Create an API token for your programs on this machine.

    The new token replaces your earlier token. syncd shows the new token only once. A program sends the token as
    `Authorization: Bearer TOKEN`. The token is valid only while `web: login` is not set.
    """
    from syncd.cli import token as command

    command.run(config, as_json=as_json, workspace=workspace)
