"""Evaluates JMESPath within limits, so that no expression of a mapping file uses up the time or memory of the service.

A short expression can make an enormous result: `[@,@] | [@,@] | …` doubles the result at each step. syncd therefore
limits the length and depth of an expression, its steps, and the number of values in a result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jmespath
from jmespath.functions import Functions, signature
from jmespath.visitor import Options, TreeInterpreter

from syncd.sdk.cells import PLAIN_NUMBER
from syncd.sdk.numbers import mean, total

LONGEST = 1_000
"""The most characters of an expression."""

_DEEPEST = 40
_MOST_STEPS = 5_000_000
_MOST_VALUES = 2_000_000  # in a result; in a text, each character counts


@cache
def tree(expression: str) -> Any:
    """The parsed expression. Raises ValueError with the reason if it cannot be used."""
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
    """The result of an expression; None if the expression finds nothing. Raises ValueError if it cannot be applied to
    this response.
    """
    return visit(tree(expression), data)


def visit(node: Any, data: object) -> Any:
    """The result of a part of an expression. Raises ValueError if the part cannot be applied to the data, or exceeds a
    limit.
    """
    try:
        return _Bounded().visit(node, data)
    except _TooMuch as error:
        raise ValueError(str(error)) from None
    except Exception as error:  # functions of JMESPath fail in many ways on values of another type
        raise ValueError(str(error).partition("\n")[0] or type(error).__name__) from None


class _TooMuch(Exception):
    """An expression exceeds a limit."""


class _DecimalFunctions(Functions):
    """The functions of JMESPath. Sums and averages are those of the decimal numbers in the answer, and a text is a
    number only if it would be one in a CSV file.
    """

    @signature({"types": ["array-number"]})
    def _func_sum(self, numbers: Sequence[float]) -> float:
        return sum(numbers) if all(isinstance(number, int) for number in numbers) else total(numbers)

    @signature({"types": ["array-number"]})
    def _func_avg(self, numbers: Sequence[float]) -> float | None:
        return mean(numbers) if numbers else None

    @signature({"types": []})
    def _func_to_number(self, value: Any) -> float | None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value
        text = value.strip() if isinstance(value, str) else ""
        if not PLAIN_NUMBER.match(text):
            return None
        try:
            return int(text)
        except ValueError:  # a fraction, an exponent, or more digits than Python reads as a whole number
            return float(text)


_OPTIONS = Options(custom_functions=_DecimalFunctions())


class _Bounded(TreeInterpreter):
    def __init__(self) -> None:
        super().__init__(_OPTIONS)
        self._steps = 0
        self._sizes: dict[int, tuple[int, Any]] = {}  # holds each value, so that its id is not reused

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
        """The number of values in a value, including the value itself. A value that occurs twice counts twice. In a
        text, each character counts.
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
