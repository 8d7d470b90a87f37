"""Google Sheets' API v4: checks the rights of a credential, and calls the requested method."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from syncd.sandbox.credentials import Credentials
from syncd.sandbox.http import Request, Response, json_response
from syncd.sandbox.sheets import reads, writes
from syncd.sandbox.sheets.workbook import Spreadsheet, Workbooks

Method = Callable[[Request, Spreadsheet], dict[str, Any]]

_PATH = re.compile(r"/v4/spreadsheets/(?P<id>[^/:]+)(?P<rest>[/:].*)?")
_SCOPES = "https://www.googleapis.com/auth/"
_WRITING = frozenset(_SCOPES + name for name in ("spreadsheets", "drive", "drive.file"))
_READING = _WRITING | {_SCOPES + name for name in ("spreadsheets.readonly", "drive.readonly")}
_EXPECTED = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_UNREGISTERED = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
    "form of API consumer identity to call this API."
)


class Sheets:
    """The API. An access token can read spreadsheets that are public or shared with its account. An API key can read
    only public spreadsheets.

    To write, a token needs a scope for writing, and its account must be an editor of the spreadsheet.
    """

    def __init__(self, books: Workbooks, credentials: Credentials) -> None:
        self._books = books
        self._credentials = credentials

    def __call__(self, request: Request) -> Response:
        """Checks the credential, then reads or writes. The errors are Google's own."""
        token, key = request.bearer(), request.headers.get("x-goog-api-key") or request.param("key")
        scopes = None if token is None else self._credentials.google_scopes(token)
        if token is not None and scopes is None:
            return _error(401, "UNAUTHENTICATED", f"Request had invalid authentication credentials. {_EXPECTED}")
        if token is None and not key:
            return _error(403, "PERMISSION_DENIED", _UNREGISTERED)
        if token is None and key != self._credentials.google_api_key:
            return _error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
        path = _PATH.fullmatch(request.path)
        named_method = _method(request.method, path["rest"] or "") if path else None
        if path is None or named_method is None:
            return Response(404, b"<html><title>Error 404 (Not Found)!!1</title></html>", {"Content-Type": "text/html"})
        name, method = named_method
        writing = request.method != "GET"
        if scopes is None and writing:
            # Google's error for a write with an API key: theoephraim/node-google-spreadsheet#331.
            missing = f"Request is missing required authentication credential. {_EXPECTED}"
            return _error(401, "UNAUTHENTICATED", missing)
        if scopes is not None and not scopes & (_WRITING if writing else _READING):
            return _insufficient(name)
        with self._books.lock:
            book = self._books.spreadsheets.get(unquote(path["id"]))
            if book is None:
                return _error(404, "NOT_FOUND", "Requested entity was not found.")
            readable = book.public or (token is not None and book.shared)
            if not readable or (writing and not (book.shared and book.editable)):
                return _error(403, "PERMISSION_DENIED", "The caller does not have permission")
            if writing and self._books.before_next_write is not None:
                meanwhile, self._books.before_next_write = self._books.before_next_write, None
                meanwhile()
            try:
                response = json_response(method(request, book))
            except json.JSONDecodeError as error:
                return _error(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {error.msg}")
            except ValueError as error:
                return _error(400, "INVALID_ARGUMENT", str(error))
            if writing:
                self._books.clock.tick()
            return response


def _method(verb: str, rest: str) -> tuple[str, Method] | None:
    """Google's name of a method, and the function for the method; None if there is none. `verb` is the HTTP method, and
    `rest` the path after the spreadsheet's id.
    """
    text = unquote(rest.removeprefix("/values/"))
    match verb, rest:
        case "GET", "":
            return "GetSpreadsheet", reads.spreadsheet
        case "GET", "/values:batchGet":
            return "BatchGetValues", reads.batch_get_values
        case "POST", ":batchUpdate":
            return "BatchUpdateSpreadsheet", lambda request, book: writes.batch_update(book, request.json())
        case "POST", "/values:batchUpdate":
            return "BatchUpdateValues", lambda request, book: writes.batch_update_values(book, request.json())
        case "GET", _ if rest.startswith("/values/"):
            return "GetValues", lambda request, book: reads.get_values(request, book, text)
        case "PUT", _ if rest.startswith("/values/"):
            return "UpdateValues", lambda request, book: writes.update_values(request, book, text)
        case "POST", _ if rest.startswith("/values/") and rest.endswith(":append"):
            cells = text.removesuffix(":append")
            return "AppendValues", lambda request, book: writes.append_values(request, book, cells)
    return None


def _insufficient(method: str) -> Response:
    service = {"service": "sheets.googleapis.com", "method": f"google.apps.sheets.v4.SpreadsheetsService.{method}"}
    reason = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": service,
    }
    return _error(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.", details=[reason])


def _error(code: int, status: str, message: str, **more: Any) -> Response:
    return json_response({"error": {"code": code, "message": message, "status": status, **more}}, code)
