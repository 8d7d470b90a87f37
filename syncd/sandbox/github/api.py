"""GitHub's REST API (version 2022-11-28): reads repositories, pull requests, issues, releases, deployments, workflow
runs and tags; writes issues.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from syncd.sandbox.credentials import Credentials
from syncd.sandbox.github import item_rows, repo_rows
from syncd.sandbox.github.answers import error, moved, ok, page
from syncd.sandbox.github.app import answer_app
from syncd.sandbox.github.code import Item, Pull, Release, Repo
from syncd.sandbox.github.code_host import CodeHost
from syncd.sandbox.github.delivery_api import PERMISSIONS, Deliveries
from syncd.sandbox.github.issues import Issues
from syncd.sandbox.github.owners import ACCOUNT, Owners
from syncd.sandbox.http import Request, Response, compact_json

QUOTA = 5000
"""The most requests of each token in a window."""

WINDOW = 3600
"""The length of a window in seconds. After a window, the quota is renewed."""

_ROUTES = re.compile(r"/(?:repos/(?P<owner>[^/]+)/(?P<name>[^/]+)|repositories/(?P<id>\d+))(?P<rest>/.*)?")


class GitHub:
    """Routes requests to the code host. Stores the quota of each token, and the lists that were sorted already."""

    def __init__(self, host: CodeHost, credentials: Credentials) -> None:
        self._host = host
        self._credentials = credentials
        self._lock = threading.Lock()
        self._used: dict[str, int] = defaultdict(int)
        self.windows: list[dict[str, int]] = [self._used]
        """The number of counted requests of each token, window by window."""
        self._reset = int(time.time()) + WINDOW
        self._sorted: dict[tuple[Any, ...], tuple[int, list[Item]]] = {}

    def __call__(self, request: Request) -> Response:
        """Checks the credential, routes the request, and adds the headers that every response has."""
        if request.path.startswith("/app"):
            return answer_app(request, self._credentials, self._host.user("acme"))
        token = request.bearer()
        if token is None:
            return error(401, "Requires authentication")
        permissions = self._credentials.github_permissions(token)
        if permissions is None:
            return error(401, "Bad credentials")
        with self._host.lock:
            response = self._route(request, permissions)
        return self._finish(request, token, response)

    # -- routes

    def _route(self, request: Request, permissions: Mapping[str, str]) -> Response:
        match request.method, request.path.rstrip("/").split("/")[1:]:
            case "GET", []:
                urls = {"current_user_url": f"{request.base}/user", "rate_limit_url": f"{request.base}/rate_limit"}
                return ok(request, urls, self._host)
            case "GET", ["rate_limit"]:
                return ok(request, self._rate_limit(request.bearer() or ""), self._host)
            case "GET", ["user" | "orgs" | "users" | "installation" as whose, *rest]:
                installation = self._credentials.is_installation(request.bearer() or "")
                return Owners(request, self._host, installation=installation).answer([whose, *rest])
            case _, ["repos" | "repositories", *_]:
                return self._repo(request, permissions)
        return error(404, "Not Found")

    def _repo(self, request: Request, permissions: Mapping[str, str]) -> Response:
        route = _ROUTES.fullmatch(request.path.rstrip("/"))
        if route is None:
            return error(404, "Not Found")
        rest = route["rest"] or ""
        try:
            if route["id"]:
                repo = self._host.repos[int(route["id"])]
            else:
                full_name = f"{route['owner']}/{route['name']}"
                renamed = self._host.renamed.get(full_name.lower())
                if renamed is not None:
                    return moved(request, f"{request.base}/repositories/{renamed}{rest}")
                repo = self._host.repo(full_name)
        except KeyError:
            return error(404, "Not Found")
        if repo.hidden:
            return error(404, "Not Found")
        path = rest.split("/")[1:]
        if refusal := _closed(repo, path):
            return refusal
        if refusal := self._refusal(request, repo, path, permissions):
            return refusal
        match request.method, path:
            case _, ["issues", first, *more]:
                return Issues(request, self._host, repo, self._author(request)).answer([first, *more])
            case "GET", []:
                row = repo_rows.repo_row(repo, self._host.user(repo.owner), self._host.kind(repo.owner))
                return ok(request, row, self._host, repo)
            case "GET", ["pulls"]:
                return self._items(request, repo, "pull")
            case "GET", ["issues"]:
                return self._items(request, repo, "issue")
            case "GET", ["releases"]:
                # Only accounts with push access see drafts, and a read-only token has no push access.
                return self._releases(request, repo, push=request.bearer() != self._credentials.github_readonly)
            case "GET", ["deployments" | "actions" | "git" | "compare", *_] | ["pulls", _, "commits"]:
                return Deliveries(request, self._host, repo).answer(path)
            case "GET", ["pulls", number] if number.isdigit():
                item = repo.items.get(int(number))
                if isinstance(item, Pull):
                    return ok(request, item_rows.full_pull_row(repo, item), self._host, repo)
        return error(404, "Not Found")

    def _refusal(
        self, request: Request, repo: Repo, path: list[str], permissions: Mapping[str, str]
    ) -> Response | None:
        """A response 403 if the token lacks the permission that the request needs, with the permission in a header;
        else None.

        Reading a pull request as an issue needs the permission for issues. Writing to a pull request needs the
        permission for pull requests, as fine-grained tokens show (actions/github-script#323).
        """
        needed = {"issues": "issues", "pulls": "pull_requests", "releases": "contents", "contents": "contents"}
        needed |= PERMISSIONS
        permission = needed.get(path[0], "metadata") if path else "metadata"
        level = "read" if request.method == "GET" else "write"
        if level == "write" and self._is_pull(repo, path):
            permission = "pull_requests"
        if permissions.get(permission) in (level, "write"):
            return None
        kind = "integration" if self._credentials.is_installation(request.bearer() or "") else "personal access token"
        refusal = error(403, f"Resource not accessible by {kind}")
        headers = {**refusal.headers, "X-Accepted-GitHub-Permissions": f"{permission}={level}"}
        return Response(403, refusal.body, headers)

    def _is_pull(self, repo: Repo, path: list[str]) -> bool:
        match path:
            case ["issues", "comments", id] if id.isdigit():
                try:
                    item, _ = self._host.comment(repo.full_name, int(id))
                except KeyError:
                    return False
                return isinstance(item, Pull)
            case ["issues", number, *_] if number.isdigit():
                return isinstance(repo.items.get(int(number)), Pull)
        return False

    def _author(self, request: Request) -> str:
        """The login that GitHub shows as the author of writes with the request's token: the app's bot, or the
        account.
        """
        return "syncd[bot]" if self._credentials.is_installation(request.bearer() or "") else ACCOUNT

    # -- lists

    def _items(self, request: Request, repo: Repo, kind: str) -> Response:
        state, order = request.param("state", "open"), request.param("sort", "created")
        orders = {
            "pull": ("created", "updated", "popularity", "long-running"),
            "issue": ("created", "updated", "comments"),
        }
        direction = request.param("direction") or ("desc" if kind == "issue" or order == "created" else "asc")
        if state not in ("open", "closed", "all") or order not in orders[kind] or direction not in ("asc", "desc"):
            return error(422, "Validation Failed", errors=[{"resource": kind, "code": "invalid"}])
        try:
            since = request.time_param("since") if kind == "issue" else None
        except ValueError:
            return error(422, "Validation Failed", errors=[{"field": "since", "code": "invalid"}])
        if since is not None and since.timestamp() == 0:
            return page(request, (), lambda _: b"", request.base)  # as on the real site: an empty list, not all
        base = request.param("base") if kind == "pull" else ""
        labels = tuple(filter(None, request.param("labels").split(","))) if kind == "issue" else ()

        def matches(item: Item) -> bool:
            return (
                (kind == "issue" or isinstance(item, Pull))
                and state in ("all", item.state)
                and (not base or (isinstance(item, Pull) and item.base == base))
                and (since is None or item.updated_at >= since)
                and all(label in item.labels for label in labels)
            )

        key = (repo.id, kind, state, order, direction, since, base, labels)
        items = self._sorted_items(key, repo, matches, by_update=order == "updated", reverse=direction == "desc")
        address = f"{request.base}/repositories/{repo.id}/{kind}s"
        return page(request, items, lambda item: item_rows.item_bytes(repo, item, kind), address, repo, self._host)

    def _sorted_items(
        self, key: tuple[Any, ...], repo: Repo, matches: Callable[[Item], bool], *, by_update: bool, reverse: bool
    ) -> list[Item]:
        """The sorted list of a query. The list is stored until the repository changes, because sorting again for each
        page would be slow.
        """
        version, items = self._sorted.get(key, (-1, []))
        if version != repo.version:
            items = [item for item in repo.items.values() if matches(item)]
            items.sort(
                key=lambda item: (item.updated_at if by_update else item.created_at, item.number), reverse=reverse
            )
            if len(self._sorted) > 200:
                self._sorted.clear()
            self._sorted[key] = (repo.version, items)
        return items

    def _releases(self, request: Request, repo: Repo, *, push: bool) -> Response:
        """The releases, the latest created first. Only accounts with push access see drafts."""
        releases: list[Release] = [release for release in repo.releases.values() if push or not release.draft]
        releases.sort(key=lambda release: (release.created_at, release.id), reverse=True)
        address = f"{request.base}/repositories/{repo.id}/releases"
        return page(request, releases, lambda release: compact_json(item_rows.release_row(repo, release)), address)

    # -- what every response carries

    def _finish(self, request: Request, token: str, response: Response) -> Response:
        headers = dict(response.headers)
        if response.status == 200:
            # As on the real site, an ETag belongs to one token: the ETag of another token never matches.
            source = token.encode() + response.body + headers.get("Link", "").encode()
            etag = f'"{hashlib.sha256(source).hexdigest()}"'
            headers |= {"ETag": etag, "Cache-Control": "private, max-age=60, s-maxage=60"}
            sent = request.headers.get("if-none-match", "").split(",")
            if etag in {text.strip().removeprefix("W/") for text in sent}:
                response = Response(304, b"", headers)
        with self._lock:
            if time.time() > self._reset:
                self._used = defaultdict(int)
                self.windows.append(self._used)
                self._reset = int(time.time()) + WINDOW
            if response.status != 304 and request.path != "/rate_limit":
                self._used[token] += 1
            used = self._used[token]
        headers |= {
            "X-OAuth-Scopes": "repo" if token == self._credentials.github else "",
            "X-RateLimit-Limit": str(QUOTA),
            "X-RateLimit-Remaining": str(max(0, QUOTA - used)),
            "X-RateLimit-Used": str(used),
            "X-RateLimit-Reset": str(self._reset),
            "X-RateLimit-Resource": "core",
            "X-GitHub-Media-Type": "github.v3; format=json",
            "X-GitHub-Request-Id": f"{used:04X}:{id(response) & 0xFFFFFF:06X}:{int(time.time()):X}",
        }
        return Response(response.status, response.body, headers)

    def _rate_limit(self, token: str) -> dict[str, Any]:
        used = self._used[token]
        core = {"limit": QUOTA, "used": used, "remaining": QUOTA - used, "reset": self._reset, "resource": "core"}
        search = {"limit": 30, "used": 0, "remaining": 30, "reset": self._reset, "resource": "search"}
        graphql = core | {"used": 0, "remaining": QUOTA, "resource": "graphql"}
        return {"resources": {"core": core, "search": search, "graphql": graphql}, "rate": core}


def _closed(repo: Repo, path: list[str]) -> Response | None:
    """The refusal if GitHub has blocked the repository, or if the requested part of the repository is turned off; else
    None.
    """
    if repo.blocked is not None:
        block = {"reason": repo.blocked, "created_at": "2026-10-01T08:00:00Z", "html_url": None}
        return error(451 if repo.blocked == "dmca" else 403, "Repository access blocked", block=block)
    match path:
        case ["pulls", *_] if not repo.has_pull_requests:
            return error(404, "Not Found")
        case ["issues"] if not repo.has_issues:
            return error(410, "Issues are disabled for this repo")
    return None
