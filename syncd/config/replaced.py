"""Keys that earlier versions read and this one does not, each with what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REPLACED: Mapping[tuple[str, str], str] = {
    ("ProjectFile", "address"): "web: {{address: {value}}}",
}
"""By the file's model and the key: what to write now, with the key's present value as `{value}`."""


def instead_of_key(model: type, key: str, value: Any) -> str | None:
    """What replaced a key of a model, as it is to be written; None if the model never had the key."""
    template = REPLACED.get((model.__name__, key))
    return template.format(value=value) if template is not None else None
