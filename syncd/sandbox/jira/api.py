"""Jira's REST API, Cloud and Data Center: search, issues, comments, and the requests that the client library makes
first.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from syncd.sandbox.credentials import Credentials
from syncd.sandbox.http import JSON, Request, Response, compact_json, json_response
from syncd.sandbox.jira import changelog, comments, edits, jql, rows
from syncd.sandbox.jira.jql_fields import Context, JqlError
from syncd.sandbox.jira.ticket import Ticket
from syncd.sandbox.jira.tickets import Tickets

RESULT_WINDOW = 10_000
"""The largest `startAt`: Data Center refuses a page that starts after more results."""

_REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
_FORBIDDEN = "You do not have permission to edit issues in this project."
_NOTIFIES = "To discard the user notification either admin or project admin permissions are required."
_UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."


class Jira:
    """The API of one site: `/rest/api/2` and, on Cloud, `/rest/api/3`."""

    def __init__(self, site: Tickets, credentials: Credentials) -> None:
        self._site = site
        self._credentials = credentials
        self._results: dict[tuple[str, int, datetime], _Results] = {}

    def __call__(self, request: Request) -> Response:
        """Checks the version and the credential, then routes the request."""
        match request.path.strip("/").split("/"):
            case ["rest", "api", "2" | "3" | "latest" as version, *rest] if self._site.cloud or version != "3":
                pass
            case _:
                return _no_such_address()
        access = self._credentials.jira_access(request.headers.get("authorization", ""), cloud=self._site.cloud)
        # `serverInfo` needs no credential, but refuses a wrong credential.
        if access is None and (rest != ["serverInfo"] or "authorization" in request.headers):
            return _unauthorized()
        with self._site.lock:
            try:
                return self._route(request, rest, 3 if version == "3" else 2, may_write=access == "write")
            except JqlError as error:
                return _error(400, str(error))
            except edits.EditRefused as error:
                return json_response({"errorMessages": error.messages, "errors": error.errors}, 400)
            except json.JSONDecodeError:
                return _error(400, "There was an error parsing JSON. Check that your request body is valid.")

    def _route(self, request: Request, rest: list[str], version: int, *, may_write: bool) -> Response:
        cloud = self._site.cloud
        match request.method, rest:
            case "GET", ["serverInfo"]:
                return json_response(rows.server_info(self._site, request.base, self._site.clock.now()))
            case "GET", ["myself"]:
                return json_response(rows.myself(self._site, request.base))
            case "GET", ["mypermissions"]:
                return self._permissions(request, may_write=may_write)
            case "GET", ["field"]:
                return json_response(rows.fields(self._site))
            case "GET", ["status"]:
                return json_response(changelog.statuses(request.base))
            case "GET", ["project"]:
                projects = self._site.projects.values()
                return json_response([rows.project(project, request.base) for project in projects])
            case "GET", ["project", name]:
                project = next(
                    (each for each in self._site.projects.values() if name in (each.key, str(each.id))), None
                )
                if project is None:
                    return _error(404, f"No project could be found with key '{name}'.")
                return json_response(rows.project(project, request.base))
            case "GET" | "POST", ["search"]:
                return _error(410, _REMOVED) if cloud else self._search(request, version)
            case "GET" | "POST", ["search", "jql"] if cloud:
                return self._search_by_token(request, version)
            case "POST", ["search", "approximate-count"] if cloud:
                return json_response({"count": len(self._results_of(str(request.json().get("jql", ""))).all())})
            case _, ["issue", key, *part]:
                try:
                    issue = self._site.get(key)
                except KeyError:
                    return _error(404, "Issue does not exist or you do not have permission to see it.")
                if request.method == "GET":
                    return self._issue(request, issue, part, version, may_write=may_write)
                if version == 2:
                    return self._write(request, issue, part) if may_write else _error(403, _FORBIDDEN)
        return _no_such_address()

    def _permissions(self, request: Request, *, may_write: bool) -> Response:
        try:
            issue = self._site.get(request.param("issueId") or request.param("issueKey"))
        except KeyError:
            return _error(404, "Issue does not exist or you do not have permission to see it.")
        have = may_write and not self._site.projects[issue.project].read_only
        asked = request.param("permissions").split(",")
        return json_response({"permissions": {key: {"key": key, "havePermission": have} for key in asked}})

    def _write(self, request: Request, issue: Ticket, part: list[str]) -> Response:
        """Carries out a write. Only version 2 of the API can write, because its texts are plain."""
        administered = self._site.projects[issue.project].administered
        if request.method == "PUT" and request.param("notifyUsers") == "false" and not administered:
            return _error(403, _NOTIFIES)
        match request.method, part:
            case "PUT", []:
                edits.edit(self._site, issue, request.json())
                return Response(204)
            case "POST", ["comment"]:
                return json_response(comments.add(self._site, issue, request), 201)
            case "PUT", ["comment", id]:
                comment = comments.find(issue, id)
                return json_response(comments.edit(self._site, issue, comment, request)) if comment else _no_comment(id)
        return _no_such_address()

    def _issue(self, request: Request, issue: Ticket, part: list[str], version: int, *, may_write: bool) -> Response:
        match part:
            case []:
                return self._whole(request, issue, version, may_write=may_write)
            case ["changelog"] if self._site.cloud:
                return self._changelog(request, issue)
            case ["editmeta"]:
                return json_response(edits.editmeta(self._site, issue, request.base, may_edit=may_write))
            case ["comment"]:
                return json_response(comments.page(self._site, issue, request, version))
            case ["comment", id]:
                comment = comments.find(issue, id)
                if comment is None:
                    return _no_comment(id)
                return json_response(rows.comment(self._site, issue, comment, request.base, version))
        return _no_such_address()

    def _whole(self, request: Request, issue: Ticket, version: int, *, may_write: bool) -> Response:
        wanted = rows.wanted_fields(self._site, request.param("fields") or "*all")
        row = self._row(request, issue, wanted, version, request.param("expand"))
        if "editmeta" in {*request.param("expand").split(",")} - self._site.left_out:
            editmeta = edits.editmeta(self._site, issue, request.base, may_edit=may_write)
            row = row[:-1] + b',"editmeta":' + compact_json(editmeta) + b"}"
        return Response(200, row, {"Content-Type": JSON})

    def _changelog(self, request: Request, issue: Ticket) -> Response:
        start, size = int(request.param("startAt", "0")), int(request.param("maxResults", "100"))
        return json_response(changelog.page(self._site, issue, request.base, start, min(size, changelog.PAGE)))

    def _results_of(self, text: str) -> _Results:
        """The results of a query. The results are cached for the next pages until the site's data changes."""
        now = self._site.clock.now()
        key = (text, self._site.version, now)
        results = self._results.get(key)
        if results is None:
            query = jql.parse(text, Context(self._site, now))
            if self._site.cloud and not query.bounded:
                raise JqlError(_UNBOUNDED)
            if len(self._results) > 200:
                self._results.clear()
            results = self._results[key] = _Results(query.find(self._site))
        return results

    def _search_by_token(self, request: Request, version: int) -> Response:
        """Cloud's search: no total, by default only the ids, and at most the site's `page_cap` issues on a page."""
        search = _search_params(request, self._site.cloud)
        results = self._results_of(search["jql"])
        start, empty = 0, self._site.empty_pages
        if search["nextPageToken"]:
            start, empty = _token_start(search["nextPageToken"], search["jql"])
        size = max(1, min(int(search["maxResults"] or 50), self._site.page_cap))
        wanted = rows.wanted_fields(self._site, search["fields"] or "id")
        if empty:
            size = 0
        page = results.part(start, size)
        last = not empty and not results.part(start + size, 1)
        empty = empty - 1 if empty else self._site.empty_pages
        following = {} if last else {"nextPageToken": _page_token(start + size, empty, search["jql"])}
        return self._page(request, page, wanted, version, search["expand"], {**following, "isLast": last})

    def _search(self, request: Request, version: int) -> Response:
        """Data Center's search, with startAt and total. The site may reduce maxResults."""
        search = _search_params(request, self._site.cloud)
        start, size = int(search["startAt"] or 0), min(int(search["maxResults"] or 50), self._site.page_cap)
        if start > RESULT_WINDOW:
            limit = (
                f"The result window is too large, startAt + maxResults must be less than or equal to: [{RESULT_WINDOW}]"
            )
            return _error(400, limit)
        results = self._results_of(search["jql"])
        wanted = rows.wanted_fields(self._site, search["fields"] or "*navigable")
        shape = {"expand": "schema,names", "startAt": start, "maxResults": size, "total": len(results.all())}
        return self._page(request, results.part(start, size), wanted, version, search["expand"], shape)

    def _page(
        self,
        request: Request,
        page: Sequence[Ticket],
        wanted: list[str],
        version: int,
        expand: str,
        shape: dict[str, Any],
    ) -> Response:
        issues = b",".join(self._row(request, issue, wanted, version, expand) for issue in page)
        if "names" in {*expand.split(",")} - self._site.left_out:
            shape = {
                **shape,
                "names": {each["id"]: each["name"] for each in rows.fields(self._site) if each["id"] in wanted},
            }
        body = compact_json(shape)[:-1] + b',"issues":[' + issues + b"]}"
        return Response(200, body, {"Content-Type": JSON})

    def _row(self, request: Request, issue: Ticket, wanted: list[str], version: int, expand: str) -> bytes:
        row = rows.issue_bytes(self._site, issue, request.base, wanted, version)
        if "changelog" not in {*expand.split(",")} - self._site.left_out:
            return row
        return row[:-1] + b',"changelog":' + changelog.expanded(self._site, issue, request.base) + b"}"


class _Results:
    """The results of a query, computed only as far as the requested pages need them."""

    def __init__(self, results: Iterator[Ticket]) -> None:
        self._unread = results
        self._read: list[Ticket] = []

    def part(self, start: int, size: int) -> list[Ticket]:
        """At most `size` results from `start` on."""
        self._read.extend(islice(self._unread, max(0, start + size - len(self._read))))
        return self._read[start : start + size]

    def all(self) -> list[Ticket]:
        """Every result."""
        self._read.extend(self._unread)
        return self._read


def _search_params(request: Request, cloud: bool) -> dict[str, str]:
    """The search's parameters, from the query or from the JSON body. Lists are joined with commas.

    In a body, Cloud accepts `expand` as a text, and Data Center accepts it as a list.
    """
    names = ("jql", "fields", "maxResults", "startAt", "nextPageToken", "expand")
    if request.method == "GET":
        return {name: ",".join(request.params.get(name, [])) for name in names}
    body = request.json()
    if body.get("expand") is not None and isinstance(body["expand"], str) is not cloud:
        raise JqlError("Invalid request payload. Refer to the REST API documentation and try again.")
    values = {name: body.get(name) for name in names}
    return {
        name: ",".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
        for name, value in values.items()
    }


def _page_token(start: int, empty: int, text: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([start, empty, text]).encode()).decode()


def _token_start(token: str, text: str) -> tuple[int, int]:
    """The position at which the token's page starts, and the number of empty pages before that page.

    Like Jira, the function refuses the token of another query.
    """
    try:
        start, empty, query = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError):
        raise JqlError("The provided next page token is invalid.") from None
    if query != text:
        raise JqlError("The provided next page token is invalid.")
    return int(start), int(empty)


def _unauthorized() -> Response:
    message = "Client must be authenticated to access this resource."
    headers = {"WWW-Authenticate": 'OAuth realm="sandbox"', "X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
    return json_response({"message": message, "status-code": 401}, 401, headers)


def _no_comment(id: str) -> Response:
    return _error(404, f"Can not find a comment for the id: {id}.")


def _no_such_address() -> Response:
    return _error(404, "Not found")


def _error(status: int, message: str) -> Response:
    return json_response({"errorMessages": [message], "errors": {}}, status)
