"""What stands under a repository's `/issues`: one issue or pull request, its comments and its labels, read and written.

Shapes, statuses and parameters are those of GitHub's OpenAPI description; of an edit's fields title, body and labels
count here, and the rest is passed over as GitHub passes over what it does not know.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import unquote

from syncd.sandbox.github import item_rows as rows
from syncd.sandbox.github.answers import error, moved, ok, page
from syncd.sandbox.github.code import Comment, Item, Repo
from syncd.sandbox.github.code_host import CodeHost
from syncd.sandbox.github.repo_rows import to_bytes
from syncd.sandbox.http import Answer, Asked

LONGEST = 65_536
"""Characters that a text may have."""


class Issues:
    """For one request that may do what it asks; what it writes is `author`'s."""

    def __init__(self, asked: Asked, code: CodeHost, repo: Repo, author: str) -> None:
        self._asked = asked
        self._code = code
        self._repo = repo
        self._author = author

    def answer(self, path: list[str]) -> Answer:
        """`path` is what follows `/issues`: not empty."""
        if self._asked.method != "GET" and self._repo.archived:
            return error(403, "Repository was archived so is read-only.")
        item: Item | None
        comment: Comment | None = None
        match path:
            case ["comments", id] if id.isdigit():
                try:
                    item, comment = self._code.comment(self._repo.full_name, int(id))
                except KeyError:
                    return error(404, "Not Found")
            case [number, *rest] if number.isdigit():
                if int(number) in self._repo.transferred:
                    target, there = self._repo.transferred[int(number)]
                    address = "/".join([f"{self._asked.base}/repositories/{target}/issues/{there}", *rest])
                    return moved(self._asked, address)
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

    def _route(self, item: Item, comment: Comment | None, rest: list[str]) -> Answer:
        method = self._asked.method
        if comment is not None:
            if method == "GET":
                return self._ok(rows.comment_row(self._repo, item, comment))
            return self._edit_comment(item, comment) if method == "PATCH" else error(404, "Not Found")
        match method, rest:
            case "GET", []:
                return self._ok(rows.issue_row(self._repo, item))
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
                self._code.edit_item(self._repo.full_name, item.number, labels=())
                return Answer(204)
            case "DELETE", ["labels", *name] if name:
                return self._unlabel(item, unquote("/".join(name)))
        return error(404, "Not Found")

    # -- the issue

    def _edit(self, item: Item) -> Answer:
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
            if refusal := _unfit("Issue", text):
                return refusal
            changes["body"] = text
        if "labels" in body:
            changes["labels"] = _names(body["labels"])
            if changes["labels"] is None:
                return _invalid("Issue", "invalid", "labels")
        if changes:
            self._code.edit_item(self._repo.full_name, item.number, **changes)
        return self._ok(rows.issue_row(self._repo, item))

    # -- comments

    def _comments(self, item: Item) -> Answer:
        """The oldest first; `since` is about their last edit."""
        try:
            text = self._asked.param("since").replace(" ", "+")
            since = datetime.fromisoformat(text) if text else None
        except ValueError:
            return _invalid("IssueComment", "invalid", "since")
        found = [one for one in item.comments if since is None or one.updated_at >= since]
        made = [to_bytes(rows.comment_row(self._repo, item, one)) for one in found]
        return page(self._asked, made, f"{self._address(item)}/comments")

    def _add_comment(self, item: Item) -> Answer:
        text = (self._object() or {}).get("body")
        if refusal := _unfit("IssueComment", text):
            return refusal
        comment = self._code.add_comment(self._repo.full_name, item.number, str(text), author=self._author)
        return self._ok(rows.comment_row(self._repo, item, comment), 201)

    def _edit_comment(self, item: Item, comment: Comment) -> Answer:
        text = (self._object() or {}).get("body")
        if refusal := _unfit("IssueComment", text):
            return refusal
        self._code.edit_comment(self._repo.full_name, comment.id, str(text))
        return self._ok(rows.comment_row(self._repo, item, comment))

    # -- labels

    def _labels(self, item: Item) -> Answer:
        made = [to_bytes(rows.label_row(self._repo, name)) for name in item.labels]
        return page(self._asked, made, f"{self._address(item)}/labels")

    def _set_labels(self, item: Item, *, keep: bool) -> Answer:
        """All of them, or with `keep` more of them: a list of names, or an object that holds it."""
        body = self._asked.json()
        names = _names(body.get("labels", []) if isinstance(body, dict) else body)
        if names is None:
            return _invalid("Label", "invalid", "name")
        wanted = [*item.labels, *names] if keep else names
        self._code.edit_item(self._repo.full_name, item.number, labels=wanted)
        return self._ok([rows.label_row(self._repo, name) for name in item.labels])

    def _unlabel(self, item: Item, name: str) -> Answer:
        found = [one for one in item.labels if one.lower() == name.lower()]
        if not found:
            return error(404, "Label does not exist")
        self._code.unlabel(self._repo.full_name, item.number, found[0])
        return self._ok([rows.label_row(self._repo, one) for one in item.labels])

    # -- what they share

    def _ok(self, row: Any, status: int = 200) -> Answer:
        return ok(self._asked, row, self._code, self._repo, status)

    def _object(self) -> dict[str, Any] | None:
        body = self._asked.json()
        return body if isinstance(body, dict) else None

    def _address(self, item: Item) -> str:
        return f"{self._asked.base}/repositories/{self._repo.id}/issues/{item.number}"


def _names(labels: Any) -> list[str] | None:
    """From names, or objects that have one; None if something else is among them or a name is too long."""
    if not isinstance(labels, list):
        return None
    names: list[Any] = [label.get("name") if isinstance(label, dict) else label for label in labels]
    return names if all(isinstance(name, str) and 0 < len(name) <= 50 for name in names) else None


def _unfit(resource: str, text: Any) -> Answer | None:
    """422 for what is no text, too long or, as a comment, blank."""
    if text is None:
        return error(422, 'Invalid request.\n\n"body" wasn\'t supplied.')
    if not isinstance(text, str):
        return error(422, f"Invalid request.\n\nFor 'properties/body', {text!r} is not a string.")
    if resource == "IssueComment" and not text.strip():
        return _invalid(resource, "unprocessable", "data", message="Body cannot be blank")
    if len(text) > LONGEST:
        return _invalid(resource, "custom", "body", message=f"body is too long (maximum is {LONGEST} characters)")
    return None


def _invalid(resource: str, code: str, field: str, **more: str) -> Answer:
    return error(422, "Validation Failed", errors=[{"resource": resource, "code": code, "field": field, **more}])
