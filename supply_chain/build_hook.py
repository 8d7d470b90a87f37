"""Puts the bill of materials into each wheel that hatchling builds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BillOfMaterials(BuildHookInterface):  # type: ignore[type-arg]
    """Writes the bill before a wheel is built; hatchling copies it into `.dist-info/sboms/`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the bill to the wheel. `version` is the kind of wheel, not syncd's version."""
        sys.path.insert(0, self.root)  # the folder of the project is not importable in a build
        try:
            from supply_chain.bill import LICENCES, LOCK, bill_of_materials
        finally:
            sys.path.remove(self.root)
        lock, licences = (file.read_text(encoding="utf-8") for file in (LOCK, LICENCES))
        self._folder = TemporaryDirectory()
        bill = Path(self._folder.name) / "syncd.cdx.json"
        bill.write_text(bill_of_materials(lock, self.metadata.version, json.loads(licences)), encoding="utf-8")
        build_data["sbom_files"].append(str(bill))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Deletes the file that was copied."""
        self._folder.cleanup()
