"""GitLab's REST API (version 4): projects, groups, and the lists of a project. The sandbox's API is read-only.

Sources: docs.gitlab.com, "REST API" (pagination, redirects, status codes), "User and IP rate limits" (headers), and the
pages of each list.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from syncd.sandbox.credentials import Credentials
from syncd.sandbox.gitlab.forge import Forge
from syncd.sandbox.gitlab.project import Project
from syncd.sandbox.gitlab.rows import deployment_row, issue_row, merge_request_row, project_row, release_row
from syncd.sandbox.http import Request, Response, json_response

QUOTA = 2000
"""The most requests of each token in a minute."""

_MOST_BY_OFFSET = 50_000
_FEATURES = {"deployments": "environments"}


class GitLab:
    """Routes requests to the forge, and counts the requests of each token."""

    def __init__(self, forge: Forge, credentials: Credentials) -> None:
        self._forge = forge
        self._credentials = credentials
        self._lock = threading.Lock()
        self._used: dict[tuple[str, int], int] = defaultdict(int)

    def __call__(self, request: Request) -> Response:
        """Checks the credential, routes the request, and adds the headers that every response has."""
        token = request.headers.get("private-token") or request.bearer() or ""
        scopes = self._credentials.gitlab_scopes(token)
        if scopes is None:
            return _error(401, "401 Unauthorized")
        minute = int(time.time()) // 60
        with self._lock:
            self._used[token, minute] += 1
            used = self._used[token, minute]
        with self._forge.lock:
            response = self._route(request, token, scopes)
        quota = {"Limit": QUOTA, "Observed": used, "Remaining": max(0, QUOTA - used), "Reset": (minute + 1) * 60}
        headers = {f"RateLimit-{name}": str(value) for name, value in quota.items()}
        return replace(response, headers={**response.headers, **headers})

    def _route(self, request: Request, token: str, scopes: Sequence[str]) -> Response:
        path = [unquote(part) for part in request.path.removeprefix("/api/v4").strip("/").split("/")]
        if path == ["personal_access_tokens", "self"]:
            row = {"id": 1, "name": token.rpartition("-")[0], "revoked": False, "active": True, "scopes": scopes}
            return json_response({**row, "user_id": 1, "created_at": "2026-01-05T08:00:00.000Z", "expires_at": None})
        if {"api", "read_api"}.isdisjoint(scopes):
            body = {"error": "insufficient_scope", "scope": "api read_api"}
            described = "The request requires higher privileges than provided by the access token."
            return json_response({**body, "error_description": described}, 403)
        match request.method, path:
            case "GET", ["groups", group, "projects"]:
                return self._projects(request, group)
            case "GET", ["projects", project, *rest]:
                return self._project(request, project, rest)
        return json_response({"error": "404 Not Found"}, 404)

    def _projects(self, request: Request, group: str) -> Response:
        under = f"{group.lower()}/"
        inside = [
            project
            for project in self._forge.projects.values()
            if project.path.lower().startswith(under) and not project.hidden
        ]
        if not inside:
            return _error(404, "404 Group Not Found")
        if request.param("include_subgroups") != "true":
            inside = [project for project in inside if "/" not in project.path[len(under) :]]
        inside.sort(key=lambda project: project.id, reverse=request.param("sort", "desc") == "desc")
        return _page(request, inside, lambda project: project_row(project, request.base))

    def _project(self, request: Request, name: str, rest: list[str]) -> Response:
        """A project by its id or its path. A former path redirects to the address with the id."""
        try:
            project = self._forge.projects[int(name)] if name.isdigit() else self._forge.project(name)
        except KeyError:
            return _error(404, "404 Project Not Found")
        if project.hidden:
            return _error(404, "404 Project Not Found")
        if not name.isdigit() and project.path.lower() != name.lower():
            to = "/".join([f"{request.base}/api/v4/projects/{project.id}", *rest])
            to += f"?{request.query}" if request.query else ""
            text = f"This resource has been moved permanently to {to}"
            return Response(301, text.encode(), {"Location": to, "Content-Type": "text/plain"})
        match rest:
            case []:
                return json_response(project_row(project, request.base))
            case ["merge_requests" | "issues" | "releases" | "deployments" as kind]:
                if {kind, _FEATURES.get(kind, kind)} & (project.closed | project.off):
                    return _error(403, "403 Forbidden")
                return self._list(request, project, kind)
        return json_response({"error": "404 Not Found"}, 404)

    def _list(self, request: Request, project: Project, kind: str) -> Response:
        rows: list[Any] = list(getattr(project, kind).values())
        try:
            after = request.time_param("updated_after")
        except ValueError:
            return json_response({"error": "updated_after is invalid"}, 400)
        state = request.param("state", "all")
        if kind in ("merge_requests", "issues") and state != "all":
            rows = [row for row in rows if row.state == state]
        if after is not None and kind != "releases":
            rows = [row for row in rows if row.updated_at >= after]
        order_by = request.param("order_by", "released_at" if kind == "releases" else "created_at")
        descending = request.param("sort", "desc") == "desc"
        rows.sort(key=lambda row: (getattr(row, order_by), getattr(row, "id", 0)), reverse=descending)
        base, now = request.base, self._forge.clock.now()
        builders: dict[str, Callable[[Any], dict[str, Any]]] = {
            "merge_requests": lambda row: merge_request_row(project, row, base),
            "issues": lambda row: issue_row(project, row, base),
            "releases": lambda row: release_row(project, row, base, now),
            "deployments": lambda row: deployment_row(project, row, base),
        }
        if request.param("pagination") == "keyset" and kind == "issues":
            return _keyset_page(request, rows, builders[kind], order_by, descending=descending)
        return _page(request, rows, builders[kind])


def _error(status: int, message: str) -> Response:
    return json_response({"message": message}, status)


def _size(request: Request) -> int:
    text = request.param("per_page", "20")
    return min(int(text), 100) if text.isdigit() and int(text) else 20


def _address(request: Request, **params: Any) -> str:
    kept = [pair for pair in parse_qsl(request.query, keep_blank_values=True) if pair[0] not in params]
    return f"{request.base}{request.path}?{urlencode([*kept, *params.items()])}"


def _page(request: Request, rows: Sequence[Any], build: Callable[[Any], dict[str, Any]]) -> Response:
    size, text = _size(request), request.param("page", "1")
    number = int(text) if text.isdigit() and int(text) else 1
    if number * size > _MOST_BY_OFFSET:
        return json_response({"error": "Offset pagination has a maximum allowed offset"}, 405)
    last = max(1, -(-len(rows) // size))
    targets = {"first": 1, "last": last}
    if number > 1:
        targets["prev"] = number - 1
    if number < last:
        targets["next"] = number + 1
    links = ", ".join(f'<{_address(request, page=page)}>; rel="{name}"' for name, page in targets.items())
    headers = {"Link": links, "X-Page": str(number), "X-Per-Page": str(size), "X-Total": str(len(rows))}
    headers |= {"X-Total-Pages": str(last), "X-Next-Page": str(number + 1) if number < last else ""}
    return json_response([build(row) for row in rows[(number - 1) * size : number * size]], 200, headers)


def _keyset_page(
    request: Request,
    rows: Sequence[Any],
    build: Callable[[Any], dict[str, Any]],
    order_by: str,
    *,
    descending: bool,
) -> Response:
    size = _size(request)
    if cursor := request.param("cursor"):
        moment, id_ = json.loads(base64.urlsafe_b64decode(cursor))
        place = datetime.fromisoformat(moment), id_
        rows = [
            row
            for row in rows
            if (
                ((getattr(row, order_by), row.id) < place) if descending else ((getattr(row, order_by), row.id) > place)
            )
        ]
    part = rows[:size]
    headers = {}
    if len(part) == size:
        place_after = json.dumps([getattr(part[-1], order_by).isoformat(), part[-1].id])
        following = base64.urlsafe_b64encode(place_after.encode()).decode()
        headers["Link"] = f'<{_address(request, cursor=following)}>; rel="next"'
    return json_response([build(row) for row in part], 200, headers)
