"""GitHub App authentication: a client exchanges a JWT signed with the app's key for an installation token."""

from __future__ import annotations

from typing import Any

from syncd.sandbox.credentials import INSTALLATION, Credentials
from syncd.sandbox.github import repo_rows
from syncd.sandbox.github.code import User
from syncd.sandbox.github.item_rows import filled
from syncd.sandbox.http import JSON, Request, Response, compact_json, json_response

_MADE = "2026-01-05T08:00:00Z"


def answer_app(request: Request, credentials: Credentials, owner: User) -> Response:
    """`GET /app/installations/{id}` and `POST …/access_tokens`, for the app's only installation."""
    app = credentials.github_app
    if not credentials.is_app_jwt(request.bearer() or ""):
        return json_response({"message": "A JSON web token could not be decoded", "status": "401"}, 401)
    here = f"/app/installations/{app['installation_id']}"
    if (request.method, request.path) == ("POST", here + "/access_tokens"):
        token, expires = credentials.new_installation_token()
        issued = {"token": token, "expires_at": repo_rows.time_text(expires), "repository_selection": "all"}
        return json_response(issued | {"permissions": INSTALLATION}, 201)
    if (request.method, request.path) == ("GET", here):
        body = filled(compact_json(_installation(app, here, owner)), request.base)
        return Response(200, body, {"Content-Type": JSON})
    return json_response({"message": "Not Found", "status": "404"}, 404)


def _installation(app: dict[str, str], here: str, owner: User) -> dict[str, Any]:
    return {
        "id": int(app["installation_id"]),
        "account": repo_rows.user_row(owner) | {"type": "Organization"},
        "repository_selection": "all",
        "access_tokens_url": f"@API@{here}/access_tokens",
        "repositories_url": "@API@/installation/repositories",
        "html_url": f"{repo_rows.WEB}/organizations/{owner.login}/settings/installations/{app['installation_id']}",
        "app_id": int(app["app_id"]),
        "app_slug": "syncd",
        "target_id": owner.id,
        "target_type": "Organization",
        "permissions": INSTALLATION,
        "events": [],
        "single_file_name": None,
        "created_at": _MADE,
        "updated_at": _MADE,
        "suspended_by": None,
        "suspended_at": None,
    }
