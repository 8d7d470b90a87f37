"""The commands that copy and prune the ledger, with their options."""

from __future__ import annotations

import typer

from syncd.cli import options

copying = typer.Typer()


@copying.command()
def backup(
    file: options.BackupFile, config: options.ConfigPath = options.HERE, workspace: options.Workspace = None
) -> None:
    """Write a backup of the ledger to a file, and verify it.

    To verify the backup, restores it into a temporary ledger. The service may run at the same time. The command
    contacts no source.
    """
    from syncd.cli import ledger_copies as command

    command.backup(config, file, workspace=workspace)


@copying.command()
def restore(
    file: options.RestoredFile,
    config: options.ConfigPath = options.HERE,
    new_ledger: options.AnotherLedger = False,
    workspace: options.Workspace = None,
) -> None:
    """Replace the ledger with a backup.

    Restores a file of `syncd backup` or a folder of `syncd export`. The backup may come from SQLite or PostgreSQL.
    Refuses to restore while the service runs. A workspace also refuses a backup of another ledger. Keeps a replaced
    SQLite ledger as NAME.before-restore.
    """
    from syncd.cli import ledger_copies as command

    command.restore(config, file, new_ledger=new_ledger, workspace=workspace)


@copying.command()
def export(
    folder: options.ExportFolder, config: options.ConfigPath = options.HERE, workspace: options.Workspace = None
) -> None:
    """Write everything in the ledger as JSON Lines and CSV.

    The service may run at the same time. `syncd import` can read the JSON Lines again.
    """
    from syncd.cli import ledger_copies as command

    command.export(config, folder, workspace=workspace)


@copying.command("import")
def import_(
    folder: options.ExportFolder,
    config: options.ConfigPath = options.HERE,
    new_ledger: options.AnotherLedger = False,
    workspace: options.Workspace = None,
) -> None:
    """Fill an empty ledger from a folder that `syncd export` wrote."""
    from syncd.cli import ledger_copies as command

    command.import_(config, folder, new_ledger=new_ledger, workspace=workspace)


@copying.command("copy-ledger")
def copy_ledger(
    url: options.LedgerAddress, config: options.ConfigPath = options.HERE, workspace: options.Workspace = None
) -> None:
    """Copy the ledger to another database, and compare every row.

    Copies from SQLite to PostgreSQL, or the other way round. The new ledger must be empty. Afterwards, write the URL of
    the new ledger under `ledger:`.
    """
    from syncd.cli import ledger_copies as command

    command.copy_ledger(config, url, workspace=workspace)


@copying.command()
def prune(
    config: options.ConfigPath = options.HERE, workspace: options.Workspace = None, dry_run: options.CountOnly = False
) -> None:
    """Remove old rows of the ledger that no number needs.

    `retain:` sets the age from which a row is old. Values, definitions and check-ins by people always stay, and every
    past day is shown as before. The service may run at the same time. The service itself prunes the ledger each night.
    """
    from syncd.cli import prune as command

    command.run(config, dry_run=dry_run, workspace=workspace)
