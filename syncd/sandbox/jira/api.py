"""Jira's REST API, Cloud and Data Center: searching, issues, comments, and what the client library asks before that."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from syncd.sandbox.credentials import Credentials
from syncd.sandbox.http import Answer, Asked, answer_json
from syncd.sandbox.jira import changelog, comments, edits, jql, rows
from syncd.sandbox.jira.jql_fields import Context, JqlError
from syncd.sandbox.jira.ticket import Ticket
from syncd.sandbox.jira.tickets import Tickets
from syncd.sandbox.world import World

RESULT_WINDOW = 10_000
"""Data Center refuses to page past this many results."""

_REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
_FORBIDDEN = "You do not have permission to edit issues in this project."
_NOTIFIES = "To discard the user notification either admin or project admin permissions are required."
_UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."


class Jira:
    """One site. `/rest/api/2` and, on Cloud, `/rest/api/3`."""

    def __init__(self, world: World, site: Tickets, credentials: Credentials) -> None:
        self._world = world
        self._site = site
        self._credentials = credentials
        self._results: dict[tuple[str, int, datetime], _Results] = {}

    def __call__(self, asked: Asked) -> Answer:
        """Checks version and credential, then routes."""
        match asked.path.strip("/").split("/"):
            case ["rest", "api", "2" | "3" | "latest" as version, *rest] if self._site.cloud or version != "3":
                pass
            case _:
                return _not_found()
        access = self._credentials.jira_access(asked.headers.get("authorization", ""), cloud=self._site.cloud)
        # A site tells everybody what it is; a wrong credential is refused even there.
        if access is None and (rest != ["serverInfo"] or "authorization" in asked.headers):
            return _unauthorized()
        with self._world.lock:
            try:
                return self._route(asked, rest, 3 if version == "3" else 2, may_write=access == "write")
            except JqlError as error:
                return _errors(400, str(error))
            except edits.NotEdited as error:
                return answer_json({"errorMessages": error.messages, "errors": error.errors}, 400)
            except json.JSONDecodeError:
                return _errors(400, "There was an error parsing JSON. Check that your request body is valid.")

    def _route(self, asked: Asked, rest: list[str], version: int, *, may_write: bool) -> Answer:
        cloud = self._site.cloud
        match asked.method, rest:
            case "GET", ["serverInfo"]:
                return answer_json(rows.server_info(self._site, asked.base, self._world.clock.now()))
            case "GET", ["myself"]:
                return answer_json(rows.myself(self._site, asked.base))
            case "GET", ["field"]:
                return answer_json(rows.fields(self._site))
            case "GET", ["status"]:
                return answer_json(changelog.statuses(asked.base))
            case "GET", ["project"]:
                return answer_json([rows.project(one, asked.base) for one in self._site.projects.values()])
            case "GET" | "POST", ["search"]:
                return (
                    answer_json({"errorMessages": [_REMOVED], "errors": {}}, 410)
                    if cloud
                    else self._search(asked, version)
                )
            case "GET" | "POST", ["search", "jql"] if cloud:
                return self._search_by_token(asked, version)
            case "POST", ["search", "approximate-count"] if cloud:
                return answer_json({"count": len(self._found(str(asked.json().get("jql", ""))).all())})
            case _, ["issue", key, *part]:
                try:
                    issue = self._site.get(key)
                except KeyError:
                    return _errors(404, "Issue does not exist or you do not have permission to see it.")
                if asked.method == "GET":
                    return self._issue(asked, issue, part, version, may_write=may_write)
                if version == 2:
                    return self._write(asked, issue, part) if may_write else _errors(403, _FORBIDDEN)
        return _not_found()

    def _write(self, asked: Asked, issue: Ticket, part: list[str]) -> Answer:
        """Version 2 alone, whose texts are plain. Nobody here is an administrator."""
        match asked.method, part:
            case "PUT", []:
                if asked.param("notifyUsers") == "false":
                    return _errors(403, _NOTIFIES)
                edits.edit(self._site, issue, asked.json())
                return Answer(204)
            case "POST", ["comment"]:
                return answer_json(comments.add(self._site, issue, asked), 201)
            case "PUT", ["comment", id]:
                comment = comments.find(issue, id)
                return answer_json(comments.edit(self._site, issue, comment, asked)) if comment else _no_comment(id)
        return _not_found()

    def _issue(self, asked: Asked, issue: Ticket, part: list[str], version: int, *, may_write: bool) -> Answer:
        """The issue itself or, by `part`, what stands under its address."""
        match part:
            case []:
                return self._whole(asked, issue, version, may_write=may_write)
            case ["changelog"] if self._site.cloud:
                return self._changelog(asked, issue)
            case ["editmeta"]:
                return answer_json(edits.editmeta(self._site, issue, asked.base, may_edit=may_write))
            case ["comment"]:
                return answer_json(comments.page(self._site, issue, asked, version))
            case ["comment", id]:
                comment = comments.find(issue, id)
                if comment is None:
                    return _no_comment(id)
                return answer_json(rows.comment(self._site, issue, comment, asked.base, version))
        return _not_found()

    def _whole(self, asked: Asked, issue: Ticket, version: int, *, may_write: bool) -> Answer:
        wanted = rows.wanted_fields(self._site, asked.param("fields") or "*all")
        row = self._row(asked, issue, wanted, version, asked.param("expand"))
        if "editmeta" in asked.param("expand").split(","):
            screen = answer_json(edits.editmeta(self._site, issue, asked.base, may_edit=may_write))
            row = row[:-1] + b',"editmeta":' + screen.body + b"}"
        return replace(answer_json({}), body=row)

    def _changelog(self, asked: Asked, issue: Ticket) -> Answer:
        start, size = int(asked.param("startAt", "0")), int(asked.param("maxResults", "100"))
        return answer_json(changelog.page(self._site, issue, asked.base, start, min(size, changelog.PAGE)))

    def _found(self, text: str) -> _Results:
        """What a query finds; kept until something changes, for its next pages."""
        now = self._world.clock.now()
        key = (text, self._site.version, now)
        found = self._results.get(key)
        if found is None:
            query = jql.parse(text, Context(self._site, now))
            if self._site.cloud and not query.bounded:
                raise JqlError(_UNBOUNDED)
            if len(self._results) > 200:
                self._results.clear()
            found = self._results[key] = _Results(query.find(self._site))
        return found

    def _search_by_token(self, asked: Asked, version: int) -> Answer:
        """Cloud: no total, the id alone unless fields are asked for, and pages as long as the site likes."""
        ask = _asked_for(asked, self._site.cloud)
        found = self._found(ask["jql"])
        start = 0
        if ask["nextPageToken"]:
            start = _opened(ask["nextPageToken"], ask["jql"])
        size = max(1, min(int(ask["maxResults"] or 50), self._site.page_cap))
        wanted = rows.wanted_fields(self._site, ask["fields"] or "id")
        page = found.part(start, size)
        done = not found.part(start + size, 1)
        more = {} if done else {"nextPageToken": _token(start + size, ask["jql"])}
        return self._page(asked, page, wanted, version, ask["expand"], {**more, "isLast": done})

    def _search(self, asked: Asked, version: int) -> Answer:
        """Data Center: startAt and total, with maxResults made smaller at will."""
        ask = _asked_for(asked, self._site.cloud)
        start, size = int(ask["startAt"] or 0), min(int(ask["maxResults"] or 50), self._site.page_cap)
        if start > RESULT_WINDOW:
            limit = (
                f"The result window is too large, startAt + maxResults must be less than or equal to: [{RESULT_WINDOW}]"
            )
            return _errors(400, limit)
        found = self._found(ask["jql"])
        wanted = rows.wanted_fields(self._site, ask["fields"] or "*navigable")
        shape = {"expand": "schema,names", "startAt": start, "maxResults": size, "total": len(found.all())}
        return self._page(asked, found.part(start, size), wanted, version, ask["expand"], shape)

    def _page(
        self, asked: Asked, page: Sequence[Ticket], wanted: list[str], version: int, expand: str, shape: dict[str, Any]
    ) -> Answer:
        issues = b",".join(self._row(asked, issue, wanted, version, expand) for issue in page)
        answer = answer_json(shape)
        return replace(answer, body=answer.body[:-1] + b',"issues":[' + issues + b"]}")

    def _row(self, asked: Asked, issue: Ticket, wanted: list[str], version: int, expand: str) -> bytes:
        row = rows.issue_bytes(self._site, issue, asked.base, wanted, version)
        if "changelog" not in expand.split(","):
            return row
        return row[:-1] + b',"changelog":' + changelog.expanded(self._site, issue, asked.base) + b"}"


class _Results:
    """What a query finds, read as far as it was asked for."""

    def __init__(self, found: Iterator[Ticket]) -> None:
        self._rest = found
        self._seen: list[Ticket] = []

    def part(self, start: int, size: int) -> list[Ticket]:
        """So many from there on."""
        self._seen.extend(islice(self._rest, max(0, start + size - len(self._seen))))
        return self._seen[start : start + size]

    def all(self) -> list[Ticket]:
        """All of it."""
        self._seen.extend(self._rest)
        return self._seen


def _asked_for(asked: Asked, cloud: bool) -> dict[str, str]:
    """The search's parameters from the query or the JSON body, lists joined by commas.

    In a body, `expand` is a text on Cloud and a list on Data Center.
    """
    names = ("jql", "fields", "maxResults", "startAt", "nextPageToken", "expand")
    if asked.method == "GET":
        return {name: ",".join(asked.params.get(name, [])) for name in names}
    body = asked.json()
    if body.get("expand") is not None and isinstance(body["expand"], str) is not cloud:
        raise JqlError("Invalid request payload. Refer to the REST API documentation and try again.")
    values = {name: body.get(name) for name in names}
    return {
        name: ",".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
        for name, value in values.items()
    }


def _token(start: int, text: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([start, text]).encode()).decode()


def _opened(token: str, text: str) -> int:
    """Where a page token points; Jira refuses one that belongs to another query."""
    try:
        start, of = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError):
        raise JqlError("The provided next page token is invalid.") from None
    if of != text:
        raise JqlError("The provided next page token is invalid.")
    return int(start)


def _unauthorized() -> Answer:
    message = "Client must be authenticated to access this resource."
    headers = {"WWW-Authenticate": 'OAuth realm="sandbox"', "X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
    return answer_json({"message": message, "status-code": 401}, 401, headers)


def _no_comment(id: str) -> Answer:
    return _errors(404, f"Can not find a comment for the id: {id}.")


def _not_found() -> Answer:
    return _errors(404, "Not found")


def _errors(status: int, message: str) -> Answer:
    body: dict[str, Any] = {"errorMessages": [message], "errors": {}}
    return answer_json(body, status)
