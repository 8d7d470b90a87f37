"""Errors for programs: under `/api/` JSON with one key, `error`; elsewhere a line of text."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
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
