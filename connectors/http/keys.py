"""Types that the keys of measures and of `publish:` share."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import unquote

from pydantic import AfterValidator, WithJsonSchema

from connectors.http.evaluation import LONGEST, tree
from syncd.sdk.key_rules import text


def _below_the_url(value: str) -> str:
    if value and not value.startswith(("/", "?")):
        raise ValueError(f"is {value!r}; begin it with '/'")
    path = value.partition("?")[0]
    for _ in range(_DECODED):  # servers and proxies decode once, twice, or not at all
        if any(segment.partition(";")[0] in (".", "..") for segment in re.split(r"[/\\]", path)):
            raise ValueError(f"is {value!r}, which leads out of the connection's url; write a path below it")
        path = unquote(path)
    return value


def _jmespath(value: str) -> str:
    tree(value)
    return value


_DECODED = 4

_PATH = text(r"^($|[/?])(?![^?]*/\.\.?([/;?\\]|$))", "begin it with '/', and write a path below the connection's url")
_JMESPATH = {"type": "string", "maxLength": LONGEST}

Path = Annotated[str, AfterValidator(_below_the_url), WithJsonSchema(_PATH)]
"""The path and query of an address, which follow the connection's url."""

Expression = Annotated[str, AfterValidator(_jmespath), WithJsonSchema(_JMESPATH)]
"""JMESPath."""

_LISTS = frozenset({"projection", "filter_projection", "value_projection", "flatten", "multi_select_list"})
_FUNCTIONS_TO_LISTS = frozenset({"map", "sort", "sort_by", "reverse", "keys", "values", "to_array"})


def makes_a_list(expression: str) -> bool:
    """Whether an expression makes a list, by its shape: `points[].[day, value]` does, and `sum(points[].value)` does
    not.
    """
    node = tree(expression)
    while node["type"] in ("pipe", "subexpression"):
        node = node["children"][-1]
    return node["value"] in _FUNCTIONS_TO_LISTS if node["type"] == "function_expression" else node["type"] in _LISTS


HEADER = "header "
"""A header's place in a check-in's content is this, followed by its name."""
