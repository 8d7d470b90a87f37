"""`syncd connectors`."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from pydantic import BaseModel

from syncd.cli.opening import print_json
from syncd.cli.output import say
from syncd.config.catalogue import BrokenConnector, connection_model, connector, connector_types
from syncd.config.measure_keys import measure_models
from syncd.config.publications import publish_model
from syncd.sdk import Connector, can_publish, can_pull


def run(*, as_json: bool) -> None:
    """Lists every installed connector with the keys of its connections, measures and publishing."""
    entries = []
    for name in connector_types():
        try:
            loaded = connector(name)
        except BrokenConnector as error:
            entries.append({"type": name, "summary": str(error), "connection": {}, "measure": {}, "publish": {}})
            continue
        entries.append(
            {
                "type": name,
                "summary": loaded.summary,
                "connection": dict(_keys(connection_model(name, loaded))),
                "measure": dict(_measure_keys(name, loaded)),
                "publish": dict(_keys(publish_model(name, loaded))) if can_publish(loaded) else {},
            }
        )
    if as_json:
        print_json({"connectors": entries})
        return
    for entry in entries:
        for line in wrap(f"{entry['type']}: {entry['summary']}", 80, subsequent_indent="  "):
            say(line)
        for part in ("connection", "measure", "publish"):
            keys = entry[part]
            assert isinstance(keys, dict)
            if keys:
                say(f"  {part}")
            for key, description in keys.items():
                for line in wrap(description, 80, initial_indent=f"    {key:<18} ", subsequent_indent=" " * 23):
                    say(line)
        say()


def _measure_keys(name: str, loaded: type[Connector]) -> Iterator[tuple[str, str]]:
    if can_pull(loaded):
        for model in measure_models(name, loaded):
            yield from _keys(model)


def _keys(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    for name, info in model.model_fields.items():
        yield info.alias or name, info.description or ""
