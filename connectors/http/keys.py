"""Types that the keys of measures and of `publish:` share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl, unquote

from pydantic import AfterValidator, WithJsonSchema

from connectors.http.evaluation import LONGEST, tree
from syncd.sdk.credentials import is_written_secret
from syncd.sdk.key_rules import Rule, fits, text


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


def check_no_secrets(part: Any) -> None:
    """Raises ValueError if a part of a request refers to a secret, or has a key with the name of a secret and a written
    out value. Authors of mappings should not have secrets, and the log and the ledger contain the request.
    """
    if isinstance(part, str):
        if reference := _REFERENCE.search(part):
            raise ValueError(f"has {reference[0]}, which is replaced in connections only; {_INTO_HEADERS}")
        for name, value in parse_qsl(part.partition("?")[2]) if part.startswith(("/", "?")) else ():
            _check_value(name, value)
    for name, value in part.items() if isinstance(part, Mapping) else ():
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, str | int) and not isinstance(inner, bool):
                _check_value(str(name), str(inner))
        check_no_secrets([name, value])
    for inner in part if isinstance(part, list) else ():
        check_no_secrets(inner)


def _check_value(name: str, value: str) -> None:
    if not _REFERENCE.search(value) and is_written_secret(name, value):
        raise ValueError(f"has a secret written out, by its name {name}; {_INTO_HEADERS}")


_REFERENCE = re.compile(r"\$\{[A-Za-z_]\w*\}")
_INTO_HEADERS = "secrets go into 'headers' of the connection, which whoever owns syncd.yaml writes"
_DECODED = 4

_SLASH = r"([/\\]|%(25){0,2}(2[fF]|5[cC]))"
_DOT = r"(\.|%(25){0,2}2[eE])"
_PATH = text(
    rf"^(?![^?]*{_SLASH}{_DOT}{{1,2}}({_SLASH}|[;?]|$))($|[/?])(?!.*\$\{{[A-Za-z_]\w*\}})",
    "begin it with '/', write a path below the connection's url, and no ${NAME}: secrets go into 'headers' there",
)
_JMESPATH = {"type": "string", "minLength": 1, "maxLength": LONGEST}
_NO_REFERENCE: Rule = {
    "if": {"type": "string"},
    "then": {
        "pattern": r"^(?![\s\S]*\$\{[A-Za-z_]\w*\})",
        "errorMessage": f"has a reference, which is replaced in connections only; {_INTO_HEADERS}",
    },
}
NO_REFERENCES = fits("params", {"additionalProperties": {**_NO_REFERENCE, "else": {"items": _NO_REFERENCE}}})
"""A rule that refuses parameters that refer to a secret. `validate` also finds references in a body, and secrets that
are written out.
"""

Path = Annotated[str, AfterValidator(_below_the_url), WithJsonSchema(_PATH)]
"""The path and query of an address, which are added to the connection's url."""

Expression = Annotated[str, AfterValidator(_jmespath), WithJsonSchema(_JMESPATH)]
"""A JMESPath expression."""

_LISTS = frozenset({"projection", "filter_projection", "value_projection", "flatten", "multi_select_list"})
_FUNCTIONS_TO_LISTS = frozenset({"map", "sort", "sort_by", "reverse", "keys", "values", "to_array"})


def makes_a_list(expression: str) -> bool:
    """Whether the form of an expression shows that its result is a list. `points[].[day, value]` makes a list,
    `sum(points[].value)` does not.
    """
    node = tree(expression)
    while node["type"] in ("pipe", "subexpression"):
        node = node["children"][-1]
    return node["value"] in _FUNCTIONS_TO_LISTS if node["type"] == "function_expression" else node["type"] in _LISTS


HEADER = "header "
"""The prefix of a header's name in the content of a check-in."""
