"""Entity tags: if a document has not changed since a program last requested it, the response is 304 without a body.

Tags are weak: they ignore what changes with time alone, which is the document's time and small changes of the expected
score.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from syncd.config.advised_commands import document_for_workspace
from syncd.web.places import place_of

_HEADERS = {"Cache-Control": "no-cache, private"}  # a cached answer must be checked with the server each time
_MOVED_BY_THE_CLOCK = ("expected", "needed_per_week")


def json_answer(request: Request, document: Mapping[str, Any]) -> Response:
    """The document, or 304 if the request's `If-None-Match` contains the document's tag."""
    headers = {**_HEADERS, "ETag": entity_tag(document)}
    if _names(request.headers.getlist("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    content = orjson.dumps(document_for_workspace(document, place_of(request.scope).workspace))
    return Response(content, headers=headers, media_type="application/json")


def entity_tag(document: Mapping[str, Any]) -> str:
    """The weak tag of a document."""
    return f'W/"{blake2b(orjson.dumps(_without_moment(document)), digest_size=12).hexdigest()}"'


def _without_moment(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without its time, and its guard without the guard's time."""
    kept = {key: _without_steps(key, part) for key, part in document.items() if key not in ("as_of", "guard")}
    return kept | {"guard": _without_moment(document["guard"])} if document.get("guard") else kept


def _without_steps(key: str, part: Any) -> Any:
    """A part of a document. Numbers that change each second are rounded to three significant digits."""
    if isinstance(part, float) and key in _MOVED_BY_THE_CLOCK:
        return f"{part:.3g}"
    if isinstance(part, list):
        return [_without_steps(key, each) for each in part]
    if isinstance(part, dict):
        return {name: _without_steps(name, each) for name, each in part.items()}
    return part


def _names(headers: list[str], tag: str) -> bool:
    tags = [each.strip().removeprefix("W/") for header in headers for each in header.split(",")]
    return "*" in tags or tag.removeprefix("W/") in tags
