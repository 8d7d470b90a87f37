"""A key that is true or false, or a whole number, takes no text that only looks like it. YAML 1.2 reads `yes` as a
text, and the JSON Schema refuses it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, BeforeValidator, Strict, ValidationError

from syncd.config.catalogue import OTHERS, connection_model, connector, connector_types
from syncd.config.mapping_keys import MappingFile
from syncd.config.mapping_test_keys import About, GivenReading, GivenRecord, MappingTestKeys
from syncd.config.measure_keys import FormulaKeys, measure_model
from syncd.config.project import ProjectFile, Publish
from syncd.config.publications import publish_model
from syncd.config.web_keys import WebKeys
from syncd.sdk import all_measure_keys, can_publish, can_pull
from syncd.sdk.as_keys import As

COMPUTED = {About}
"""Models whose values another validator makes, from texts or numbers that it checks."""


def written() -> Iterator[type[BaseModel]]:
    """The models of everything that people write, with those of all connectors."""
    yield from (ProjectFile, MappingFile, MappingTestKeys, GivenReading, GivenRecord, FormulaKeys)
    for name in [*connector_types(), OTHERS]:
        loaded = connector(name)
        yield connection_model(name, loaded)
        if can_publish(loaded):
            yield publish_model(name, loaded)
        if can_pull(loaded):
            yield from (measure_model(name, keys) for keys in all_measure_keys(loaded))


def within(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in get_args(annotation):
        yield from within(argument)


def lenient(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[str]:
    """The keys below a model that take the text of a truth value or a whole number."""
    seen.add(model)
    for name, info in model.model_fields.items():
        parts = [*info.metadata, *within(info.annotation)]
        is_checked = any(isinstance(part, Strict | BeforeValidator) for part in parts)
        if not is_checked and {bool, int} & {info.annotation, *get_args(info.annotation)}:
            yield f"{model.__name__}.{name}"
        for part in parts:
            if isinstance(part, type) and issubclass(part, BaseModel) and part not in seen | COMPUTED:
                yield from lenient(part, seen)


def test_every_truth_value_and_whole_number_is_strict() -> None:
    seen: set[type[BaseModel]] = set()
    assert [key for model in written() for key in lenient(model, seen)] == []
    assert len(seen) > 50


@pytest.mark.parametrize("value", ["yes", "no", "on", "off", "1", "true", 1, 0, 1.0, None])
def test_only_true_and_false_are_truth_values(value: object) -> None:
    for keys, name, more in ((As, "percent", {}), (WebKeys, "owners_check_in", {}), (Publish, "override", {"to": "c"})):
        with pytest.raises(ValidationError, match=f"(?s){name}.*bool_type"):
            keys.model_validate({**more, name: value})
