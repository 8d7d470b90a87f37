"""Evaluates the formulas in mapping files: arithmetic over named parts. The library simpleeval evaluates them, never
Python's `eval`.

If a part is unknown, or the formula divides by zero, the result is unknown, with the reason. The arithmetic is exact:
only the result is rounded.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from math import floor, inf, isfinite

from simpleeval import SimpleEval

from syncd.okr.answer import Answer


def _half_away_from_zero(number: Fraction, places: Fraction = Fraction()) -> Fraction:
    """The number rounded to decimal places like in a spreadsheet: 2.5 to 3, and -2.5 to -3."""
    if places != int(places) or abs(places) > _MOST_PLACES:
        raise ValueError(places)
    scale = Fraction(f"1e{int(places)}")
    away_from_zero = Fraction(floor(abs(number) * scale + Fraction(1, 2))) / scale
    return away_from_zero if number >= 0 else -away_from_zero


_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_NODES = frozenset({ast.BinOp, ast.UnaryOp, ast.Call, ast.Name})
_FUNCTIONS = {"abs": abs, "min": min, "max": max, "round": _half_away_from_zero}
_MOST_PLACES = 15
LONGEST = 1_000
"""The maximal number of characters in a formula."""
DEEPEST = 100
"""The maximal number of operations within each other. Evaluation takes a few frames of the stack for each of them."""
_SHOWN = 100  # characters of a formula in a message
ALLOWED = f"+ - * / ( ) and {', '.join(_FUNCTIONS)}"


class NoFormula(ValueError):
    """A text is not a valid formula. The error's message says what is wrong with the text."""


def names(expression: str) -> frozenset[str]:
    """The parts that an expression names. Raises NoFormula if the expression is not valid."""
    if len(expression) > LONGEST:
        raise NoFormula(f"the formula has {len(expression):,} characters; write at most {LONGEST:,}")
    tree = _parsed(expression)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    parts = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}
    with suppress(ZeroDivisionError):  # 1 for each part may divide by zero; real numbers may not
        if not isfinite(_value(expression, dict.fromkeys(parts, Fraction(1)))):
            raise NoFormula(f"{expression!r} comes to no finite number")
    return frozenset(parts)


def evaluate(expression: str, parts: Mapping[str, Answer]) -> Answer:
    """The answer of a formula, with the date of its oldest part and the sums of its parts' counts."""
    counted = sum(part.counted for part in parts.values())
    lacking = sum(part.lacking for part in parts.values())
    at: datetime | None = min((part.at for part in parts.values() if part.at is not None), default=None)
    unknown = [f"{name}: {part.reason or 'unknown'}" for name, part in parts.items() if part.number is None]
    if unknown:
        return Answer(None, "; ".join(unknown), counted, lacking, at)
    try:
        number = _value(expression, {name: Fraction(repr(part.number)) for name, part in parts.items()})
    except ZeroDivisionError:
        return Answer(None, f"{expression} divides by zero", counted, lacking, at)
    except NoFormula as error:
        return Answer(None, str(error), counted, lacking, at)
    return Answer(number, None, counted, lacking, at)


def _no_formula(expression: str) -> NoFormula:
    shown = expression if len(expression) <= _SHOWN else f"{expression[:_SHOWN]}…"
    return NoFormula(f"{shown!r} is no formula; it may have names, numbers, {ALLOWED}")


@lru_cache(1000)
def _parsed(expression: str) -> ast.expr:
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _no_formula(expression) from error
    if _depth(tree) > DEEPEST:
        raise NoFormula(
            f"the formula has more than {DEEPEST} operations within each other, and in a + b + c the first is within "
            f"the second; write at most {DEEPEST}, or put groups of them in parentheses"
        )
    return tree


def _depth(tree: ast.expr) -> int:
    """The number of operations within each other. Counts level by level, because a recursion may exceed the stack."""
    depth, level = -1, [tree]
    while level:
        depth += 1
        level = [node for parent in level for node in ast.iter_child_nodes(parent) if isinstance(node, ast.expr)]
    return depth


def _value(expression: str, numbers: Mapping[str, Fraction]) -> float:
    """The value of an expression; infinity if the value is too large for a float."""
    evaluator = SimpleEval(operators=_OPERATORS, functions=_FUNCTIONS, names=numbers)
    # Without conditional expressions, which could read a missing part as zero; without attributes and texts.
    evaluator.nodes = {node: handler for node, handler in evaluator.nodes.items() if node in _NODES}
    evaluator.nodes[ast.Constant] = _constant
    try:
        value = evaluator.eval(expression, previously_parsed=_parsed(expression))
    except ZeroDivisionError:
        raise
    except Exception as error:  # an expression and numbers from outside can raise anything
        raise _no_formula(expression) from error
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise NoFormula(f"{expression!r} comes to no number")
    try:
        return float(value)
    except OverflowError:
        return inf


def _constant(node: ast.Constant) -> Fraction:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise TypeError(node.value)
    return Fraction(repr(node.value))
