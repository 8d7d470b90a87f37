"""How an error is answered: under `/api/` as JSON with one key, `error`; elsewhere as a line of text."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from typing_extensions import TypedDict

JSON = "application/json"


class ErrorDocument(TypedDict):
    """Why a request was not answered as asked."""

    error: str
    """A sentence that says what is wrong, and what to write or do instead."""


def is_api(path: str) -> bool:
    """Whether an address is for programs."""
    return path.startswith("/api/")


def error_answer(path: str, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request for this path that ends with an error."""
    if is_api(path):
        document: ErrorDocument = {"error": sentence}
        return Response(orjson.dumps(document), status, headers, JSON)
    return PlainTextResponse(f"{sentence}\n", status, headers)


def refused(request: Request, error: Exception) -> Response:
    """The answer to a request that is wrong, or that asks for something that does not exist."""
    assert isinstance(error, HTTPException)
    sentence = error.detail
    if sentence == HTTPStatus(error.status_code).phrase:  # Starlette's own words
        sentence = _sentence(request, error.headers or {})
    return error_answer(request.url.path, error.status_code, sentence, error.headers)


def _sentence(request: Request, headers: Mapping[str, str]) -> str:
    """What to say of an address that no route takes, or not with this method."""
    path = request.url.path[:100]
    if "Allow" in headers:
        return f"{path} does not take {request.method[:20]}; it takes {headers['Allow']}"
    return f"nothing is at {path}; {'/api/ lists every address' if is_api(path) else 'the dashboard is at /'}"


def broken(request: Request, _: Exception) -> Response:
    """The answer to a request that ran into a bug; the server logs the traceback."""
    return error_answer(request.url.path, 500, "syncd has a bug here; please report it with the traceback in the log")
