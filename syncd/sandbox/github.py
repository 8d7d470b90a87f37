"""GitHub's REST API (version 2022-11-28): what reading repositories, pull requests, issues and releases needs."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from syncd.sandbox import github_repos as repos
from syncd.sandbox import github_rows as rows
from syncd.sandbox.code import Item, Pull, Release, Repo
from syncd.sandbox.code_host import CodeHost
from syncd.sandbox.credentials import Credentials
from syncd.sandbox.github_app import answer_app
from syncd.sandbox.http import Answer, Asked, answer_json
from syncd.sandbox.world import World

QUOTA = 5000
"""Requests an hour for each token."""

_DOCS = "https://docs.github.com/rest"
_ROUTES = re.compile(r"/(?:repos/(?P<owner>[^/]+)/(?P<name>[^/]+)|repositories/(?P<id>\d+))(?P<rest>/.*)?")


class GitHub:
    """Answers one request at a time for each thread; what it keeps between them is quota and sorted lists."""

    def __init__(self, world: World, credentials: Credentials) -> None:
        self._world = world
        self._credentials = credentials
        self._lock = threading.Lock()
        self._used: dict[str, int] = defaultdict(int)
        self._reset = int(time.time()) + 3600
        self._sorted: dict[tuple[Any, ...], tuple[int, list[Item]]] = {}

    def __call__(self, asked: Asked) -> Answer:
        """Checks the credential, routes, and adds what every answer carries."""
        if asked.path.startswith("/app"):
            return answer_app(asked, self._credentials, self._world.github.user("acme"))
        token = asked.bearer()
        if token is None:
            return _error(401, "Requires authentication")
        if not self._credentials.is_github(token):
            return _error(401, "Bad credentials")
        with self._world.lock:
            answer = self._route(asked, push=token != self._credentials.github_readonly)
        return self._finish(asked, token, answer)

    # -- routes

    def _route(self, asked: Asked, *, push: bool) -> Answer:
        code = self._world.github
        match asked.method, asked.path.rstrip("/").split("/")[1:]:
            case "GET", []:
                return self._json(
                    asked, {"current_user_url": f"{asked.base}/user", "rate_limit_url": f"{asked.base}/rate_limit"}
                )
            case "GET", ["user"]:
                return self._json(asked, _me(code))
            case "GET", ["rate_limit"]:
                return self._json(asked, self._rate_limit(asked.bearer() or ""))
            case "GET", ["orgs" | "users", owner]:
                return self._owner(asked, owner)
            case "GET", ["orgs" | "users" as kind, owner, "repos"]:
                return self._repos(asked, owner, kind)
            case "GET", ["repos" | "repositories", *_]:
                return self._repo(asked, push=push)
        return _error(404, "Not Found")

    def _owner(self, asked: Asked, owner: str) -> Answer:
        code = self._world.github
        found = [repo for repo in code.repos.values() if repo.owner.lower() == owner.lower()]
        if not found:
            return _error(404, "Not Found")
        return self._json(asked, repos.organization_row(code.user(found[0].owner), len(found)))

    def _repos(self, asked: Asked, owner: str, kind: str) -> Answer:
        code = self._world.github
        found = [repo for repo in code.repos.values() if repo.owner.lower() == owner.lower()]
        if not found:
            return _error(404, "Not Found")
        body = [repos.to_bytes(repos.repo_row(repo, code.user(repo.owner))) for repo in found]
        return _page(asked, body, f"{asked.base}/{kind}/{owner}/repos")

    def _repo(self, asked: Asked, *, push: bool) -> Answer:
        code, found = self._world.github, _ROUTES.fullmatch(asked.path.rstrip("/"))
        if found is None:
            return _error(404, "Not Found")
        rest = found["rest"] or ""
        try:
            if found["id"]:
                repo = code.repos[int(found["id"])]
            else:
                full_name = f"{found['owner']}/{found['name']}"
                moved = code.renamed.get(full_name.lower())
                if moved is not None:
                    return _moved(f"{asked.base}/repositories/{moved}{rest}", asked.query)
                repo = code.repo(full_name)
        except KeyError:
            return _error(404, "Not Found")
        match rest.split("/")[1:]:
            case []:
                return self._json(asked, repos.repo_row(repo, code.user(repo.owner)), repo)
            case ["pulls"]:
                return self._items(asked, repo, "pull")
            case ["issues"]:
                return self._items(asked, repo, "issue")
            case ["releases"]:
                return self._releases(asked, repo, push=push)
            case ["pulls", number] if number.isdigit():
                item = repo.items.get(int(number))
                return (
                    self._json(asked, rows.full_pull_row(repo, item), repo)
                    if isinstance(item, Pull)
                    else _error(404, "Not Found")
                )
            case ["issues", number] if number.isdigit():
                return self._issue(asked, repo, int(number))
        return _error(404, "Not Found")

    def _issue(self, asked: Asked, repo: Repo, number: int) -> Answer:
        if number in repo.transferred:
            target, there = repo.transferred[number]
            return _moved(f"{asked.base}/repositories/{target}/issues/{there}", asked.query)
        if number in repo.deleted:
            return _error(410, "This issue was deleted")
        item = repo.items.get(number)
        return self._json(asked, rows.issue_row(repo, item), repo) if item else _error(404, "Not Found")

    def _items(self, asked: Asked, repo: Repo, kind: str) -> Answer:
        state, order = asked.param("state", "open"), asked.param("sort", "created")
        orders = (
            ("created", "updated", "popularity", "long-running")
            if kind == "pull"
            else ("created", "updated", "comments")
        )
        down = asked.param("direction") or ("desc" if kind == "issue" or order in ("", "created") else "asc")
        if state not in ("open", "closed", "all") or order not in orders or down not in ("asc", "desc"):
            return _error(422, "Validation Failed", errors=[{"resource": kind, "code": "invalid"}])
        since = None
        if kind == "issue" and asked.param("since"):
            try:
                since = datetime.fromisoformat(asked.param("since").replace(" ", "+"))
            except ValueError:
                since = None
            if since is None or since.tzinfo is None:
                return _error(422, "Validation Failed", errors=[{"field": "since", "code": "invalid"}])
        base = asked.param("base") if kind == "pull" else ""
        labels = tuple(filter(None, asked.param("labels").split(","))) if kind == "issue" else ()

        def wanted(item: Item) -> bool:
            return (
                (kind == "issue" or isinstance(item, Pull))
                and state in ("all", item.state)
                and (not base or (isinstance(item, Pull) and item.base == base))
                and (since is None or item.updated_at >= since)
                and all(label in item.labels for label in labels)
            )

        key = (repo.id, kind, state, order, down, since, base, labels)
        found = self._kept(key, repo, wanted, by_update=order == "updated", reverse=down == "desc")
        address = f"{asked.base}/repositories/{repo.id}/{'pulls' if kind == 'pull' else 'issues'}"
        return _page(asked, found, address, repo, lambda item: rows.item_bytes(repo, item, kind), self._world.github)

    def _kept(
        self, key: tuple[Any, ...], repo: Repo, wanted: Callable[[Item], bool], *, by_update: bool, reverse: bool
    ) -> list[Item]:
        """The sorted list of a query, made once for each version of the repository: it is what deep paging costs."""
        version, found = self._sorted.get(key, (-1, []))
        if version != repo.version:
            found = [item for item in repo.items.values() if wanted(item)]
            found.sort(
                key=lambda item: (item.updated_at if by_update else item.created_at, item.number), reverse=reverse
            )
            if len(self._sorted) > 200:
                self._sorted.clear()
            self._sorted[key] = (repo.version, found)
        return found

    def _releases(self, asked: Asked, repo: Repo, *, push: bool) -> Answer:
        """Newest first by creation; drafts for those with push access alone."""
        seen: list[Release] = [one for one in repo.releases.values() if push or not one.draft]
        seen.sort(key=lambda one: (one.created_at, one.id), reverse=True)
        body = [repos.to_bytes(rows.release_row(repo, one)) for one in seen]
        return _page(asked, body, f"{asked.base}/repositories/{repo.id}/releases")

    # -- what every answer carries

    def _json(self, asked: Asked, row: dict[str, Any], repo: Repo | None = None) -> Answer:
        owner = self._world.github.user(repo.owner) if repo else None
        body = rows.filled(repos.to_bytes(row), asked.base, repo, owner)
        return Answer(200, body, {"Content-Type": "application/json; charset=utf-8"})

    def _finish(self, asked: Asked, token: str, answer: Answer) -> Answer:
        headers = dict(answer.headers)
        if answer.status == 200:
            # As on the real site a tag belongs to a token: another token's answer never matches.
            tag = f'"{hashlib.sha256(token.encode() + answer.body + headers.get("Link", "").encode()).hexdigest()}"'
            headers |= {"ETag": tag, "Cache-Control": "private, max-age=60, s-maxage=60"}
            sent = {one.strip().removeprefix("W/") for one in asked.headers.get("if-none-match", "").split(",")}
            if tag in sent:
                answer = Answer(304, b"", headers)
        with self._lock:
            if time.time() > self._reset:
                self._used.clear()
                self._reset = int(time.time()) + 3600
            if answer.status != 304 and asked.path != "/rate_limit":
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
            "X-GitHub-Request-Id": f"{used:04X}:{id(answer) & 0xFFFFFF:06X}:{int(time.time()):X}",
        }
        return Answer(answer.status, answer.body, headers)

    def _rate_limit(self, token: str) -> dict[str, Any]:
        used = self._used[token]
        core = {"limit": QUOTA, "used": used, "remaining": QUOTA - used, "reset": self._reset, "resource": "core"}
        search = {"limit": 30, "used": 0, "remaining": 30, "reset": self._reset, "resource": "search"}
        graphql = core | {"used": 0, "remaining": QUOTA, "resource": "graphql"}
        return {"resources": {"core": core, "search": search, "graphql": graphql}, "rate": core}


def _page(
    asked: Asked,
    found: Sequence[Any],
    address: str,
    repo: Repo | None = None,
    row: Callable[[Any], bytes] = lambda one: one,
    code: CodeHost | None = None,
) -> Answer:
    """One page of a list with its RFC 5988 links, whose addresses use the repository's id as GitHub's do."""
    size = _number(asked.param("per_page"), 30)
    size, page = min(size, 100), _number(asked.param("page"), 1)
    last = max(1, -(-len(found) // size))
    part = found[(page - 1) * size : page * size]
    body = b"[" + b",".join(row(one) for one in part) + b"]"
    body = rows.filled(body, asked.base, repo, code.user(repo.owner) if code and repo else None)
    targets = {}
    if page > 1:
        targets["prev"] = min(page - 1, last)
    if page < last:
        targets |= {"next": page + 1, "last": last}
    if page > 1:
        targets["first"] = 1
    rest = [pair for pair in parse_qsl(asked.query, keep_blank_values=True) if pair[0] != "page"]
    links = [f'<{address}?{urlencode([*rest, ("page", number)])}>; rel="{name}"' for name, number in targets.items()]
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return Answer(200, body, headers | ({"Link": ", ".join(links)} if links else {}))


def _number(text: str, default: int) -> int:
    return int(text) if text.isdigit() and int(text) > 0 else default


def _me(code: CodeHost) -> dict[str, Any]:
    made = "2026-01-05T08:00:00Z"
    named = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio", "twitter_username"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    return repos.user_row(code.user("syncd-bot")) | named | counts | {"created_at": made, "updated_at": made}


def _moved(address: str, query: str) -> Answer:
    """The query stays on the Location, as it does on the real site."""
    target = address + (f"?{query}" if query else "")
    body = {"message": "Moved Permanently", "url": target, "documentation_url": f"{_DOCS}/guides/best-practices"}
    return answer_json(body, 301, {"Location": target})


def _error(status: int, message: str, **more: Any) -> Answer:
    return answer_json({"message": message, **more, "documentation_url": _DOCS, "status": str(status)}, status)
