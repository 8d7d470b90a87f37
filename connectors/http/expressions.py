"""Finds the lists that a JMESPath expression reads in an answer, and the reason why an expression finds nothing.

JMESPath returns `null` for a missing key, and leaves out items without the key. Without this check, a sum over a
renamed key would be 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.http.evaluation import tree, visit

Path = tuple[str | int, ...]
"""The keys and indexes that lead from the root of an answer to a place in it."""

_PROJECTIONS = frozenset({"projection", "filter_projection", "value_projection"})
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


def why_nothing(expression: str, data: Any) -> str:
    """The reason why an expression finds nothing in an answer, such as `the answer has no 'items'; it has: error`."""
    for path in list_paths(expression):
        for length in range(1, len(path) + 1):
            holder, key = value_at(data, path[: length - 1]), path[length - 1]
            if value_at(data, path[:length]) is not None:
                continue
            name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[:length]).lstrip(".")
            if _has(holder, key):
                return f"{name!r} is null in the answer"
            keys = list(holder) if isinstance(holder, Mapping) else []
            more = ", …" if len(keys) > _MOST_KEYS else ""
            there = f"; it has: {', '.join(map(str, keys[:_MOST_KEYS]))}{more}" if keys else ""
            return f"the answer has no {name!r}{there}"
    return f"{expression} finds nothing in the answer"


def items_without_value(expression: str, data: object) -> int:
    """The number of items in a list, if none of the items has the value that an expression selects; 0 if an item has
    the value.
    """
    for node, context in _lists(tree(expression), data):
        left, _, *condition = node["children"]
        items = visit({**node, "children": [left, {"type": "identity", "children": []}, *condition]}, context)
        if items and visit(node, context) == []:
            return len(items)
    return 0


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


def _has(holder: Any, key: str | int) -> bool:
    if isinstance(holder, list):
        return isinstance(key, int) and key < len(holder)
    return isinstance(holder, Mapping) and key in holder
