"""Finds the signs by which an answer says that more pages follow: a link, a flag, a pointer to the next page, or a
total.

Only the objects on the path to the list that a measure reads are searched, and their blocks for paging. Other lists of
an answer may have pages of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from connectors.http.expressions import Path, is_missing, plain_path, value_at
from syncd.sdk import parse_link

_MORE = re.compile("hasmore(pages|items)?|hasnext(page)?|more(results|records|data|items|rows|pages)?(available)?")
_CUT = re.compile("(is)?truncated")  # false means that this page is complete, not that the list is
_PART = re.compile("incompleteresults|(is|has)?partial(results?|response|data)?|timedout")
_END = re.compile("(is)?last(page)?|endof(records|results|stream)")
_NEXT = re.compile(
    "(odata)?next(page|cursor|token|link|url|uri|href|offset|start|marker|key|records|results|sync|id)*"
    "|continu(e|ation)(token)?|paginationtoken|lastevaluatedkey"
)
_TOTAL = re.compile(
    "total(count|results|items|records|hits|elements|size|rows)?|numfound|(row|record|result|item|hit)?count"
)
_PAGE = re.compile("(current)?page(number|index)?|number")
_PAGES = re.compile("pages|totalpages?|pagecount|num(berof)?pages")
_ALL_PAGES = re.compile("totalpages?|num(berof)?pages")
_LAST_PAGE = re.compile("(last|max)pages?")
_PLACE = re.compile(r"(?=.*[A-Za-z])[\w/+=.-]{8,}", re.ASCII)  # Airtable's `offset`; not `+02:00` of a time zone
_OFFSET = re.compile("offset|start(at|index)?|skip|from")
_BLOCKS = re.compile(
    "meta(data)?|pagination|paging|page(s|info)?|links?|cursors?|response(metadata|info)|result(info|set)|info"
)
_NEXT_HEADER = re.compile("x-next-(page|cursor|token)|x-(pagination-)?continuation-?token|x-ms-continuation(-?token)?")
_PAGES_HEADERS = ("x-total-pages", "x-wp-totalpages", "x-page-count", "x-pages")
_TOTAL_HEADERS = ("x-total-count", "x-total", "x-wp-total")
_NOTHING = frozenset({"null", "none", "nil", "false"})
_MOST_KEYS = 6
_RANGE = re.compile(r"\w+ (?:\d+-(\d+)|\*)/(\d+)", re.ASCII)


def further_pages(
    data: Any, headers: Mapping[str, str], path: Path, *, rows_before: int = 0, pages: int = 1, is_led: bool = False
) -> str | None:
    """The sign by which an answer says that more of the list at a path follows; None if the answer has no such sign.

    `rows_before` is the number of the list's items on earlier pages. `pages` is the number of pages so far, including
    this page. `is_led` says that the measure follows pages by `pages:`; a flag such as `has_more: false` then takes
    precedence over a pointer beside it. The sign is returned in the form of YAML or of a header.
    """
    rows = value_at(data, path)
    if sign := _in_headers(headers, rows, rows_before, pages):
        return sign
    for holder, name in _holders(data, path):
        keys = {_normal(key): (key, value) for key, value in holder.items()}
        ends = _says_end(keys)
        sign = None if ends and is_led else _pointer(keys)
        if sign is None and not ends:
            sign = _cursor(keys, name, is_led=is_led) if pages == 1 else None
            sign = sign or _flag(keys) or _page_before_last(keys, pages) or _counted(keys, rows, rows_before)
        if sign is not None:
            return f"{name}{sign}"
    return None


def sign_of_a_part(data: Any, path: Path) -> str | None:
    """The sign by which an answer says that its server did not reach all of its data; None if the answer has no such
    sign. If the answer has such a sign, its lists and totals are not reliable.
    """
    for holder, name in _holders(data, path):
        for key, value in holder.items():
            normal = _normal(key)
            if _PART.fullmatch(normal) and _truth(value) is True:
                return f"{name}{key}: true"
            if normal == "shards" and isinstance(value, Mapping) and (failed := _whole(value.get("failed"))):
                return f"{name}{key}.failed: {failed}"  # Elasticsearch
            texts = value if normal == "warnings" and isinstance(value, list) else []
            # Prometheus and Thanos. Older versions also put remarks on the query's style here.
            warned = [text for text in texts if isinstance(text, str) and not text.startswith("PromQL info")]
            if warned and holder.get("status") == "success":
                return f"{name}{key}: {warned[0][:120]}"
    return None


def next_pointer(data: Any, path: Path) -> tuple[str, bool] | None:
    """The path to an answer's pointer to the next page, and whether the pointer is an address; None if the answer has
    no pointer.
    """
    for holder, name in _holders(data, path):
        for key, value in holder.items():
            if _is_pointer(_normal(key), value) and isinstance(value, str | int) and value is not True:
                quoted = key if re.fullmatch(r"[A-Za-z_]\w*", key) else f'"{key}"'
                return f"{name}{quoted}", isinstance(value, str) and bool(re.match(r"https?://|/|\?", value))
    for holder, name in _holders(data, path):
        keys = {_normal(key): (key, value) for key, value in holder.items()}
        if (cursor := _cursor(keys, name, is_led=False)) is not None:
            return f"{name}{cursor}", False
    return None


def next_is_nowhere(expression: str, data: Any) -> str | None:
    """The reason why `expression`, the place of the pointer to the next page, does not fit this answer; None if it
    fits. If `expression` does not fit, a missing pointer does not mean that this page is the last page. On the last
    page many APIs leave out the pointer, but few leave out the object around it. An expression that is not a plain path
    always fits.
    """
    path = plain_path(expression)
    if not path:
        return None
    length = next((at for at, key in enumerate(path) if _NEXT.fullmatch(_normal(str(key)))), len(path) - 1)
    keys = [str(key) for key in data] if isinstance(data, Mapping) else []
    has = (
        f"it has: {', '.join(keys[:_MOST_KEYS])}{', …' if len(keys) > _MOST_KEYS else ''}" if keys else "it has no keys"
    )
    write = f"write the place of the next page, or \"{expression} || ''\" if that is left out where nothing follows"
    for at in range(1, length + 1):
        if value_at(data, path[:at]) is None:
            name = ".".join(map(str, path[:at]))
            return f"the answer has no {name!r}; {has}; {write}" if is_missing(data, path[:at]) else None
    if isinstance(value_at(data, path[:length]), Mapping) or isinstance(path[length], int):
        return None
    return f"{'.'.join(map(str, path[:length])) or 'the answer'} is no object; {write}"


def says_end(data: Any, path: Path) -> bool:
    """Whether a flag of an answer says that no page follows, such as `has_more: false`."""
    return any(_says_end({_normal(key): (key, value) for key, value in holder.items()})
               for holder, _ in _holders(data, path))  # fmt: skip


def totals(data: Any, headers: Mapping[str, str], path: Path) -> frozenset[tuple[bool, str, int]]:
    """The totals that an answer and its headers give for the list at a path. Each total is a tuple: whether it counts
    pages, its name, and its number.

    Some names may also mean the number of this page, or the number of rows on it. Such a number is a total only if it
    is the same on every page.
    """
    blocks = [*(holder for holder, _ in _holders(data, path)), _json(headers.get("x-pagination", "")), headers]
    given = ((key, _normal(key.removeprefix("x-")), _whole(value)) for block in blocks for key, value in block.items())
    return frozenset(
        (bool(_ALL_PAGES.fullmatch(name)), key, total)
        for key, name, total in given
        if total is not None and (_ALL_PAGES.fullmatch(name) or _TOTAL.fullmatch(name))
    )


def _in_headers(headers: Mapping[str, str], rows: Any, rows_before: int, pages: int) -> str | None:
    came = rows_before + len(rows) if isinstance(rows, list) else None
    if "next" in parse_link(headers.get("link", "")):
        return 'Link: rel="next"'
    for name, text in headers.items():
        if (value := text.strip()) and value.lower() not in _NOTHING and _NEXT_HEADER.fullmatch(name):
            return f"{name.title()}: {value[:60]}"
    for name in _PAGES_HEADERS:
        last, given = _whole(headers.get(name, "").strip()), _whole(headers.get("x-page", "").strip())
        if last is not None and last > max(pages, given or 0):
            return f"{name.title()}: {last}, and this is page {pages if given is None else given}"
    match = _RANGE.fullmatch(headers.get("content-range", "").strip())
    if match and match[1] and int(match[1]) + 1 < int(match[2]):
        return f"Content-Range: {headers['content-range'].strip()}"
    if sign := _in_block(_json(headers.get("x-pagination", "")), rows, rows_before, pages):
        return f"X-Pagination: {sign}"
    for name in _TOTAL_HEADERS:
        total = headers.get(name, "").strip()
        if came is not None and total.isascii() and total.isdigit() and int(total) > came:
            return f"{name.title()}: {total}, and {came} came"
    return None


def _in_block(block: Mapping[str, Any], rows: Any, rows_before: int, pages: int) -> str | None:
    keys = {_normal(key): (key, value) for key, value in block.items()}
    sign = _pointer(keys)
    if sign is None and not _says_end(keys):
        sign = _flag(keys) or _page_before_last(keys, pages) or _counted(keys, rows, rows_before)
    return sign


def _json(text: str) -> Mapping[str, Any]:
    """The JSON object in a header; an empty object if the header contains anything else."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, Mapping) else {}


def _holders(data: Any, path: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The objects on the path to a list, and their blocks for paging, each with its own path and a dot at the end of
    the path.
    """
    for length in range(len(path) + 1):
        holder, name = value_at(data, path[:length]), "".join(f"{key}." for key in path[:length])
        if not isinstance(holder, Mapping):
            continue
        yield holder, name
        for key, block in holder.items():
            if not _BLOCKS.fullmatch(_normal(key)) or (_normal(key) == "pages" and not isinstance(block, Mapping)):
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
    """Whether at least one flag says that no page follows, and no flag says that a page follows."""
    flags = [
        _truth(value) is (_END.fullmatch(name) is not None)
        for name, (_, value) in keys.items()
        if _truth(value) is not None and (_MORE.fullmatch(name) or _END.fullmatch(name))
    ]
    return bool(flags) and all(flags) and _flag(keys) is None


def _flag(keys: _Keys) -> str | None:
    for name, (key, value) in keys.items():
        follows = _truth(value)
        if (follows is True and (_MORE.fullmatch(name) or _CUT.fullmatch(name))) or (
            follows is False and _END.fullmatch(name)
        ):
            return f"{key}: {str(follows).lower()}"
    return None


def _truth(value: object) -> bool | None:
    """The value of a flag, which some APIs write as a text; None if it is not a flag."""
    return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).lower())


def _pointer(keys: _Keys) -> str | None:
    for name, (key, value) in keys.items():
        if _is_pointer(name, value):
            return key
    return None


def _is_pointer(name: str, value: Any) -> bool:
    """Whether a key leads to the next page. An `offset` leads there if its value is a text but not a number, as in
    Airtable.
    """
    if name == "offset":
        return isinstance(value, str) and _PLACE.fullmatch(value) is not None
    return _NEXT.fullmatch(name) is not None and _leads(value)


def _leads(value: Any) -> bool:
    """Whether the value of a pointer leads somewhere: `{"href": null, "templated": false}` does not."""
    if isinstance(value, Mapping | list):
        inner = value.values() if isinstance(value, Mapping) else value
        return any(_leads(part) for part in inner if not isinstance(part, bool))
    return value not in (None, "", 0, False)


def _cursor(keys: _Keys, name: str, *, is_led: bool) -> str | None:
    """The sign in a cursor whose name does not say whether the cursor leads to the next page. Some APIs repeat the
    cursor of the request under such a name. Such a cursor therefore counts only on the first page, and a flag takes
    precedence. Graph APIs give `cursors.after` even if no page follows (developers.facebook.com "Paginated Results").
    `cursors.after` therefore counts only if the measure follows no pages.
    """
    holder = _normal(name.rstrip(".").rpartition(".")[2])
    names = ["cursor"] if is_led else ["cursor", "aftercursor", "afterurl"]
    if not is_led and holder in ("cursor", "cursors", "page"):
        names.append("after")
    for normal in names:
        key, value = keys.get(normal, ("", None))
        if isinstance(value, str | int) and _leads(value):
            return key
    return None


def _page_before_last(keys: _Keys, pages: int) -> str | None:
    given = _first(keys, _PAGE)
    reached = pages if given is None else max(given, pages)
    for name, (key, value) in keys.items():
        last = _whole(value)
        if last is None:
            continue
        if (_PAGES.fullmatch(name) and last > reached) or (
            _LAST_PAGE.fullmatch(name) and last > (reached if given is None else given)
        ):
            return f"{key}: {last}, and this is page {pages if given is None else given}"
    return None


def _counted(keys: _Keys, rows: Any, rows_before: int) -> str | None:
    if not isinstance(rows, list):
        return None
    before = rows_before or _first(keys, _OFFSET) or 0
    for name, (key, value) in keys.items():
        total = _whole(value.get("value") if isinstance(value, Mapping) else value)  # Elasticsearch: {value, relation}
        if _TOTAL.fullmatch(name) and total is not None and total > before + len(rows) and not _is_sum(total, rows):
            return f"{key}: {total}, and {before + len(rows)} came"
    return None


def _first(keys: _Keys, pattern: re.Pattern[str]) -> int | None:
    numbers = (_whole(value) for name, (_, value) in keys.items() if pattern.fullmatch(name))
    return next((number for number in numbers if number is not None), None)


def _whole(value: object) -> int | None:
    """The value of a whole number, which some APIs write as a text; None if it is not a whole number."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,15}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_sum(total: int, rows: Sequence[Any]) -> bool:
    """Whether a total is the sum of a column instead of the number of rows."""
    columns: dict[str | int, float] = {}
    for row in rows:
        pairs = row.items() if isinstance(row, Mapping) else enumerate(row) if isinstance(row, list) else ()
        for key, value in pairs:
            if isinstance(value, int | float) and not isinstance(value, bool):
                columns[key] = columns.get(key, 0) + value
    return any(abs(total - number) < 0.5 for number in columns.values())


def _normal(key: str) -> str:
    return re.sub(r"[^a-z]", "", key.lower())
