"""Shell completion: ids of key results, and names of workspaces."""

from __future__ import annotations

import os
from pathlib import Path

import typer


def key_results(context: typer.Context, incomplete: str) -> list[str]:
    """The ids of key results that begin with the typed text. Empty if the files are not valid, because a shell shows no
    error.
    """
    from syncd.config import load_config
    from syncd.sdk import ConfigError

    try:
        config = load_config(_path(context), context.params.get("workspace"), thorough=False)
    except ConfigError:
        return []
    ids = dict.fromkeys(key_result.id for okrs in config.periods for key_result in okrs.key_results)
    return [name for name in ids if name.startswith(incomplete)]


def workspaces(context: typer.Context, incomplete: str) -> list[str]:
    """The names of a deployment's workspaces that begin with the typed text; empty without a valid deployment."""
    from syncd.config.deployment import read_deployment
    from syncd.sdk import ConfigError

    try:
        deployment = read_deployment(_path(context).absolute())
    except ConfigError:
        return []
    return [name for name in (deployment.workspaces if deployment else ()) if name.startswith(incomplete)]


def _path(context: typer.Context) -> Path:
    return Path(context.params.get("config") or os.environ.get("SYNCD_CONFIG") or "syncd.yaml")
