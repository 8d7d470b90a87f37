"""`syncd schema`."""

from __future__ import annotations

from syncd.cli.opening import print_json
from syncd.config.json_schema import mapping_schema, project_schema
from syncd.sdk import ConfigError


def run(document: str) -> None:
    """Prints the JSON Schema of mapping files or of syncd.yaml."""
    schemas = {"mapping": mapping_schema, "project": project_schema}
    if document not in schemas:
        raise ConfigError(f"there is no schema of {document!r}; write mapping, or project for syncd.yaml")
    print_json(schemas[document]())
