"""Answers to requests that fail: a page for a browser, a line of text or JSON for a program."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked
from syncd.web.errors import error_answer, is_api
from syncd.web.pages import frame_of, render
from syncd.web.places import place_of
from syncd.web.typed import typed_of
from syncd.web.visitors import is_anonymous

_HINTS = {
    404: marked("Check the address. An objective or key result that left the mapping files has no page any more."),
    500: marked("This is an error in syncd. The log of the service has the details; please report them."),
    503: marked("Reload this page once the ledger answers again. The log of the service has the details."),
}
_FOR_PEOPLE = {
    "Not Found": marked("there is no such page"),
    "Method Not Allowed": marked("this address takes no such request"),
    "Internal Server Error": marked("syncd could not make this page"),
}
"""The sentences that pages show in place of HTTP's names of statuses."""


def refused(request: Request, error: Exception) -> Response:
    """Answers a request for something that does not exist, or that is not allowed."""
    assert isinstance(error, HTTPException)
    return _answer(request, error.status_code, error.detail, error.headers)


def unreadable(request: Request, error: Exception) -> Response:
    """Answers while the ledger cannot be read; a probe without a login gets only the status."""
    if is_anonymous(request):
        return PlainTextResponse("", 503)
    return _answer(request, 503, str(error))


def failed(request: Request, _error: Exception) -> Response:
    """Answers after an unexpected error, which the server logs."""
    return _answer(request, 500, "Internal Server Error")


def _answer(request: Request, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    if is_api(request.scope) or "text/html" not in request.headers.get("accept", ""):
        return error_answer(request.scope, status, _for_programs(request, sentence, headers or {}), headers)
    text = _(_FOR_PEOPLE[sentence]) if sentence in _FOR_PEOPLE else sentence
    what, _separator, next_step = text.partition("; ")
    hint = _as_sentence(next_step)
    if not next_step:
        hint = _(_HINTS[status]) if status in _HINTS else ""
    place = place_of(request.scope)
    about = {"status": status, "sentence": _as_sentence(what), "hint": hint, "typed": typed_of(request)}
    page = render("problem.html", **frame_of(place), **about)
    return HTMLResponse(page, status, headers)


def _for_programs(request: Request, sentence: str, headers: Mapping[str, str]) -> str:
    """The sentence, or the meaning of an HTTP status if the sentence is only its name."""
    path, root = request.scope["path"][:100], place_of(request.scope).root
    match sentence:
        case "Not Found":
            listed = f"{root}/api/openapi.json lists every address"
            return f"nothing is at {path}; {listed if is_api(request.scope) else f'the dashboard is at {root}/'}"
        case "Method Not Allowed":
            return f"{path} does not take {request.method[:20]}; it takes {headers.get('Allow', 'another method')}"
        case "Internal Server Error":
            return "this is an error in syncd; please report it with what the log of the service has of it"
    return sentence


def _as_sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
