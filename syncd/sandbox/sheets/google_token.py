"""Google's OAuth 2 token endpoint: the JWT bearer grant of service accounts (RFC 7523)."""

from __future__ import annotations

from urllib.parse import parse_qs

from syncd.sandbox.credentials import SERVICE_EMAIL, Credentials
from syncd.sandbox.http import Request, Response, json_response

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"
"""The audience in all assertions of google-auth. The audience does not depend on the key file's `token_uri`
(google/oauth2/service_account.py).
"""


class GoogleToken:
    """Checks the signature, issuer, audience and scope of an assertion, and issues an access token that is valid for an
    hour.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def __call__(self, request: Request) -> Response:
        """Answers with a token, or with Google's own error if the grant is not valid."""
        form = parse_qs(request.body.decode("utf-8", "replace"))
        if request.method != "POST" or form.get("grant_type") != [GRANT]:
            return _refused("unsupported_grant_type", "Invalid grant_type: " + form.get("grant_type", [""])[0])
        claims = self._credentials.claims(form.get("assertion", [""])[0])
        if claims is None:
            return _refused("invalid_grant", "Invalid JWT Signature.")
        if claims.get("iss") != SERVICE_EMAIL:
            return _refused("invalid_grant", "Invalid grant: account not found")
        if claims.get("aud") not in (AUDIENCE, request.base):
            return _refused("invalid_grant", "Invalid JWT: Failed audience check.")
        if not claims.get("scope"):
            return _refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        token = self._credentials.new_google_token(str(claims["scope"]))
        return json_response({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})


def _refused(error: str, description: str) -> Response:
    return json_response({"error": error, "error_description": description}, 400)
