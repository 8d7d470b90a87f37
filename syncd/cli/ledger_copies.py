"""`syncd backup`, `restore`, `export`, `import` and `copy-ledger`. These commands work even if mapping files are not
valid.
"""

from __future__ import annotations

from pathlib import Path

from syncd.cli.opening import check_is_file, written_ledger_url
from syncd.cli.output import say
from syncd.config.load import read_ledger_url
from syncd.ledger import backup as backups
from syncd.ledger import restore as restores
from syncd.ledger.rebuild import Counts
from syncd.okr.words import count
from syncd.sdk import ConfigError

_NAMED = {"cycles": "cycle", "key_result_values": "value", "checkins": "check-in"}


def backup(path: Path, file: Path, *, workspace: str | None = None) -> None:
    """Writes the ledger into one file."""
    if file.is_dir():
        raise ConfigError(f"{file} is a folder; name a file in it, such as {file / 'syncd-backup.db'}")
    say(f"{file}: {_summary(backups.back_up(_url(path, workspace), file))}; read back and checked")


def restore(path: Path, file: Path, *, new_ledger: bool = False, workspace: str | None = None) -> None:
    """Replaces the ledger with a backup or an export; that of a workspace with a backup of another ledger only with
    `new_ledger`.
    """
    url = written_ledger_url(path, workspace)
    if not file.exists():
        raise ConfigError(f"there is no {file}; name a file that `syncd backup` wrote")
    say(f"restored from {file}: {_summary(restores.restore(url, file, new=new_ledger or workspace is None))}")


def export(path: Path, folder: Path, *, workspace: str | None = None) -> None:
    """Writes everything in the ledger into a folder."""
    say(f"{folder}: {_summary(backups.export(_url(path, workspace), folder))}")


def import_(path: Path, folder: Path, *, new_ledger: bool = False, workspace: str | None = None) -> None:
    """Fills an empty ledger with an export; that of a workspace in the place of another ledger only with
    `new_ledger`.
    """
    url = written_ledger_url(path, workspace)
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}; name one that `syncd export` wrote")
    say(f"imported from {folder}: {_summary(restores.import_dump(url, folder, new=new_ledger or workspace is None))}")


def copy_ledger(path: Path, url: str, *, workspace: str | None = None) -> None:
    """Copies the ledger into another, empty ledger."""
    copied = restores.copy(_url(path, workspace), _url(path, workspace, instead=url))
    say(f"copied: {_summary(copied)}; every row compared")
    if workspace is None:
        say(f"now write in {path}:  ledger: {url}")


def _url(path: Path, workspace: str | None, *, instead: str | None = None) -> str:
    check_is_file(path)
    return read_ledger_url(path, workspace, instead=instead)


def _summary(counts: Counts | None) -> str:
    if counts is None:
        raise ConfigError("there is no ledger yet; `syncd sync` makes it")
    rows = sum(counts.values())
    return ", ".join(count(counts.get(table, 0), name) for table, name in _NAMED.items()) + f", {rows:,} rows in all"
