"""Reads JSON within bounds: how deep it is nested, and how large its numbers are.

Code that walks through a value calls itself for each level, and Python allows a thousand calls within each other. A
number that no double holds would be infinite, and no sum of it a number.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from syncd.sdk.errors import RetryLater, SourceBroken

_DEEPEST = 100
_TOO_DEEP = f"its answer is nested more than {_DEEPEST} levels deep; ask for a part of it"


def read_json(body: bytes) -> Any:
    """The value. RetryLater if the body is not JSON: a proxy's page, or half of an answer. SourceBroken if it is nested
    too deep, or holds a number that is too large.
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
