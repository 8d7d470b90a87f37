"""Reads JSON with limits for the depth of nesting and the size of numbers.

Recursive code makes one nested call for each level of a value, and Python allows about a thousand nested calls. A
number too large for a double would become infinite, and so would every sum with it.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from syncd.sdk.errors import RetryLater, SourceBroken

_DEEPEST = 100
_TOO_DEEP = f"its answer is nested more than {_DEEPEST} levels deep; ask for a part of it"


def read_json(body: bytes) -> Any:
    """Parses JSON and returns the value. Raises RetryLater if the body is not JSON, such as a proxy's page or half of
    an answer. Raises SourceBroken if the JSON is nested too deep or holds a number that is too large.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if "depth limit" in str(error):
            raise SourceBroken(_TOO_DEEP) from None
        if "infinity" in str(error):
            raise SourceBroken(_too_large(body[error.pos : error.pos + 20])) from None
        raise RetryLater("its answer is not JSON") from None
    if _is_too_deep(value):
        raise SourceBroken(_TOO_DEEP)
    return value


def _too_large(begins: bytes) -> str:
    number = re.match(r"[-+\d.eE]*", begins.decode("ascii", "replace"))
    shown = number[0] if number else ""
    return f"its answer holds a number beyond 1.8e308 ({shown}…), with which nothing can be computed; correct it there"


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST + 1):
        containers = [part for part in level if isinstance(part, dict | list)]
        if not containers:
            return False
        level = [inner for part in containers for inner in (part.values() if isinstance(part, dict) else part)]
    return True
