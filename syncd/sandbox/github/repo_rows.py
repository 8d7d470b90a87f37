"""GitHub's JSON for users and repositories, with every field that its OpenAPI schema requires. `item_rows` explains
`@API@`.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from syncd.sandbox.github.code import Repo, User
from syncd.sandbox.http import compact_json

WEB = "https://github.example"
"""The address that `html_url` begins with. The host does not exist. github.com is not used, because acme belongs to
somebody else there.
"""

_USER_URLS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
_REPO_URLS = {
    "archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
    "downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}", "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}",
    "languages_url": "/languages", "merges_url": "/merges", "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}", "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}  # fmt: skip


def time_text(moment: datetime | None) -> str | None:
    """A time in GitHub's format: UTC, full seconds, a Z."""
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def user_row(user: User) -> dict[str, Any]:
    """The schema `simple-user`."""
    api = f"@API@/users/{user.login}"
    return {
        "login": user.login,
        "id": user.id,
        "node_id": node_id("U", user.id),
        "avatar_url": f"https://avatars.github.example/u/{user.id}?v=4",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{WEB}/{user.login}",
        **{key: api + tail for key, tail in _USER_URLS.items()},
        "type": user.kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def organization_row(owner: User, repos: int) -> dict[str, Any]:
    """The schema `organization-full`. Of its counts, only the number of repositories is correct."""
    api = f"@API@/orgs/{owner.login}"
    names = ("repos", "events", "hooks", "issues")
    made = "2026-01-05T08:00:00Z"
    return {
        "login": owner.login,
        "id": owner.id,
        "node_id": node_id("O", owner.id),
        "url": api,
        **{f"{name}_url": f"{api}/{name}" for name in names},
        "members_url": api + "/members{/member}",
        "public_members_url": api + "/public_members{/member}",
        "avatar_url": f"https://avatars.github.example/u/{owner.id}?v=4",
        "html_url": f"{WEB}/{owner.login}",
        "description": None,
        "name": owner.login.title(),
        "type": "Organization",
        **dict.fromkeys(("has_organization_projects", "has_repository_projects"), True),
        **dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0),
        "total_private_repos": repos,
        "created_at": made,
        "updated_at": made,
        "archived_at": None,
    }


def repo_row(repo: Repo, owner: User, kind: str = "Organization") -> dict[str, Any]:
    """A row for the schemas `full-repository`, `minimal-repository`, and `repository` inside a pull request.

    `kind` is the type of the owner's account.
    """
    api, path = f"@API@/repos/{repo.full_name}", repo.full_name
    open_items = repo.open_items()
    flags = ("has_projects", "has_downloads", "has_wiki", "allow_forking")
    off = ("has_pages", "has_discussions", "is_template", "web_commit_signoff_required")
    counts = (
        "stargazers_count",
        "watchers_count",
        "forks_count",
        "forks",
        "watchers",
        "network_count",
        "subscribers_count",
    )
    return {
        "id": repo.id,
        "node_id": node_id("R", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
        "owner": user_row(owner) | {"type": kind},
        "html_url": f"{WEB}/{path}",
        "description": f"What {repo.name} is made of",
        "url": api,
        **{key: api + tail for key, tail in _REPO_URLS.items()},
        "git_url": f"git://github.example/{path}.git",
        "ssh_url": f"git@github.example:{path}.git",
        "clone_url": f"{WEB}/{path}.git",
        "svn_url": f"{WEB}/{path}",
        "homepage": None,
        "mirror_url": None,
        "language": "Python",
        "license": None,
        "topics": [],
        "visibility": "private" if repo.private else "public",
        "default_branch": "main",
        "size": 4096,
        **dict.fromkeys(flags, True),
        **dict.fromkeys(off, False),
        "fork": repo.fork,
        "has_issues": repo.has_issues,
        "has_pull_requests": repo.has_pull_requests,
        "disabled": repo.blocked is not None,
        **dict.fromkeys(counts, 0),
        "archived": repo.archived,
        "open_issues": open_items,
        "open_issues_count": open_items,
        "created_at": time_text(repo.created_at),
        "updated_at": time_text(repo.updated_at),
        "pushed_at": time_text(repo.updated_at),
        "permissions": {"admin": False, "maintain": False, "push": True, "triage": True, "pull": True},
    }


def repo_bytes(repo: Repo, owner: User) -> bytes:
    """`repo_row` as JSON, made once for each version of the repository."""
    if repo.as_json[0] != repo.version:
        repo.as_json = (repo.version, compact_json(repo_row(repo, owner)))
    return repo.as_json[1]


def node_id(kind: str, id: int) -> str:
    """The GraphQL id. Clients must not interpret the id."""
    return f"{kind}_kwDO{id:08x}"


def node_id_within(repo: Repo, kind: str, id: int) -> str:
    """The GraphQL id of an issue (`I`), a pull request (`PR`) or a release (`RE`), in either of GitHub's forms.

    The present form packs the repository's id and the item's id as MessagePack.
    """
    if repo.legacy_ids:
        name = {"I": "Issue", "PR": "PullRequest", "RE": "Release"}[kind]
        return base64.b64encode(f"0{len(name)}:{name}{id}".encode()).decode()
    packed = b"\x93\x00" + b"".join(b"\xce" + number.to_bytes(4) for number in (repo.id, id))
    return f"{kind}_{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"
