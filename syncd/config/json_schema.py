"""Makes JSON Schemas of syncd.yaml and mapping files for editors, from the models that check these files.

If JSON Schema can express a rule of `validate`, the schemas refuse the same files, and give the reason in a sentence.
The shape of a value selects the alternative against which the value is checked. Keys that only one connector has show
which connector is meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, cast, get_args

from pydantic import BaseModel

from syncd.config import key_rules
from syncd.config.catalogue import OTHERS, connection_model, connector_types
from syncd.config.catalogue import connector as connector_of
from syncd.config.lent_keys import lacking_keys, lent_keys
from syncd.config.mapping_keys import MappingFile
from syncd.config.mapping_test_keys import GivenReading, GivenRecord, MappingTestKeys
from syncd.config.measure_keys import FormulaKeys, measure_model
from syncd.config.project import ProjectFile
from syncd.config.publications import publish_model
from syncd.config.record_fields import conditions
from syncd.config.schema_shapes import shaped
from syncd.okr.measures import ReadingTake, RecordTake
from syncd.sdk import Connector, MeasureKeys, all_measure_keys, can_publish, can_pull
from syncd.sdk.key_rules import Rule, has_any, holds

Schema = dict[str, Any]
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def mapping_schema() -> Schema:
    """The schema of a mapping file. A measure has the keys of an installed connector, or is the name of a measure, or
    is a formula.

    A measure may inherit keys from defaults, named measures or formulas. A key is required only in a measure that
    cannot inherit it.
    """
    schema = _schema(MappingFile, "A syncd mapping file")
    definitions = schema["$defs"]
    period = schema["properties"]["period"]
    period["oneOf"].append({"type": "integer"})  # a year, which YAML reads as a number
    measures = {
        name if keys is loaded.Measure else f"{name}_records": keys
        for name, loaded in [*_connectors(), (OTHERS, connector_of(OTHERS))]
        if can_pull(loaded)
        for keys in all_measure_keys(loaded)
    }
    models = {name: measure_model(name, keys) for name, keys in measures.items()}
    _any_of(models.values(), schema)
    whole: dict[str, Schema] = {}
    for name, model in models.items():
        definition = definitions[model.__name__]
        lenient, strict = _rules(measures[name], definition)
        needed = [key for key in definition.pop("required", []) if key != "from"]
        whole[name] = {"required": needed, "allOf": strict}
        definition["properties"] |= _OF_NAMES_AND_FORMULAS
        definition["allOf"] = lenient
    definitions["any_measure"] = _every_key(definitions[model.__name__] for model in models.values())
    marks = _marks(measures)
    of_connectors = {name: definitions[model.__name__] for name, model in models.items()}
    references = {name: {"$ref": f"#/$defs/{model.__name__}"} for name, model in models.items()}
    definitions["keys_of_a_measure"] = _by_marks(marks, references, {"$ref": "#/$defs/any_measure"})
    definitions["measure"] = {
        "type": "object",
        "allOf": [
            _KEYS,
            key_rules.WHOLE,
            *key_rules.OF_FORMULAS,
            *lent_keys(of_connectors, marks),
        ],
    }
    lacking = lacking_keys(of_connectors, {name: schema["required"] for name, schema in whole.items()}, marks)
    lent_nothing = {"if": has_any("use", "formula", "parts"), "else": _by_marks(marks, whole, lacking)}
    definitions["whole_measure"] = {"if": {"type": "object"}, "then": lent_nothing}
    definitions["measure_or_name"] = _name_or(_MEASURE)
    definitions["part"] = _name_or(_KEYS)
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
    for name, rules in key_rules.OF_BLOCKS.items():
        definitions[name].setdefault("allOf", []).extend(rules)
    del schema["required"]
    schema["if"] = {"anyOf": [{"required": ["period"]}, {"required": ["objectives"]}]}
    schema["then"] = {"required": ["period", "objectives"]}
    schema["else"] = {"required": ["measures"], "properties": {"tests": False}}  # a file with only measures
    schema["allOf"] = [{"if": _LENDS, "else": _WITHOUT_DEFAULTS}]
    return cast("Schema", shaped(schema, definitions))


_MEASURE = {"$ref": "#/$defs/measure"}
_KEYS = {"$ref": "#/$defs/keys_of_a_measure"}
_OF_NAMES_AND_FORMULAS: Schema = {
    "use": {"type": "string", "description": "The name of a measure that supplies the keys not given here."},
    "formula": FormulaKeys.model_json_schema()["properties"]["formula"],
    "parts": {
        **FormulaKeys.model_json_schema()["properties"]["parts"],
        "additionalProperties": {"$ref": "#/$defs/part"},
    },
}
_LENDS: Rule = {"required": ["defaults"], "properties": {"defaults": {"required": ["measures"]}}}
"""The condition that a file has defaults for the keys of its measures."""

_WHOLE_MEASURE: Schema = {"properties": {"measure": {"$ref": "#/$defs/whole_measure"}}}
_WITHOUT_DEFAULTS: Schema = {
    "properties": {
        "objectives": {
            "items": {
                "properties": {
                    "key_results": {
                        "items": {
                            **_WHOLE_MEASURE,
                            "properties": {**_WHOLE_MEASURE["properties"], "guard": _WHOLE_MEASURE},
                        }
                    }
                }
            }
        },
    }
}


def _name_or(block: Schema) -> Schema:
    return {
        "anyOf": [{"type": "string", "description": "The name of a measure."}, {"type": "object", "allOf": [block]}]
    }


def _rules(keys: type[MeasureKeys], definition: Schema) -> tuple[list[Rule], list[Rule]]:
    """The rules of all measures of a connector, and the rules of its measures that inherit no keys."""
    if keys.kind == "readings":
        lenient = [*keys.rules, *key_rules.of_measures(get_args(ReadingTake), ("sum", "change"))]
        return lenient, [*keys.whole_rules, *key_rules.OF_WHOLE_READINGS]
    takes = get_args(RecordTake)
    amounts = ("count", "sum", "distinct")
    lenient = [*keys.rules, *key_rules.of_measures(takes, amounts), *key_rules.OF_RECORDS, *conditions(keys)]
    return lenient, [*keys.whole_rules, *key_rules.of_whole_records(takes)]


def _marks(models: Mapping[str, type[BaseModel]]) -> Mapping[str, list[str]]:
    """The keys by which the blocks of each connector are recognized: the keys that only this connector has."""
    keys = {name: _written(model) for name, model in models.items()}
    shared = set(_OF_NAMES_AND_FORMULAS)
    times = Counter(key for each in keys.values() for key in each)
    return {name: [key for key in each if times[key] == 1 and key not in shared] for name, each in keys.items()}


def _written(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


def _by_marks(marks: Mapping[str, list[str]], schemas: Mapping[str, Schema], unmarked: Schema) -> Schema:
    """The schema of the first connector in `marks` that has a key of the block; `unmarked` if no connector has one."""
    choice = unmarked
    for name, keys in reversed(list(marks.items())):
        if keys:
            choice = {"if": {"anyOf": [{"required": [key]} for key in keys]}, "then": schemas[name], "else": choice}
    return choice


def _every_key(definitions: Iterable[Schema]) -> Schema:
    """The schema of a block that may have every key of these definitions. A key in several definitions may have any of
    their forms.
    """
    forms: dict[str, list[Schema]] = {}
    for definition in definitions:
        for key, form in definition["properties"].items():
            if form not in forms.setdefault(key, []):
                forms[key].append(form)
    properties = {key: several[0] if len(several) == 1 else _merged(several) for key, several in forms.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _merged(forms: list[Schema]) -> Schema:
    if all("enum" in form for form in forms):
        return {**forms[0], "enum": list(dict.fromkeys(name for form in forms for name in form["enum"]))}
    return {"anyOf": forms, "errorMessage": f"is no {forms[0].get('title', 'value')} of any connector"}


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of the records and readings that a test gives for a key result.

    An item is a reading if it has a reading's keys and none of a record's keys. Any other item is a record; a record
    may have any field.
    """
    reading, record = _any_of((GivenReading, GivenRecord), schema)["anyOf"]
    of_readings = {"anyOf": [{"required": [key]} for key in GivenReading.model_fields]}
    of_records = {"anyOf": [{"required": [key]} for key in GivenRecord.model_fields]}
    fact = {"if": {**of_readings, "not": of_records}, "then": reading, "else": record}
    facts = {"type": "array", "items": fact}
    return {"anyOf": [{"type": ["number", "null"]}, facts, {"type": "object", "additionalProperties": facts}]}


def project_schema() -> Schema:
    """The schema of syncd.yaml: a connection has the keys of an installed connector."""
    schema = _schema(ProjectFile, "syncd.yaml")
    definitions = schema["$defs"]
    settings = _any_of([connection_model(name, connector) for name, connector in _connectors()], schema)["anyOf"]
    choice: Schema = {"required": ["type"], "properties": {"type": {"enum": connector_types()}}}
    for name, reference in zip(connector_types(), settings, strict=True):
        definition = definitions[reference["$ref"].rpartition("/")[2]]
        definition["properties"]["type"] = {"const": name, "description": "The connector for this system."}
        choice = {"if": holds("type", name), "then": reference, "else": choice}
    schema["properties"]["connections"]["additionalProperties"] = {"type": "object", **choice}
    models = {name: publish_model(name, connector) for name, connector in _connectors() if can_publish(connector)}
    entries = _any_of(models.values(), schema)["anyOf"]
    forms = dict(zip(models, entries, strict=True))
    unmarked = {"anyOf": entries, "errorMessage": "lacks what its target needs; write where the check-ins go"}
    schema["properties"]["publish"]["items"] = {"type": "object", **_by_marks(_marks(models), forms, unmarked)}
    return cast("Schema", shaped(schema, definitions))


def _connectors() -> list[tuple[str, type[Connector]]]:
    return [(name, connector_of(name)) for name in connector_types()]


def _schema(model: type[BaseModel], title: str) -> Schema:
    schema = model.model_json_schema(by_alias=True)
    return {"$schema": _DIALECT, "title": title, "$defs": {}, **{k: v for k, v in schema.items() if k != "title"}}


def _any_of(models: Iterable[type[BaseModel]], schema: dict[str, Any]) -> dict[str, Any]:
    references = []
    for model in models:
        inner = model.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
        schema["$defs"].update(inner.pop("$defs", {}))
        schema["$defs"][model.__name__] = inner
        references.append({"$ref": f"#/$defs/{model.__name__}"})
    return {"anyOf": references}
