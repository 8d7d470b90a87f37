"""Answers requests to the addresses that list an owner's repositories. The lists depend on the requesting account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from syncd.sandbox.github import repo_rows
from syncd.sandbox.github.answers import error, ok, page
from syncd.sandbox.github.code import Repo
from syncd.sandbox.github.code_host import CodeHost
from syncd.sandbox.http import Request, Response, compact_json

ACCOUNT = "syncd-bot"
"""The account that owns the personal tokens."""


class Owners:
    """Answers a request. The request's token belongs to the app's installation or to the account."""

    def __init__(self, request: Request, host: CodeHost, *, installation: bool) -> None:
        self._request = request
        self._host = host
        self._installation = installation

    def answer(self, path: list[str]) -> Response:
        """`path` holds the address's parts: `["orgs", "acme", "repos"]`."""
        match path:
            case ["user", *_] if self._installation:
                return error(403, "Resource not accessible by integration")
            case ["user"]:
                return ok(self._request, _person(self._host, ACCOUNT), self._host)
            case ["user", "repos"]:
                return self._list("/user/repos", lambda repo: repo.owner.lower() == ACCOUNT)
            case ["installation", "repositories"]:
                return self._installed()
            case ["orgs", owner, *rest] if owner.lower() not in self._host.persons:
                return self._owner("orgs", owner, rest)
            case ["users", owner, *rest]:
                return self._owner("users", owner, rest)
        return error(404, "Not Found")

    def _owner(self, kind: str, owner: str, rest: list[str]) -> Response:
        """An owner or its repositories. An owner exists if it has a repository. For every account, the list below
        /users has only public repositories.
        """
        owned = [repo for repo in self._visible() if repo.owner.lower() == owner.lower()]
        if not owned or rest not in ([], ["repos"]):
            return error(404, "Not Found")
        if not rest:
            login = owned[0].owner
            organization = repo_rows.organization_row(self._host.user(login), len(owned))
            person = login.lower() in self._host.persons
            return ok(self._request, _person(self._host, login) if person else organization, self._host)
        return self._list(
            f"/{kind}/{owner}/repos", lambda repo: repo in owned and not (kind == "users" and repo.private)
        )

    def _installed(self) -> Response:
        if not self._installation:
            return error(403, "You must authenticate with an installation access token in order to list repositories")
        listed = self._list("/installation/repositories", lambda repo: repo.owner.lower() == self._host.installed_on)
        total = sum(repo.owner.lower() == self._host.installed_on for repo in self._visible())
        head = compact_json({"total_count": total, "repository_selection": "all"})
        body = head[:-1] + b',"repositories":' + listed.body + b"}"
        return Response(listed.status, body, listed.headers)

    def _list(self, path: str, belongs: Callable[[Repo], bool]) -> Response:
        def row(repo: Repo) -> bytes:
            return compact_json(repo_rows.repo_row(repo, self._host.user(repo.owner), self._host.kind(repo.owner)))

        return page(self._request, list(filter(belongs, self._visible())), row, f"{self._request.base}{path}")

    def _visible(self) -> list[Repo]:
        return [repo for repo in self._host.repos.values() if not repo.hidden]


def _person(host: CodeHost, login: str) -> dict[str, Any]:
    made = "2026-01-05T08:00:00Z"
    empty = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio", "twitter_username"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    return repo_rows.user_row(host.user(login)) | empty | counts | {"created_at": made, "updated_at": made}
