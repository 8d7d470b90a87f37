"""Finds the lists that a JMESPath expression reads in an answer, and the reason why an expression finds nothing.

JMESPath returns `null` for a missing key, and leaves out items without the key. Without this check, a sum over a
renamed key would be 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.http.evaluation import tree, visit

Path = tuple[str | int, ...]
"""The keys and indexes that lead from the root of an answer to a place in it."""

_PROJECTIONS = frozenset({"projection", "filter_projection", "value_projection"})
_ITEM = {"type": "identity", "children": []}
_MOST_KEYS = 6


def plain_path(expression: str) -> Path | None:
    """The path of an expression that names one place, such as `meta.total`; None for any other expression."""
    return _plain(tree(expression))


def list_paths(expression: str) -> list[Path]:
    """The paths at which an expression begins to read lists: `data.items` for `sum(data.items[].n)`."""
    return list(dict.fromkeys(_list_paths(tree(expression), ())))


def names(expression: str) -> frozenset[str]:
    """Every key that an expression names anywhere."""
    return frozenset(_names(tree(expression)))


def value_at(data: Any, path: Path) -> Any:
    """The value at a path; None if there is none."""
    for key in path:
        if isinstance(data, Mapping) and isinstance(key, str):
            data = data.get(key)
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return None
    return data


def is_missing(data: Any, path: Path) -> bool:
    """Whether an answer lacks a key or item of a path. A key with the value null is not missing."""
    return bool(path) and value_at(data, path) is None and not _has(value_at(data, path[:-1]), path[-1])


def why_nothing(expression: str, data: Any) -> str | None:
    """The key, list or item that an expression reads and the answer lacks, such as `the answer has no 'items'; it has:
    error`; None if the answer has all of them.
    """
    for path in list_paths(expression):
        for length in range(1, len(path) + 1):
            holder, key = value_at(data, path[: length - 1]), path[length - 1]
            if value_at(data, path[:length]) is not None:
                continue
            name = _written(path[:length])
            if _has(holder, key):
                return f"{name!r} is null in the answer"
            keys = list(holder) if isinstance(holder, Mapping) else []
            more = ", …" if len(keys) > _MOST_KEYS else ""
            there = f"; it has: {', '.join(map(str, keys[:_MOST_KEYS]))}{more}" if keys else ""
            return f"the answer has no {name!r}{there}"
    return None


def why_filters_fail(expression: str, data: object) -> str | None:
    """The reason why a filter of an expression cannot be applied: a key of its condition that no item has. None if, for
    each key, at least one item has it, or if there is no item.
    """
    if (missing := _missing_key(tree(expression), [data], in_filter=False)) is None:
        return None
    path, items = missing
    return f"none of {items:,} items has {_written(path)!r}, which {expression} filters by"


class ItemsOfList(NamedTuple):
    """How many items of a list an expression selects, and how many of them have the value that it reads. `value` is the
    value's key; the whole expression if it is more than a key.
    """

    value: str
    selected: int
    having: int


def items_of_lists(expression: str, data: object) -> Iterator[ItemsOfList]:
    """The items of each list that an expression reads. JMESPath leaves out the items without the value."""
    for node, context in _lists(tree(expression), data):
        left, right, *condition = node["children"]
        items = visit({**node, "children": [left, _ITEM, *condition]}, context)
        if items:
            yield ItemsOfList(_written(_plain(right) or ()) or expression, len(items), len(visit(node, context)))


def _plain(node: Any) -> Path | None:
    match node["type"]:
        case "identity" | "current":
            return ()
        case "field":
            return (node["value"],)
        case "index":
            return (node["value"],) if node["value"] >= 0 else None
        case "subexpression" | "index_expression":
            paths = [_plain(child) for child in node["children"]]
            return None if None in paths else tuple(key for path in paths for key in path or ())
    return None


def _list_paths(node: Any, prefix: Path) -> Iterator[Path]:
    if (path := _plain(node)) is not None:
        yield prefix + path
        return
    match node["type"]:
        case "slice" | "literal" | "expref":
            return
        case "subexpression":
            for child in node["children"]:
                if (path := _plain(child)) is None:
                    yield from _list_paths(child, prefix)
                    return
                prefix += path
        case "projection" | "filter_projection" | "value_projection" | "flatten" | "index_expression" | "pipe":
            yield from _list_paths(node["children"][0], prefix)
        case _:
            for child in node["children"]:
                yield from _list_paths(child, prefix)


def _names(node: Any) -> Iterator[str]:
    if node["type"] == "field":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _names(child)


def _lists(node: Any, context: Any) -> Iterator[tuple[Any, Any]]:
    """The parts of an expression that read a list, from the root on, each with the value that the list is found in."""
    kind, children = node["type"], node["children"]
    if kind in _PROJECTIONS:
        yield node, context
        yield from _lists(children[0], context)
    elif kind == "subexpression":
        for child in children:
            yield from _lists(child, context)
            context = visit(child, context)
    elif kind in ("pipe", "index_expression"):
        yield from _lists(children[0], context)
    elif kind not in ("slice", "literal", "expref"):
        for child in children:
            yield from _lists(child, context)


def _missing_key(node: Any, holders: Sequence[Any], *, in_filter: bool) -> tuple[Path, int] | None:
    """A key of a filter that none of the holders has, and the number of these holders. `holders` are the values that a
    part of an expression is applied to. None if no key is missing, or if there are no holders.
    """
    kind = node["type"]
    if not holders or (kind == "field" and (not in_filter or any(_has(each, node["value"]) for each in holders))):
        return None
    if kind == "field":
        return (node["value"],), len(holders)
    if in_filter and _chooses(node):  # of several keys for the same value, a single one is enough
        missing = [_missing_key(child, holders, in_filter=True) for child in node["children"]]
        return missing[0] if all(missing) else None
    for part, of_part, filters, before in _parts(node, holders, in_filter=in_filter):
        if (missing_key := _missing_key(part, of_part, in_filter=filters)) is not None:
            path, count = missing_key
            return (*before, *path), count
    return None


def _parts(node: Any, holders: Sequence[Any], *, in_filter: bool) -> Iterator[tuple[Any, Sequence[Any], bool, Path]]:
    """The parts of a part of an expression, each with the values that JMESPath applies it to, whether it belongs to a
    filter, and the path that leads to these values.
    """
    kind, children = node["type"], node["children"]
    if kind in ("subexpression", "index_expression", "pipe"):
        before: Path = ()
        for child in children:
            yield child, holders, in_filter, before
            holders, before = _results(child, holders), before + (_plain(child) or ())
    elif kind in _PROJECTIONS:
        left, right, *condition = children
        of_left = {"type": "projection" if condition else kind, "children": [left, _ITEM]}
        items = [item for of_holder in _results(of_left, holders) for item in of_holder]
        yield left, holders, in_filter, ()
        for rule in condition:
            yield rule, items, True, ()
        yield right, _results(_ITEM, items, *condition), in_filter, ()
    elif kind in ("and_expression", "or_expression"):  # the second part matters only where the first does not decide
        first, second = children
        undecided = first if kind == "and_expression" else {"type": "not_expression", "children": [first]}
        yield first, holders, in_filter, ()
        yield second, _results(_ITEM, holders, undecided), in_filter, ()
    elif kind not in ("slice", "expref"):
        for child in children:
            yield child, holders, in_filter, ()


def _results(node: Any, holders: Sequence[Any], *condition: Any) -> Sequence[Any]:
    """What a part of an expression finds in each of the holders that meet the condition."""
    kind = "filter_projection" if condition else "projection"
    try:
        results: Sequence[Any] = visit({"type": kind, "children": [_ITEM, node, *condition]}, list(holders))
    except ValueError:  # a function that JMESPath would not have reached
        return ()
    return results


def _chooses(node: Any) -> bool:
    """Whether a part of an expression takes the first of several values: `status || state`, `not_null(a, b)`."""
    if node["type"] == "or_expression":
        return all(child["type"] == "literal" or _plain(child) or _chooses(child) for child in node["children"])
    return bool(node["type"] == "function_expression" and node["value"] == "not_null")


def _written(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _has(holder: Any, key: str | int) -> bool:
    if isinstance(holder, list):
        return isinstance(key, int) and key < len(holder)
    return isinstance(holder, Mapping) and key in holder
