"""Evaluates JMESPath within bounds: an expression of a mapping file must not cost the service its time or memory.

A few signs are enough for an endless result: `[@,@] | [@,@] | …` doubles at each step. So an expression is short and
flat, its steps are counted, and no result holds more than a bounded number of values.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import jmespath
from jmespath.visitor import TreeInterpreter

LONGEST = 1_000
"""Characters of an expression."""

_DEEPEST = 40
_MOST_STEPS = 5_000_000
_MOST_VALUES = 2_000_000  # in a result, and characters of a text that the expression makes


@cache
def tree(expression: str) -> Any:
    """The parsed expression. Raises ValueError with what is wrong with it."""
    if len(expression) > LONGEST:
        raise ValueError(f"has {len(expression):,} characters; write at most {LONGEST:,}")
    try:
        parsed = jmespath.compile(expression).parsed
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(f"is {expression!r}, which is no JMESPath: {_why(error)}") from None
    except RecursionError:
        raise ValueError(f"has more than {_DEEPEST} levels; write a flatter expression") from None
    _check(parsed, 0)
    return parsed


def search(expression: str, data: object) -> Any:
    """What the expression finds; null if it finds nothing. ValueError if it cannot be applied to this answer."""
    return visit(tree(expression), data)


def visit(node: Any, data: object) -> Any:
    """What a part of an expression finds. ValueError if it cannot be applied, or costs too much."""
    try:
        return _Bounded().visit(node, data)
    except _TooMuch as error:
        raise ValueError(str(error)) from None
    except Exception as error:  # functions of JMESPath fail in many ways on values of another type
        raise ValueError(str(error).partition("\n")[0] or type(error).__name__) from None


class _TooMuch(Exception):
    """An expression costs too much."""


class _Bounded(TreeInterpreter):
    """An interpreter that counts its steps and the size of what it makes."""

    def __init__(self) -> None:
        super().__init__()
        self._steps = 0
        self._sizes: dict[int, tuple[int, Any]] = {}  # with each value, so that its id stays its own

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """The value of a node."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise _TooMuch(f"takes more than {_MOST_STEPS:,} steps; read a smaller part of the answer")
        value = super().visit(node, *args, **kwargs)
        if node["type"] in ("multi_select_list", "multi_select_dict", "function_expression"):
            self._size(value)
        return value

    def _size(self, value: Any) -> int:
        """How many values there are in a value, itself included. One that it holds twice counts twice; a text counts as
        its number of characters.
        """
        if isinstance(value, str):
            size = len(value)
        elif not isinstance(value, list | dict):
            return 1
        elif id(value) in self._sizes:
            return self._sizes[id(value)][0]
        else:
            inner = value.values() if isinstance(value, dict) else value
            size = 1 + sum(map(self._size, inner))
            self._sizes[id(value)] = size, value
        if size > _MOST_VALUES:
            raise _TooMuch(f"makes more than {_MOST_VALUES:,} values; read a smaller part of the answer")
        return size


def _check(node: Mapping[str, Any], depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError(f"has more than {_DEEPEST} levels; write a flatter expression")
    if node["type"] == "slice" and node["children"][2] == 0:
        raise ValueError("has a slice with the step 0; write 1, or leave it out")
    for child in node["children"]:
        if isinstance(child, dict):
            _check(child, depth + 1)


def _why(error: Exception) -> str:
    why = str(error).splitlines()[0].rstrip(":")
    for prefix in ("Invalid", "Bad"):
        why = why.removeprefix(f"{prefix} jmespath expression: ")
    return why.lower()
