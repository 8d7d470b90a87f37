"""The commands that copy and prune the ledger, with their options."""

from __future__ import annotations

import typer

from syncd.cli import options

copying = typer.Typer()


@copying.command()
def backup(
    file: options.BackupFile, config: options.ConfigPath = options.HERE, workspace: options.Workspace = None
) -> None:
    """Write the ledger into one file, and read it back.

    The service may run meanwhile. It needs no network and no secret of a connection.
    """
    from syncd.cli import ledger_copies as command

    command.backup(config, file, workspace=workspace)


@copying.command()
def restore(
    file: options.BackupFile, config: options.ConfigPath = options.HERE, workspace: options.Workspace = None
) -> None:
    """Put a backup in the place of the ledger.

    Takes what `syncd backup` or `syncd export` wrote, of SQLite or PostgreSQL. Refuses while the service runs. A SQLite
    ledger that stood there is kept as NAME.before-restore.
    """
    from syncd.cli import ledger_copies as command

    command.restore(config, file, workspace=workspace)


@copying.command()
def export(
    folder: options.ExportFolder, config: options.ConfigPath = options.HERE, workspace: options.Workspace = None
) -> None:
    """Write everything in the ledger as JSON Lines and CSV.

    The service may run meanwhile. `syncd import` reads the JSON Lines back.
    """
    from syncd.cli import ledger_copies as command

    command.export(config, folder, workspace=workspace)


@copying.command("import")
def import_(
    folder: options.ExportFolder, config: options.ConfigPath = options.HERE, workspace: options.Workspace = None
) -> None:
    """Fill an empty ledger with what `syncd export` wrote."""
    from syncd.cli import ledger_copies as command

    command.import_(config, folder, workspace=workspace)


@copying.command("copy-ledger")
def copy_ledger(
    url: options.LedgerAddress, config: options.ConfigPath = options.HERE, workspace: options.Workspace = None
) -> None:
    """Copy the ledger to another database, and compare every row.

    From SQLite to PostgreSQL, or back. The other ledger must be empty; afterwards, name it under `ledger:`.
    """
    from syncd.cli import ledger_copies as command

    command.copy_ledger(config, url, workspace=workspace)


@copying.command()
def prune(
    config: options.ConfigPath = options.HERE, workspace: options.Workspace = None, dry_run: options.CountOnly = False
) -> None:
    """Remove from the ledger what is older than `retain:` and no number needs.

    What every past day shows stays the same, and so do all values, definitions and check-ins. The service may run
    meanwhile, and does the same each night.
    """
    from syncd.cli import prune as command

    command.run(config, dry_run=dry_run, workspace=workspace)
