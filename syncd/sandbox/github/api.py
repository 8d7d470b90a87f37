"""GitHub's REST API (version 2022-11-28): repositories, pull requests, issues and releases to read, issues to write."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from syncd.sandbox.credentials import Credentials
from syncd.sandbox.github import item_rows as rows
from syncd.sandbox.github import repo_rows as repos
from syncd.sandbox.github.answers import error, moved, ok, page
from syncd.sandbox.github.app import answer_app
from syncd.sandbox.github.code import Item, Pull, Release, Repo
from syncd.sandbox.github.code_host import CodeHost
from syncd.sandbox.github.issues import Issues
from syncd.sandbox.http import Answer, Asked
from syncd.sandbox.world import World

QUOTA = 5000
"""Requests an hour for each token."""

ACCOUNT = "syncd-bot"
"""Whose the personal tokens are."""

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
            return error(401, "Requires authentication")
        permissions = self._credentials.github_permissions(token)
        if permissions is None:
            return error(401, "Bad credentials")
        with self._world.lock:
            answer = self._route(asked, permissions)
        return self._finish(asked, token, answer)

    # -- routes

    def _route(self, asked: Asked, permissions: Mapping[str, str]) -> Answer:
        code = self._world.github
        match asked.method, asked.path.rstrip("/").split("/")[1:]:
            case "GET", []:
                return ok(
                    asked,
                    {"current_user_url": f"{asked.base}/user", "rate_limit_url": f"{asked.base}/rate_limit"},
                    code,
                )
            case "GET", ["user"]:
                return ok(asked, _me(code), code)
            case "GET", ["rate_limit"]:
                return ok(asked, self._rate_limit(asked.bearer() or ""), code)
            case "GET", ["orgs" | "users", owner]:
                return self._owner(asked, owner)
            case "GET", ["orgs" | "users" as kind, owner, "repos"]:
                return self._repos(asked, owner, kind)
            case _, ["repos" | "repositories", *_]:
                return self._repo(asked, permissions)
        return error(404, "Not Found")

    def _owner(self, asked: Asked, owner: str) -> Answer:
        code = self._world.github
        found = [repo for repo in code.repos.values() if repo.owner.lower() == owner.lower()]
        if not found:
            return error(404, "Not Found")
        return ok(asked, repos.organization_row(code.user(found[0].owner), len(found)), code)

    def _repos(self, asked: Asked, owner: str, kind: str) -> Answer:
        code = self._world.github
        found = [repo for repo in code.repos.values() if repo.owner.lower() == owner.lower()]
        if not found:
            return error(404, "Not Found")
        body = [repos.to_bytes(repos.repo_row(repo, code.user(repo.owner))) for repo in found]
        return page(asked, body, f"{asked.base}/{kind}/{owner}/repos")

    def _repo(self, asked: Asked, permissions: Mapping[str, str]) -> Answer:
        code, found = self._world.github, _ROUTES.fullmatch(asked.path.rstrip("/"))
        if found is None:
            return error(404, "Not Found")
        rest = found["rest"] or ""
        try:
            if found["id"]:
                repo = code.repos[int(found["id"])]
            else:
                full_name = f"{found['owner']}/{found['name']}"
                renamed = code.renamed.get(full_name.lower())
                if renamed is not None:
                    return moved(asked, f"{asked.base}/repositories/{renamed}{rest}")
                repo = code.repo(full_name)
        except KeyError:
            return error(404, "Not Found")
        path = rest.split("/")[1:]
        if refusal := self._refused(asked, repo, path, permissions):
            return refusal
        match asked.method, path:
            case _, ["issues", first, *more]:
                return Issues(asked, code, repo, self._author(asked)).answer([first, *more])
            case "GET", []:
                return ok(asked, repos.repo_row(repo, code.user(repo.owner)), code, repo)
            case "GET", ["pulls"]:
                return self._items(asked, repo, "pull")
            case "GET", ["issues"]:
                return self._items(asked, repo, "issue")
            case "GET", ["releases"]:
                # Drafts are for those with push access, which a token for reading has not.
                return self._releases(asked, repo, push=asked.bearer() != self._credentials.github_readonly)
            case "GET", ["pulls", number] if number.isdigit():
                item = repo.items.get(int(number))
                if isinstance(item, Pull):
                    return ok(asked, rows.full_pull_row(repo, item), code, repo)
        return error(404, "Not Found")

    def _refused(self, asked: Asked, repo: Repo, path: list[str], permissions: Mapping[str, str]) -> Answer | None:
        """403 where the token lacks the permission for what is asked, which a header then names.

        A pull request is an issue to whoever reads; to write to it takes a permission of its own, as fine-grained
        tokens show (actions/github-script#323).
        """
        wanted = {"issues": "issues", "pulls": "pull_requests", "releases": "contents", "contents": "contents"}
        what = wanted.get(path[0], "metadata") if path else "metadata"
        how = "read" if asked.method == "GET" else "write"
        if how == "write" and self._is_pull(repo, path):
            what = "pull_requests"
        if permissions.get(what) in (how, "write"):
            return None
        kind = "integration" if self._credentials.is_installation(asked.bearer() or "") else "personal access token"
        refusal = error(403, f"Resource not accessible by {kind}")
        return Answer(403, refusal.body, {**refusal.headers, "X-Accepted-GitHub-Permissions": f"{what}={how}"})

    def _is_pull(self, repo: Repo, path: list[str]) -> bool:
        match path:
            case ["issues", "comments", id] if id.isdigit():
                try:
                    item, _ = self._world.github.comment(repo.full_name, int(id))
                except KeyError:
                    return False
                return isinstance(item, Pull)
            case ["issues", number, *_] if number.isdigit():
                return isinstance(repo.items.get(int(number)), Pull)
        return False

    def _author(self, asked: Asked) -> str:
        """Whoever writes with this token: the app's bot, or the account."""
        return "syncd[bot]" if self._credentials.is_installation(asked.bearer() or "") else ACCOUNT

    def _items(self, asked: Asked, repo: Repo, kind: str) -> Answer:
        state, order = asked.param("state", "open"), asked.param("sort", "created")
        orders = (
            ("created", "updated", "popularity", "long-running")
            if kind == "pull"
            else ("created", "updated", "comments")
        )
        down = asked.param("direction") or ("desc" if kind == "issue" or order in ("", "created") else "asc")
        if state not in ("open", "closed", "all") or order not in orders or down not in ("asc", "desc"):
            return error(422, "Validation Failed", errors=[{"resource": kind, "code": "invalid"}])
        since = None
        if kind == "issue" and asked.param("since"):
            try:
                since = datetime.fromisoformat(asked.param("since").replace(" ", "+"))
            except ValueError:
                since = None
            if since is None or since.tzinfo is None:
                return error(422, "Validation Failed", errors=[{"field": "since", "code": "invalid"}])
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
        return page(asked, found, address, repo, lambda item: rows.item_bytes(repo, item, kind), self._world.github)

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
        return page(asked, body, f"{asked.base}/repositories/{repo.id}/releases")

    # -- what every answer carries

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


def _me(code: CodeHost) -> dict[str, Any]:
    made = "2026-01-05T08:00:00Z"
    named = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio", "twitter_username"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    return repos.user_row(code.user(ACCOUNT)) | named | counts | {"created_at": made, "updated_at": made}
