"""The connector through which a workspace reads key results that other workspaces of its deployment export.

No file names its type, because each workspace of a deployment has the connection. Like every connector it is found by
its name, so `config` does not depend on ledgers.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from syncd.sdk import Context, Source
from syncd.workspaces.exported_keys import DeploymentSettings, ExportedKeys


class OtherWorkspaces:
    """The other workspaces of the deployment."""

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
        """The reason why the files of the deployment do not let the key result be read. None if it can be read, or if
        the files are not valid.
        """
        from syncd.workspaces.exports import BrokenFiles, Exports, NotReadable

        try:
            Exports(Path(settings.deployment)).config(keys)
        except BrokenFiles:
            return None
        except NotReadable as error:
            return str(error)
        return None
