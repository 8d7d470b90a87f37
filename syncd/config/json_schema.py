"""JSON Schemas of syncd.yaml and mapping files, made from the models that check them, for completion in editors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from syncd.config.catalogue import connection_model, connector_types
from syncd.config.catalogue import connector as connector_of
from syncd.config.mapping_keys import MappingFile
from syncd.config.mapping_test_keys import GivenReading, GivenRecord, MappingTestKeys
from syncd.config.measure_keys import FormulaKeys, measure_models
from syncd.config.project import ProjectFile
from syncd.config.publications import publish_model
from syncd.sdk import Connector, can_publish, can_pull

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DURATION = {"type": "string", "pattern": r"^\d+(\.\d+)?[smhdw]$", "examples": ["15m", "10d", "3w"]}


def mapping_schema() -> dict[str, Any]:
    """The schema of a mapping file: a measure has the keys of an installed connector, or is a name or a formula.

    The schema does not require keys that defaults, named measures or formulas can supply; `validate` checks them.
    """
    schema = _schema(MappingFile, "A syncd mapping file")
    definitions = schema["$defs"]
    period = schema["properties"]["period"]
    period["oneOf"].append({"type": "integer"})  # a year, which YAML takes for a number
    models = [model for name, loaded in _connectors() if can_pull(loaded) for model in measure_models(name, loaded)]
    definitions["keys_of_a_measure"] = _any_of(models, schema)
    for model in models:
        definition = definitions[model.__name__]
        del definition["required"]
        definition["properties"] |= _OF_NAMES_AND_FORMULAS
    definitions["measure"] = {"$ref": "#/$defs/keys_of_a_measure", "anyOf": _WHOLE}
    definitions["measure_or_name"] = {"anyOf": [{"type": "string", "description": "The name of a measure."}, _MEASURE]}
    definitions["part"] = {"anyOf": [{"type": "string", "description": "The name of a measure."}, _KEYS]}
    for definition in (definitions["KeyResultKeys"], definitions["GuardKeys"]):
        description = definition["properties"]["measure"].get("description")
        definition["properties"]["measure"] = {"$ref": "#/$defs/measure_or_name", "description": description}
    named = schema["properties"]["measures"]["patternProperties"]
    schema["properties"]["measures"] |= {
        "patternProperties": dict.fromkeys(named, _MEASURE),
        "additionalProperties": False,
    }
    definitions["Defaults"]["properties"]["measures"]["additionalProperties"] = _KEYS
    (schema["properties"]["tests"]["items"],) = _any_of([MappingTestKeys], schema)["anyOf"]
    definitions["MappingTestKeys"]["properties"]["given"]["additionalProperties"] = _given(schema)
    del schema["required"]
    schema["if"] = {"anyOf": [{"required": ["period"]}, {"required": ["objectives"]}]}
    schema["then"] = {"required": ["period", "objectives"]}
    schema["else"] = {"required": ["measures"], "properties": {"tests": False}}  # a file of measures alone
    return schema


_MEASURE = {"$ref": "#/$defs/measure"}
_KEYS = {"$ref": "#/$defs/keys_of_a_measure"}
_WHOLE = [{"required": ["from"]}, {"required": ["use"]}, {"required": ["formula", "parts"]}]
_OF_NAMES_AND_FORMULAS: dict[str, Any] = {
    "use": {"type": "string", "description": "The name of a measure that supplies the keys not given here."},
    "formula": FormulaKeys.model_json_schema()["properties"]["formula"],
    "parts": {
        **FormulaKeys.model_json_schema()["properties"]["parts"],
        "additionalProperties": {"$ref": "#/$defs/part"},
    },
}


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of what a test gives for a key result.

    An item is a reading if it has a reading's keys and none of a record's keys. Any other item is a record, which may
    have any field.
    """
    reading, record = _any_of((GivenReading, GivenRecord), schema)["anyOf"]
    of_readings = {"anyOf": [{"required": [key]} for key in GivenReading.model_fields]}
    of_records = {"anyOf": [{"required": [key]} for key in GivenRecord.model_fields]}
    fact = {"if": {**of_readings, "not": of_records}, "then": reading, "else": record}
    facts = {"type": "array", "items": fact}
    return {"anyOf": [{"type": ["number", "null"]}, facts, {"type": "object", "additionalProperties": facts}]}


def project_schema() -> dict[str, Any]:
    """The schema of syncd.yaml: a connection has the keys of an installed connector."""
    schema = _schema(ProjectFile, "syncd.yaml")
    settings = _any_of([connection_model(name, connector) for name, connector in _connectors()], schema)
    for name, reference in zip(connector_types(), settings["anyOf"], strict=True):
        definition = schema["$defs"][reference["$ref"].rpartition("/")[2]]
        definition["properties"]["type"] = {"const": name, "description": "Which connector speaks to it."}
    schema["properties"]["connections"]["additionalProperties"] = settings
    models = [publish_model(name, connector) for name, connector in _connectors() if can_publish(connector)]
    entries = _any_of(models, schema)
    schema["properties"]["publish"]["items"] = entries
    return schema


def _connectors() -> list[tuple[str, type[Connector]]]:
    return [(name, connector_of(name)) for name in connector_types()]


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    schema = _durations(model.model_json_schema(by_alias=True))
    return {"$schema": _DIALECT, "title": title, "$defs": {}, **{k: v for k, v in schema.items() if k != "title"}}


def _any_of(models: Iterable[type[BaseModel]], schema: dict[str, Any]) -> dict[str, Any]:
    """Adds the models' schemas to `schema`'s definitions, and refers to them."""
    references = []
    for model in models:
        inner = _durations(model.model_json_schema(by_alias=True, ref_template="#/$defs/{model}"))
        schema["$defs"].update(inner.pop("$defs", {}))
        schema["$defs"][model.__name__] = inner
        references.append({"$ref": f"#/$defs/{model.__name__}"})
    return {"anyOf": references}


def _durations(schema: Any) -> Any:
    """The schema with durations as YAML writes them (15m), instead of pydantic's ISO 8601."""
    if isinstance(schema, dict):
        if schema.get("format") == "duration":
            kept = {key: value for key, value in schema.items() if key == "description"}
            return {**kept, **_DURATION}
        return {key: _durations(value) for key, value in schema.items() if key != "default" or not _is_iso(value)}
    return [_durations(item) for item in schema] if isinstance(schema, list) else schema


def _is_iso(value: Any) -> bool:
    return (isinstance(value, str) and value.startswith("P") and value[1:2].isdigit()) or value == "PT0S"
