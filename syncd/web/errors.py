"""Errors for programs: under `/api/`, JSON with one key, `error`; at other addresses, a line of text."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope
from typing_extensions import TypedDict

from syncd.config.advised_commands import for_workspace
from syncd.web.places import path_within, place_of

JSON = "application/json"


class ErrorDocument(TypedDict):
    """The reason why a request failed."""

    error: str
    """A sentence that says what is wrong, and what to write or do instead."""


def is_api(scope: Scope) -> bool:
    """Whether a request is for an address of the API."""
    return path_within(scope).startswith("/api/")


def error_answer(scope: Scope, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request that ends with an error."""
    sentence = for_workspace(sentence, place_of(scope).workspace)
    if is_api(scope):
        document: ErrorDocument = {"error": sentence}
        return Response(orjson.dumps(document), status, headers, JSON)
    return PlainTextResponse(f"{sentence}\n", status, headers)
