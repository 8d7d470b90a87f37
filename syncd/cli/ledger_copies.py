"""`syncd backup`, `restore`, `export`, `import` and `copy-ledger`."""

from __future__ import annotations

from pathlib import Path

import typer

from syncd.cli.opening import open_config, reading_ledger
from syncd.config import Config
from syncd.ledger import Ledger
from syncd.ledger import backup as copies
from syncd.okr.words import count
from syncd.sdk import ConfigError

_NAMED = {"cycles": "cycle", "key_result_values": "value", "checkins": "check-in"}


def backup(path: Path, file: Path) -> None:
    """Writes the ledger into one file."""
    if file.is_dir():
        raise ConfigError(f"{file} is a folder; name a file in it, such as {file / 'syncd-backup.db'}")
    written = copies.back_up(_ledger(_config(path)), file)
    typer.echo(f"{file}: {_summary(written)}; read back and checked")


def restore(path: Path, file: Path) -> None:
    """Puts a backup, or an export, in the place of the ledger."""
    config = _config(path)
    if not file.exists():
        raise ConfigError(f"there is no {file}; name a file that `syncd backup` wrote")
    restored = copies.restore(config.ledger_url(), file)
    typer.echo(f"restored from {file}: {_summary(restored)}")


def export(path: Path, folder: Path) -> None:
    """Writes everything in the ledger into a folder."""
    written = copies.export(_ledger(_config(path)), folder)
    typer.echo(f"{folder}: {_summary(written)}")


def import_(path: Path, folder: Path) -> None:
    """Fills an empty ledger with an export."""
    config = _config(path)
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}; name one that `syncd export` wrote")
    imported = copies.import_dump(config.ledger_url(), folder)
    typer.echo(f"imported from {folder}: {_summary(imported)}")


def copy_ledger(path: Path, url: str) -> None:
    """Copies the ledger into an empty one."""
    config = _config(path)
    copied = copies.copy(_ledger(config), config.ledger_url(instead=url))
    typer.echo(f"copied: {_summary(copied)}; every row compared\nnow write in {path}:  ledger: {url}")


def _config(path: Path) -> Config:
    config, _ = open_config(path, tests=False)
    return config


def _ledger(config: Config) -> Ledger:
    ledger = reading_ledger(config)
    if ledger is None:
        raise ConfigError("there is no ledger yet; `syncd sync` makes it")
    return ledger


def _summary(counts: copies.Counts) -> str:
    rows = sum(counts.values())
    return ", ".join(count(counts.get(table, 0), name) for table, name in _NAMED.items()) + f", {rows:,} rows in all"
