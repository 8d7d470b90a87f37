"""How an answer says that it is not the whole: by a link, a flag, a pointer to the next page, or a total.

Only the objects on the way to the list that a measure reads are looked at, and the blocks for paging beside it: an
answer may hold other lists with pages of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.http.expressions import Path, value_at
from syncd.sdk import parse_link

_MORE = re.compile(
    "hasmore(pages|items)?|hasnext(page)?|more(results|records|data|available)?|(is)?truncated|incompleteresults"
)
_END = re.compile("(is)?last(page)?|endof(records|results)")
_NEXT = re.compile(
    "(odata)?next(page|cursor|token|link|url|uri|href|offset|start|marker|key|records|results|sync|id)*"
    "|continu(e|ation)(token)?|paginationtoken"
)
_TOTAL = re.compile("total(count|results|items|records|hits|elements|size|rows)?|numfound|count")
_PAGE = re.compile("(current)?page(number|index)?|number")
_PAGES = re.compile("pages|(total|last|max)pages?|pagecount|num(berof)?pages")
_OFFSET = re.compile("offset|start(at|index)?|skip|from")
_BLOCKS = re.compile(
    "meta(data)?|pagination|paging|page(info)?|links?|cursors?|response(metadata|info)|result(info|set)|info"
)
_RANGE = re.compile(r"\w+ (?:\d+-(\d+)|\*)/(\d+)", re.ASCII)


def further_pages(data: Any, headers: Mapping[str, str], path: Path, earlier: int = 0) -> str | None:
    """The sign by which an answer says that more of the list at a path follows; None if it has no such sign.

    `earlier` is the number of the list's items on earlier pages. The sign is written as YAML or a header shows it.
    """
    rows = value_at(data, path)
    if sign := _in_headers(headers, earlier + len(rows) if isinstance(rows, list) else None):
        return sign
    for holder, name in _holders(data, path):
        keys = {_normal(key): (key, value) for key, value in holder.items()}
        if _says_end(keys):
            continue
        if sign := _pointer(keys) or _flag(keys) or _counted(keys, rows, earlier):
            return f"{name}{sign}"
    return None


def next_pointer(data: Any, path: Path) -> tuple[str, bool] | None:
    """Where an answer keeps the place of its next page, as a path, and whether it is an address."""
    for holder, name in _holders(data, path):
        for key, value in holder.items():
            if _NEXT.fullmatch(_normal(key)) and isinstance(value, str | int) and value and not isinstance(value, bool):
                quoted = key if re.fullmatch(r"[A-Za-z_]\w*", key) else f'"{key}"'
                return f"{name}{quoted}", isinstance(value, str) and bool(re.match(r"https?://|/|\?", value))
    return None


def says_end(data: Any, path: Path) -> bool:
    """Whether an answer says in a flag that nothing follows: `has_more: false`."""
    return any(_says_end({_normal(key): (key, value) for key, value in holder.items()})
               for holder, _ in _holders(data, path))  # fmt: skip


def _in_headers(headers: Mapping[str, str], came: int | None) -> str | None:
    if "next" in parse_link(headers.get("link", "")):
        return 'Link: rel="next"'
    if headers.get("x-next-page", "").strip():
        return f"X-Next-Page: {headers['x-next-page'].strip()}"
    match = _RANGE.fullmatch(headers.get("content-range", "").strip())
    if match and match[1] and int(match[1]) + 1 < int(match[2]):
        return f"Content-Range: {headers['content-range'].strip()}"
    for name in ("x-total-count", "x-total"):
        total = headers.get(name, "").strip()
        if came is not None and total.isascii() and total.isdigit() and int(total) > came:
            return f"{name.title()}: {total}, and {came} came"
    return None


def _holders(data: Any, path: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The objects on the way to the list at a path and their blocks for paging, each with its path and a dot."""
    for length in range(len(path) + 1):
        holder, name = value_at(data, path[:length]), "".join(f"{key}." for key in path[:length])
        if not isinstance(holder, Mapping):
            continue
        yield holder, name
        for key, block in holder.items():
            if not _BLOCKS.fullmatch(_normal(key)):
                continue
            for inner in block if isinstance(block, list) else [block]:
                if isinstance(inner, Mapping):
                    yield from _nested(inner, f"{name}{key}.")


def _nested(block: Mapping[str, Any], name: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    if str(block.get("rel", block.get("relation", ""))).lower() == "next":
        yield {"next": block.get("href", block.get("url"))}, name
    yield block, name
    for key, inner in block.items():
        if _BLOCKS.fullmatch(_normal(key)) and isinstance(inner, Mapping):
            yield inner, f"{name}{key}."


_Keys = Mapping[str, tuple[str, Any]]


def _says_end(keys: _Keys) -> bool:
    flags = [
        bool(_MORE.fullmatch(name)) is not value
        for name, (_, value) in keys.items()
        if isinstance(value, bool) and (_MORE.fullmatch(name) or _END.fullmatch(name))
    ]
    return bool(flags) and all(flags)


def _flag(keys: _Keys) -> str | None:
    for name, (key, value) in keys.items():
        if (value is True and _MORE.fullmatch(name)) or (value is False and _END.fullmatch(name)):
            return f"{key}: {str(value).lower()}"
    return None


def _pointer(keys: _Keys) -> str | None:
    for name, (key, value) in keys.items():
        if _NEXT.fullmatch(name) and value not in (None, "", 0) and value is not False and value != {} and value != []:
            return key
    return None


def _counted(keys: _Keys, rows: Any, earlier: int) -> str | None:
    """The sign in a total beyond what came, or in a number of pages beyond this one."""
    current = _first(keys, _PAGE) or 1
    for name, (key, value) in keys.items():
        if _PAGES.fullmatch(name) and (last := _whole(value)) is not None and last > current:
            return f"{key}: {last}, and this is page {current}"
    if not isinstance(rows, list):
        return None
    before = earlier or _first(keys, _OFFSET) or 0
    for name, (key, value) in keys.items():
        total = _whole(value.get("value") if isinstance(value, Mapping) else value)  # Elasticsearch: {value, relation}
        if _TOTAL.fullmatch(name) and total is not None and total > before + len(rows) and not _is_sum(total, rows):
            return f"{key}: {total}, and {before + len(rows)} came"
    return None


def _first(keys: _Keys, pattern: re.Pattern[str]) -> int | None:
    """The first whole number under a name of this form."""
    numbers = (_whole(value) for name, (_, value) in keys.items() if pattern.fullmatch(name))
    return next((number for number in numbers if number is not None), None)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_sum(total: int, rows: Sequence[Any]) -> bool:
    """Whether a total is that of a column of the rows, and not their number."""
    columns: dict[str | int, float] = {}
    for row in rows:
        pairs = row.items() if isinstance(row, Mapping) else enumerate(row) if isinstance(row, list) else ()
        for key, value in pairs:
            if isinstance(value, int | float) and not isinstance(value, bool):
                columns[key] = columns.get(key, 0) + value
    return any(abs(total - number) < 0.5 for number in columns.values())


def _normal(key: str) -> str:
    return re.sub(r"[^a-z]", "", key.lower())
