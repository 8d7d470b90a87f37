"""Google Sheets' API v4: who may read or write what, and which method a request means."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from syncd.sandbox.credentials import Credentials
from syncd.sandbox.http import Answer, Asked, answer_json
from syncd.sandbox.sheets import reads as sheets_reads
from syncd.sandbox.sheets import writes as sheets_writes
from syncd.sandbox.sheets.workbook import Spreadsheet
from syncd.sandbox.world import World

Method = Callable[[Asked, Spreadsheet], dict[str, Any]]

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
    """An access token sees what is shared with its account and what is public; an API key what is public.

    Writing takes a token with a scope that allows it, and a spreadsheet whose editor its account is.
    """

    def __init__(self, world: World, credentials: Credentials) -> None:
        self._world = world
        self._credentials = credentials

    def __call__(self, asked: Asked) -> Answer:
        """Checks the credential, then reads or writes; Google's own error for what is wrong."""
        token, key = asked.bearer(), asked.headers.get("x-goog-api-key") or asked.param("key")
        scopes = None if token is None else self._credentials.google_scopes(token)
        if token is not None and scopes is None:
            return _error(401, "UNAUTHENTICATED", f"Request had invalid authentication credentials. {_EXPECTED}")
        if token is None and not key:
            return _error(403, "PERMISSION_DENIED", _UNREGISTERED)
        if token is None and key != self._credentials.google_api_key:
            return _error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
        found = _PATH.fullmatch(asked.path)
        named = _method(asked.method, found["rest"] or "") if found else None
        if found is None or named is None:
            return Answer(404, b"<html><title>Error 404 (Not Found)!!1</title></html>", {"Content-Type": "text/html"})
        name, method = named
        writes = asked.method != "GET"
        if scopes is None and writes:
            # What an API key earns: theoephraim/node-google-spreadsheet#331.
            missing = f"Request is missing required authentication credential. {_EXPECTED}"
            return _error(401, "UNAUTHENTICATED", missing)
        if scopes is not None and not scopes & (_WRITING if writes else _READING):
            return _insufficient(name)
        with self._world.lock:
            book = self._world.sheets.spreadsheets.get(unquote(found["id"]))
            if book is None:
                return _error(404, "NOT_FOUND", "Requested entity was not found.")
            readable = book.public or (token is not None and book.shared)
            if not readable or (writes and not (book.shared and book.editable)):
                return _error(403, "PERMISSION_DENIED", "The caller does not have permission")
            try:
                answer = answer_json(method(asked, book))
            except json.JSONDecodeError as error:
                return _error(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {error.msg}")
            except ValueError as error:
                return _error(400, "INVALID_ARGUMENT", str(error))
            if writes:
                self._world.clock.tick()
            return answer


def _method(verb: str, rest: str) -> tuple[str, Method] | None:
    """(its name in Google's service, what does it) for what follows the spreadsheet's id."""
    text = unquote(rest.removeprefix("/values/"))
    match verb, rest:
        case "GET", "":
            return "GetSpreadsheet", sheets_reads.spreadsheet
        case "GET", "/values:batchGet":
            return "BatchGetValues", _batch_get
        case "POST", ":batchUpdate":
            return "BatchUpdateSpreadsheet", lambda asked, book: sheets_writes.batch_update(book, asked.json())
        case "POST", "/values:batchUpdate":
            return "BatchUpdateValues", lambda asked, book: sheets_writes.batch_update_values(book, asked.json())
        case "GET", _ if rest.startswith("/values/"):
            return "GetValues", lambda asked, book: sheets_reads.asked_values(asked, book, text)
        case "PUT", _ if rest.startswith("/values/"):
            return "UpdateValues", lambda asked, book: sheets_writes.update_values(asked, book, text)
        case "POST", _ if rest.startswith("/values/") and rest.endswith(":append"):
            cells = text.removesuffix(":append")
            return "AppendValues", lambda asked, book: sheets_writes.append_values(asked, book, cells)
    return None


def _batch_get(asked: Asked, book: Spreadsheet) -> dict[str, Any]:
    ranges = [sheets_reads.asked_values(asked, book, text) for text in asked.params.get("ranges", [])]
    return {"spreadsheetId": book.id, "valueRanges": ranges}


def _insufficient(method: str) -> Answer:
    service = {"service": "sheets.googleapis.com", "method": f"google.apps.sheets.v4.SpreadsheetsService.{method}"}
    reason = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": service,
    }
    return _error(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.", details=[reason])


def _error(code: int, status: str, message: str, **more: Any) -> Answer:
    return answer_json({"error": {"code": code, "message": message, "status": status, **more}}, code)
