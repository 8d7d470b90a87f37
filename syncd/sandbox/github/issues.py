"""Answers requests to the addresses below a repository's `/issues`, which read or write an issue or pull request, its
comments and its labels.

Shapes, statuses and parameters follow GitHub's OpenAPI description. An edit sets the title, body and labels, and
ignores all other fields, as GitHub ignores unknown fields.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from syncd.sandbox.github import item_rows
from syncd.sandbox.github.answers import error, moved, ok, page
from syncd.sandbox.github.code import Comment, Item, Repo
from syncd.sandbox.github.code_host import CodeHost
from syncd.sandbox.http import Request, Response, compact_json

LONGEST = 65_536
"""The most characters in a text."""


class Issues:
    """Answers one request. The caller must have checked the request's permissions. `author` is the login that
    writes.
    """

    def __init__(self, request: Request, host: CodeHost, repo: Repo, author: str) -> None:
        self._request = request
        self._host = host
        self._repo = repo
        self._author = author

    def answer(self, path: list[str]) -> Response:
        """`path` holds the parts that follow `/issues`, at least one."""
        if self._request.method != "GET" and self._repo.archived:
            return error(403, "Repository was archived so is read-only.")
        item: Item | None
        comment: Comment | None = None
        match path:
            case ["comments", id] if id.isdigit():
                try:
                    item, comment = self._host.comment(self._repo.full_name, int(id))
                except KeyError:
                    return error(404, "Not Found")
            case [number, *rest] if number.isdigit():
                if int(number) in self._repo.transferred:
                    new_repo, new_number = self._repo.transferred[int(number)]
                    address = "/".join([f"{self._request.base}/repositories/{new_repo}/issues/{new_number}", *rest])
                    return moved(self._request, address)
                if int(number) in self._repo.deleted:
                    return error(410, "This issue was deleted")
                item = self._repo.items.get(int(number))
            case _:
                return error(404, "Not Found")
        if item is None:
            return error(404, "Not Found")
        try:
            return self._route(item, comment, path[1:])
        except ValueError:
            return error(400, "Problems parsing JSON")

    def _route(self, item: Item, comment: Comment | None, rest: list[str]) -> Response:
        method = self._request.method
        if comment is not None:
            if method == "GET":
                return self._ok(item_rows.comment_row(self._repo, item, comment))
            return self._edit_comment(item, comment) if method == "PATCH" else error(404, "Not Found")
        match method, rest:
            case "GET", []:
                return self._ok(item_rows.issue_row(self._repo, item))
            case "PATCH", []:
                return self._edit(item)
            case "GET", ["comments"]:
                return self._comments(item)
            case "POST", ["comments"]:
                return self._add_comment(item)
            case "GET", ["labels"]:
                return self._labels(item)
            case "POST" | "PUT", ["labels"]:
                return self._set_labels(item, keep=method == "POST")
            case "DELETE", ["labels"]:
                self._host.edit_item(self._repo.full_name, item.number, labels=())
                return Response(204)
            case "DELETE", ["labels", *name] if name:
                return self._unlabel(item, unquote("/".join(name)))
        return error(404, "Not Found")

    # -- the issue

    def _edit(self, item: Item) -> Response:
        body = self._object()
        if body is None:
            return error(400, "Body should be a JSON object")
        changes: dict[str, Any] = {}
        if body.get("title") is not None:
            changes["title"] = str(body["title"])
            if not changes["title"].strip():
                return _invalid("Issue", "missing_field", "title")
        if "body" in body:
            text = body["body"] or ""
            if refusal := _text_refusal("Issue", text):
                return refusal
            changes["body"] = text
        if "labels" in body:
            changes["labels"] = _names(body["labels"])
            if changes["labels"] is None:
                return _invalid("Issue", "invalid", "labels")
        if changes:
            self._host.edit_item(self._repo.full_name, item.number, **changes)
        return self._ok(item_rows.issue_row(self._repo, item))

    # -- comments

    def _comments(self, item: Item) -> Response:
        """The comments, oldest first; with `since`, only comments edited since then."""
        try:
            since = self._request.time_param("since")
        except ValueError:
            return _invalid("IssueComment", "invalid", "since")
        comments = [comment for comment in item.comments if since is None or comment.updated_at >= since]
        return page(
            self._request,
            comments,
            lambda comment: compact_json(item_rows.comment_row(self._repo, item, comment)),
            f"{self._address(item)}/comments",
        )

    def _add_comment(self, item: Item) -> Response:
        text = (self._object() or {}).get("body")
        if refusal := _text_refusal("IssueComment", text):
            return refusal
        comment = self._host.add_comment(self._repo.full_name, item.number, str(text), author=self._author)
        return self._ok(item_rows.comment_row(self._repo, item, comment), 201)

    def _edit_comment(self, item: Item, comment: Comment) -> Response:
        text = (self._object() or {}).get("body")
        if refusal := _text_refusal("IssueComment", text):
            return refusal
        self._host.edit_comment(self._repo.full_name, comment.id, str(text))
        return self._ok(item_rows.comment_row(self._repo, item, comment))

    # -- labels

    def _labels(self, item: Item) -> Response:
        return page(
            self._request,
            item.labels,
            lambda name: compact_json(item_rows.label_row(self._repo, name)),
            f"{self._address(item)}/labels",
        )

    def _set_labels(self, item: Item, *, keep: bool) -> Response:
        """Replaces the labels, or with `keep` adds labels. The body is a list of names, or an object with the list."""
        body = self._request.json()
        names = _names(body.get("labels", []) if isinstance(body, dict) else body)
        if names is None:
            return _invalid("Label", "invalid", "name")
        wanted = [*item.labels, *names] if keep else names
        self._host.edit_item(self._repo.full_name, item.number, labels=wanted)
        return self._ok([item_rows.label_row(self._repo, name) for name in item.labels])

    def _unlabel(self, item: Item, name: str) -> Response:
        label = next((label for label in item.labels if label.lower() == name.lower()), None)
        if label is None:
            return error(404, "Label does not exist")
        self._host.unlabel(self._repo.full_name, item.number, label)
        return self._ok([item_rows.label_row(self._repo, label) for label in item.labels])

    # -- helpers of the methods

    def _ok(self, row: Any, status: int = 200) -> Response:
        return ok(self._request, row, self._host, self._repo, status)

    def _object(self) -> dict[str, Any] | None:
        body = self._request.json()
        return body if isinstance(body, dict) else None

    def _address(self, item: Item) -> str:
        return f"{self._request.base}/repositories/{self._repo.id}/issues/{item.number}"


def _names(labels: Any) -> list[str] | None:
    if not isinstance(labels, list):
        return None
    names: list[Any] = [label.get("name") if isinstance(label, dict) else label for label in labels]
    return names if all(isinstance(name, str) and 0 < len(name) <= 50 for name in names) else None


def _text_refusal(resource: str, text: Any) -> Response | None:
    """A response 422 if `text` is missing, not a text, too long, or a blank comment; else None."""
    if text is None:
        return error(422, 'Invalid request.\n\n"body" wasn\'t supplied.')
    if not isinstance(text, str):
        return error(422, f"Invalid request.\n\nFor 'properties/body', {text!r} is not a string.")
    if resource == "IssueComment" and not text.strip():
        return _invalid(resource, "unprocessable", "data", message="Body cannot be blank")
    if len(text) > LONGEST:
        return _invalid(resource, "custom", "body", message=f"body is too long (maximum is {LONGEST} characters)")
    return None


def _invalid(resource: str, code: str, field: str, **more: str) -> Response:
    return error(422, "Validation Failed", errors=[{"resource": resource, "code": code, "field": field, **more}])
