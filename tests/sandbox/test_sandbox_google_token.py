"""The token endpoint issues tokens and refuses bad assertions as Google's does."""

from __future__ import annotations

import time
from typing import Any

import httpx
import jwt
import pytest

from syncd.sandbox import Sandbox
from syncd.sandbox.credentials import SERVICE_EMAIL
from syncd.sandbox.sheets.google_token import AUDIENCE, GRANT

SCOPE = "https://www.googleapis.com/auth/spreadsheets.readonly"


def ask(box: Sandbox, grant: str = GRANT, **changes: Any) -> httpx.Response:
    now = int(time.time())
    claims = {"iss": SERVICE_EMAIL, "aud": AUDIENCE, "scope": SCOPE, "iat": now, "exp": now + 3600, **changes}
    # The app's key is the service account's too.
    assertion = jwt.encode(claims, box.github_app["private_key"], algorithm="RS256")
    return httpx.post(box.token_url, data={"grant_type": grant, "assertion": assertion})


def test_good_assertion_gets_a_token_that_works(shared_box: Sandbox) -> None:
    bought = ask(shared_box).json()
    assert bought["token_type"] == "Bearer"
    secret = {"Authorization": f"Bearer {bought['access_token']}"}
    assert httpx.get(f"{shared_box.sheets_url}/v4/spreadsheets/nowhere", headers=secret).status_code == 404
    assert ask(shared_box, aud=shared_box.token_url).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"exp": 1_700_000_000}, "invalid_grant"),
        ({"iss": "somebody@else.example"}, "invalid_grant"),
        ({"aud": "https://elsewhere.example"}, "invalid_grant"),
        ({"scope": ""}, "invalid_scope"),
        ({"grant": "password"}, "unsupported_grant_type"),
    ],
)
def test_bad_assertion_is_refused_with_googles_error(shared_box: Sandbox, changes: dict[str, Any], error: str) -> None:
    refused = ask(shared_box, **changes)
    assert (refused.status_code, refused.json()["error"]) == (400, error)
