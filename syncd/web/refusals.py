"""Answers to those who may not: a page for people, JSON under `/api/`, and always a sentence that says what to do."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from syncd.web.errors import error_answer, is_api
from syncd.web.pages import render

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing."""


def refusal(request: Request, status: int, sentence: str, template: str = "refused.html", **data: Any) -> Response:
    """The answer to a request that is refused: the page of a template, which gets the sentence, or JSON."""
    answer: Response
    if is_api(request.url.path):
        answer = error_answer(request.url.path, status, sentence)
    else:
        page = render(template, **{"sentence": sentence, "again": None, **data})
        answer = HTMLResponse(page, status_code=status)
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer
