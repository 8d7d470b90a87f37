"""The connector through which a workspace reads key results that other workspaces of its deployment export.

Each workspace of a deployment has this connection, although no file names its type. Like every connector, it is loaded
by its name, so that the package `config` does not import code for ledgers.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from syncd.sdk import Context, Source
from syncd.workspaces.exported_keys import DeploymentSettings, ExportedKeys


class OtherWorkspaces:
    """The connector to the other workspaces of a deployment."""

    summary: ClassVar[str] = "key results that other workspaces of the same deployment export"
    Settings = DeploymentSettings
    Measure = ExportedKeys

    @staticmethod
    def open(settings: DeploymentSettings, context: Context) -> Source:
        """A source that reads the files and ledgers of other workspaces."""
        from syncd.workspaces.source import ExportsSource  # here: it imports the ledger and the figures of status

        return ExportsSource(Path(settings.deployment), settings.now, context.zone)

    @staticmethod
    def missing(settings: DeploymentSettings, context: Context, keys: ExportedKeys) -> str | None:
        """The reason why the files of the deployment do not allow reading the key result. None if they allow it, or if
        they are not valid.
        """
        from syncd.workspaces.exports import BrokenFiles, Exports, NotReadable

        try:
            Exports(Path(settings.deployment)).config(keys)
        except BrokenFiles:
            return None
        except NotReadable as error:
            return str(error)
        return None
