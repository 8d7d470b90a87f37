"""Responses that refuse a request: a page for people, JSON under `/api/`, both with a sentence that says what to do."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from syncd.sdk.language import gettext as _
from syncd.web.attempts import TooManyAttempts
from syncd.web.errors import error_answer, is_api
from syncd.web.pages import render
from syncd.web.places import place_of
from syncd.web.typed import typed_of

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""The HTTP methods that change no data."""


def refusal(request: Request, status: int, sentence: str, template: str = "refused.html", **data: Any) -> Response:
    """The answer to a request that is refused: the page of a template, which gets the sentence, or JSON."""
    answer: Response
    if is_api(request.scope):
        answer = error_answer(request.scope, status, sentence)
    else:
        about = {"sentence": sentence, "again": None, "place": place_of(request.scope), "typed": typed_of(request)}
        page = render(template, **about | data)
        answer = HTMLResponse(page, status_code=status)
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def refused_attempt(request: Request, many: TooManyAttempts) -> Response:
    """The answer to a login attempt after too many attempts of the same address."""
    return has_to_wait(refusal(request, 429, sentence_of(many)), many)


def sentence_of(many: TooManyAttempts) -> str:
    """The sentence for a visitor who has to wait."""
    return _("too many attempts; try again in %(seconds)s s", seconds=many.seconds)


def has_to_wait(answer: Response, many: TooManyAttempts) -> Response:
    """The answer, with the time to wait in its headers."""
    answer.headers["Retry-After"] = str(many.seconds)
    return answer
