"""Reads and writes an issue over HTTP: its text, its labels and its comments.

The permission to read and write issues is enough for all requests of this module. Sources: docs.github.com "REST API
endpoints for issues", "... for labels" and "... for issue comments", API version 2022-11-28.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from connectors.github.api import Api, NotThere, Refused, parsed
from connectors.github.rows import Comment, IssueText
from syncd.sdk import SourceBroken

T = TypeVar("T")


class _Written(BaseModel):
    """The part of the response to a write that proves that the response comes from GitHub."""

    id: int


_TEXT, _WRITTEN, _LABELS = TypeAdapter(IssueText), TypeAdapter(_Written), TypeAdapter(list[Any])


class IssueClient:
    """Reads and writes the issue `OWNER/NAME#NUMBER`. Each method makes one request, except `comments`, which makes one
    request for each page.
    """

    def __init__(self, api: Api, name: str) -> None:
        self.name = name
        self.repo, _, number = name.partition("#")
        self._api = api
        self._path = f"/repos/{self.repo}/issues/{number}"

    def text(self) -> IssueText:
        """The text and the labels."""
        return self._ask("GET", self._path, _TEXT)

    def comments(self) -> Iterator[Comment]:
        """The comments, oldest first, page by page."""
        with self._explained("read"):
            for page in self._api.pages(f"{self._path}/comments", {}, "comments"):
                yield from page.rows or ()

    def set_text(self, body: str) -> None:
        """Replaces the text of the issue."""
        self._ask("PATCH", self._path, _WRITTEN, {"body": body})

    def add_label(self, name: str) -> None:
        """Adds a label. GitHub creates it if the repository does not have it."""
        self._ask("POST", f"{self._path}/labels", _LABELS, {"labels": [name]})

    def remove_label(self, name: str) -> None:
        """Removes a label. A label that is gone already is no error."""
        with self._explained("write"), suppress(NotThere):
            self._answer("DELETE", f"{self._path}/labels/{quote(name, safe='')}", _LABELS)

    def add_comment(self, body: str) -> None:
        """Adds a comment."""
        self._ask("POST", f"{self._path}/comments", _WRITTEN, {"body": body})

    def set_comment(self, comment: Comment, body: str) -> None:
        """Replaces the text of a comment."""
        self._ask("PATCH", comment.path, _WRITTEN, {"body": body})

    def _ask(self, method: str, path: str, shape: TypeAdapter[T], content: Any = None) -> T:
        with self._explained("read" if method == "GET" else "write"):
            return self._answer(method, path, shape, content)

    def _answer(self, method: str, path: str, shape: TypeAdapter[T], content: Any = None) -> T:
        """Sends a request. Returns the response, parsed to this shape. Raises RetryLater if the response is not from
        GitHub; it is then unknown whether a write took effect.
        """
        _, _, body = self._api.request(path, {}, method, content)
        return parsed(shape, body)

    @contextmanager
    def _explained(self, action: str) -> Iterator[None]:
        """Turns a refusal into a message that names the issue and what to do; `action` is `read` or `write`."""
        try:
            yield
        except Refused as error:
            raise SourceBroken(self._explanation(error, action)) from None

    def _explanation(self, error: Refused, action: str) -> str:
        match error.status, error.message.lower():
            case 403, message if _says("locked", message):
                return f"{self.name} is locked, and the token may not write there; unlock it, or name another issue"
            case 403, message if _says("archived", message):
                return f"{self.repo} is archived: nothing can be written there"
            case 403, _:
                remedy = f"; {error.remedy}" if error.remedy else ""
                return f"the token may not {action} issues of {self.repo} ({error.message}){remedy}"
            case 404, _ if action == "write":
                return f"the token may not write issues of {self.repo}, or {self.name} was deleted just now"
            case 404, _:
                return f"{self.name} is not found, or the token may not see it"
            case 410, message if _says("disabled", message):
                return f"{self.repo} has its issues disabled"
            case 410, _:
                return f"{self.name} was deleted"
            case 422, _:
                return f"GitHub does not accept what is to be written to {self.name} ({error.message})"
        return f"{self.name}: {error}"


def _says(word: str, message: str) -> bool:
    """Whether a message contains this complete word: `User is blocked` does not contain `locked`."""
    return re.search(rf"\b{word}\b", message) is not None
