"""Makes GitHub's responses: rows with filled placeholders, pages with links, redirects, errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from syncd.sandbox.github import item_rows
from syncd.sandbox.github.code import Repo
from syncd.sandbox.github.code_host import CodeHost
from syncd.sandbox.http import JSON, Request, Response, compact_json, json_response

DOCS = "https://docs.github.com/rest"

T = TypeVar("T")


def ok(request: Request, row: Any, host: CodeHost, repo: Repo | None = None, status: int = 200) -> Response:
    """A response with a row, or with a short list of rows."""
    body = item_rows.filled(compact_json(row), request.base, repo, host.user(repo.owner) if repo else None)
    return Response(status, body, {"Content-Type": JSON})


def page(
    request: Request,
    listed: Sequence[T],
    row: Callable[[T], bytes],
    address: str,
    repo: Repo | None = None,
    host: CodeHost | None = None,
    within: tuple[str, int] | None = None,
) -> Response:
    """One page of a list, with its RFC 5988 links; `row` makes each row's JSON. The links lead to `address`.

    As on GitHub, `address` names a repository by its id. If the list is inside an object, `within` has the list's key
    in the object, and the number of all rows, which the object also contains.
    """
    size = min(_positive(request.param("per_page"), 30), 100)
    number = _positive(request.param("page"), 1)
    last = max(1, -(-len(listed) // size))
    part = listed[(number - 1) * size : number * size]
    body = b"[" + b",".join(map(row, part)) + b"]"
    if within is not None:
        body = b'{"total_count":%d,"%s":' % (within[1], within[0].encode()) + body + b"}"
    body = item_rows.filled(body, request.base, repo, host.user(repo.owner) if host and repo else None)
    targets = {}
    if number > 1:
        targets["prev"] = min(number - 1, last)
    if number < last:
        targets |= {"next": number + 1, "last": last}
    if number > 1:
        targets["first"] = 1
    rest = [pair for pair in parse_qsl(request.query, keep_blank_values=True) if pair[0] != "page"]
    links = [f'<{address}?{urlencode([*rest, ("page", target)])}>; rel="{name}"' for name, target in targets.items()]
    headers = {"Content-Type": JSON}
    return Response(200, body, headers | ({"Link": ", ".join(links)} if links else {}))


def _positive(text: str, default: int) -> int:
    return int(text) if text.isdigit() and int(text) > 0 else default


def moved(request: Request, address: str) -> Response:
    """A redirect that keeps the query, as on GitHub: 301 for a GET, and 307 for other methods, because 307 keeps the
    method.
    """
    target = address + (f"?{request.query}" if request.query else "")
    body = {"message": "Moved Permanently", "url": target, "documentation_url": f"{DOCS}/guides/best-practices"}
    return json_response(body, 301 if request.method == "GET" else 307, {"Location": target})


def error(status: int, message: str, **more: Any) -> Response:
    """An error in GitHub's format."""
    return json_response({"message": message, **more, "documentation_url": DOCS, "status": str(status)}, status)
