"""Formulas over named parts: arithmetic that a mapping file says, evaluated by simpleeval and never by eval.

A part that is unknown, or a division by zero, makes the whole unknown, with the reason.
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
    """An expression that is none; the text says what is wrong with it."""


def names(expression: str) -> frozenset[str]:
    """The parts that an expression names; NoFormula where it is none."""
    tree = _parsed(expression)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}
    with suppress(ZeroDivisionError):  # with other numbers it may be none
        _value(expression, dict.fromkeys(found, 1.0))
    return frozenset(found)


def combined(expression: str, parts: Mapping[str, Answer]) -> Answer:
    """What a formula comes to. It is as of its oldest part, and counts what all of them count."""
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
    for choice in (ast.BoolOp, ast.IfExp):  # they would take a zero for what is not there
        evaluator.nodes.pop(choice, None)
    try:
        value = evaluator.eval(expression, previously_parsed=_parsed(expression))
    except ZeroDivisionError:
        raise
    except Exception as error:  # whatever somebody else's numbers make of somebody else's expression
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
