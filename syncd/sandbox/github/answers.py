"""What GitHub's answers have in common: rows with their placeholders filled in, pages with links, redirects, errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from syncd.sandbox.github import item_rows as rows
from syncd.sandbox.github import repo_rows as repos
from syncd.sandbox.github.code import Repo
from syncd.sandbox.github.code_host import CodeHost
from syncd.sandbox.http import JSON, Answer, Asked, answer_json

DOCS = "https://docs.github.com/rest"


def ok(asked: Asked, row: Any, code: CodeHost, repo: Repo | None = None, status: int = 200) -> Answer:
    """A row, or a short list of them."""
    body = rows.filled(repos.to_bytes(row), asked.base, repo, code.user(repo.owner) if repo else None)
    return Answer(status, body, {"Content-Type": JSON})


def page(
    asked: Asked,
    found: Sequence[Any],
    address: str,
    repo: Repo | None = None,
    row: Callable[[Any], bytes] = lambda one: one,
    code: CodeHost | None = None,
) -> Answer:
    """One page of a list with its RFC 5988 links, whose addresses use the repository's id as GitHub's do."""
    size = _number(asked.param("per_page"), 30)
    size, at = min(size, 100), _number(asked.param("page"), 1)
    last = max(1, -(-len(found) // size))
    part = found[(at - 1) * size : at * size]
    body = b"[" + b",".join(row(one) for one in part) + b"]"
    body = rows.filled(body, asked.base, repo, code.user(repo.owner) if code and repo else None)
    targets = {}
    if at > 1:
        targets["prev"] = min(at - 1, last)
    if at < last:
        targets |= {"next": at + 1, "last": last}
    if at > 1:
        targets["first"] = 1
    rest = [pair for pair in parse_qsl(asked.query, keep_blank_values=True) if pair[0] != "page"]
    links = [f'<{address}?{urlencode([*rest, ("page", number)])}>; rel="{name}"' for name, number in targets.items()]
    headers = {"Content-Type": JSON}
    return Answer(200, body, headers | ({"Link": ", ".join(links)} if links else {}))


def _number(text: str, default: int) -> int:
    return int(text) if text.isdigit() and int(text) > 0 else default


def moved(asked: Asked, address: str) -> Answer:
    """The query stays on the Location, as it does on the real site; what is not a GET keeps its method by a 307."""
    target = address + (f"?{asked.query}" if asked.query else "")
    body = {"message": "Moved Permanently", "url": target, "documentation_url": f"{DOCS}/guides/best-practices"}
    return answer_json(body, 301 if asked.method == "GET" else 307, {"Location": target})


def error(status: int, message: str, **more: Any) -> Answer:
    """GitHub's shape of an error."""
    return answer_json({"message": message, **more, "documentation_url": DOCS, "status": str(status)}, status)
