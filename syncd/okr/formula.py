"""Formulas over named parts: a mapping file's arithmetic, evaluated by simpleeval, never by eval.

An unknown part, or a division by zero, makes the result unknown, with the reason.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache

from simpleeval import SimpleEval

from syncd.okr.measures import Answer

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS = {"abs": abs, "min": min, "max": max, "round": round}
ALLOWED = f"+ - * / ( ) and {', '.join(_FUNCTIONS)}"


class NoFormula(ValueError):
    """A text is not a valid formula; the message says what is wrong with it."""


def names(expression: str) -> frozenset[str]:
    """The parts that an expression names. Raises NoFormula if the expression is not valid."""
    tree = _parsed(expression)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    parts = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}
    with suppress(ZeroDivisionError):  # other numbers may not divide by zero
        _value(expression, dict.fromkeys(parts, 1.0))
    return frozenset(parts)


def evaluate(expression: str, parts: Mapping[str, Answer]) -> Answer:
    """The answer of a formula: its date is that of its oldest part, its counts are the sums of its parts' counts."""
    counted = sum(part.counted for part in parts.values())
    lacking = sum(part.lacking for part in parts.values())
    at: datetime | None = min((part.at for part in parts.values() if part.at is not None), default=None)
    unknown = [f"{name}: {part.reason or 'unknown'}" for name, part in parts.items() if part.number is None]
    if unknown:
        return Answer(None, "; ".join(unknown), counted, lacking, at)
    try:
        number = _value(expression, {name: part.number or 0.0 for name, part in parts.items()})
    except ZeroDivisionError:
        return Answer(None, f"{expression} divides by zero", counted, lacking, at)
    except NoFormula as error:
        return Answer(None, str(error), counted, lacking, at)
    return Answer(number, None, counted, lacking, at)


def _no_formula(expression: str) -> NoFormula:
    return NoFormula(f"{expression!r} is no formula; it may have names, numbers, {ALLOWED}")


@lru_cache(1000)
def _parsed(expression: str) -> ast.expr:
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _no_formula(expression) from error


def _value(expression: str, numbers: Mapping[str, float]) -> float:
    evaluator = SimpleEval(operators=_OPERATORS, functions=_FUNCTIONS, names=numbers)
    for choice in (ast.BoolOp, ast.IfExp):  # they would read a missing part as zero
        evaluator.nodes.pop(choice, None)
    try:
        value = evaluator.eval(expression, previously_parsed=_parsed(expression))
    except ZeroDivisionError:
        raise
    except Exception as error:  # an expression and numbers from outside can raise anything
        raise _no_formula(expression) from error
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NoFormula(f"{expression!r} comes to no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise NoFormula(f"{expression!r} comes to no finite number")
    return number
