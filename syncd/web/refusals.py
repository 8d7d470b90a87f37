"""Answers to those who may not: a page for people, JSON under `/api/`, and always a sentence that says what to do."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from syncd.web.pages import render

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing."""


def as_json(data: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(data), status_code=status, media_type="application/json")


def refusal(request: Request, status: int, sentence: str, template: str = "refused.html", **data: Any) -> Response:
    """The answer to a request that is refused: the page of a template, which gets the sentence, or JSON."""
    if request.url.path.startswith("/api/"):
        answer = as_json({"error": sentence}, status)
    else:
        page = render(template, **{"sentence": sentence, "again": None, **data})
        answer = HTMLResponse(page, status_code=status)
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer
