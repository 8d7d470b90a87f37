"""What the shell completes: ids of key results."""

from __future__ import annotations

import os
from pathlib import Path

import typer


def key_results(context: typer.Context, incomplete: str) -> list[str]:
    """The ids in the mapping files that begin so; none if the files are wrong, for a shell shows no sentence."""
    from syncd.config import load_config
    from syncd.sdk import ConfigError

    path = context.params.get("config") or os.environ.get("SYNCD_CONFIG") or "syncd.yaml"
    try:
        config = load_config(Path(path), tests=False)
    except ConfigError:
        return []
    ids = dict.fromkeys(key_result.id for okrs in config.periods for key_result in okrs.key_results)
    return [name for name in ids if name.startswith(incomplete)]
