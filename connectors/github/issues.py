"""One issue over HTTP: its text, its labels and its comments. It asks for nothing but issues.

So a token that may read and write issues is enough. Sources: docs.github.com "REST API endpoints for issues",
"... for labels" and "... for issue comments", api version 2022-11-28.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from connectors.github.api import Api, NotThere, Refused
from connectors.github.rows import Comment, IssueText
from syncd.sdk import RetryLater, SourceBroken

T = TypeVar("T")


class _Written(BaseModel):
    """An answer that shows that it was GitHub who answered."""

    id: int


_TEXT, _WRITTEN, _LABELS = TypeAdapter(IssueText), TypeAdapter(_Written), TypeAdapter(list[Any])


class OneIssue:
    """`OWNER/NAME#NUMBER`. Each call is one request, but for a walk over comments."""

    def __init__(self, api: Api, name: str) -> None:
        self.name = name
        self.repo, _, number = name.partition("#")
        self._api = api
        self._path = f"/repos/{self.repo}/issues/{number}"

    def text(self) -> IssueText:
        """Its text and its labels."""
        return self._ask("GET", self._path, _TEXT)

    def comments(self) -> Iterator[Comment]:
        """Its comments, oldest first, page by page."""
        with self._explained("read"):
            for page in self._api.pages(f"{self._path}/comments", {}, "comments"):
                yield from page.rows or ()

    def set_text(self, body: str) -> None:
        """Replaces its text."""
        self._ask("PATCH", self._path, _WRITTEN, {"body": body})

    def add_label(self, name: str) -> None:
        """Adds a label; GitHub makes one that the repository does not have."""
        self._ask("POST", f"{self._path}/labels", _LABELS, {"labels": [name]})

    def remove_label(self, name: str) -> None:
        """Takes a label off; it may be off already."""
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
        """RetryLater where it is not GitHub's: then nobody knows what became of a write."""
        _, _, body = self._api.request(path, {}, method, content)
        try:
            return shape.validate_json(body)
        except ValidationError as error:
            raise RetryLater(f"its answer is not what GitHub documents: {error.errors()[0]['msg']}") from None

    @contextmanager
    def _explained(self, to: str) -> Iterator[None]:
        try:
            yield
        except Refused as error:
            raise SourceBroken(self._sentence(error, to)) from None

    def _sentence(self, error: Refused, to: str) -> str:
        """What is wrong, and with which issue."""
        match error.status, error.message.lower():
            case 403, said if "locked" in said:
                return f"{self.name} is locked, and the token may not write there; unlock it, or name another issue"
            case 403, said if "archived" in said:
                return f"{self.repo} is archived: nothing can be written there"
            case 403, _:
                return f"the token may not {to} issues of {self.repo} ({error.message})"
            case 404, _ if to == "write":
                return f"the token may not write issues of {self.repo}, or {self.name} was deleted just now"
            case 404, _:
                return f"{self.name} is not found, or the token may not see it"
            case 410, said if "disabled" in said:
                return f"{self.repo} has its issues disabled"
            case 410, _:
                return f"{self.name} was deleted"
            case 422, _:
                return f"GitHub does not accept what is to be written to {self.name} ({error.message})"
        return f"{self.name}: {error}"
