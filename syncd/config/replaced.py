"""Keys that only earlier versions accepted, each with its replacement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REPLACED: Mapping[tuple[str, str], str] = {
    ("ProjectFile", "address"): "web: {{address: {value}}}",
}
"""The replacement of each key, by model and key. `{value}` stands for the value that the key has in the file."""


def instead_of_key(model: type, key: str, value: Any) -> str | None:
    """The replacement of a model's key, as people must write it. None if the model never had the key."""
    template = REPLACED.get((model.__name__, key))
    return template.format(value=value) if template is not None else None
