"""The secrets that the sandbox accepts, and the key of its Google service account and GitHub App."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SERVICE_EMAIL = "syncd@acme-sandbox.iam.gserviceaccount.example"
SCOPE = "https://www.googleapis.com/auth/spreadsheets"
INSTALLATION = {
    "actions": "read", "contents": "read", "deployments": "read", "issues": "write", "metadata": "read",
    "pull_requests": "read",
}  # fmt: skip
"""The permissions of the GitHub App's installation, by GitHub's names."""


class Credentials:
    """The fixed secrets. The secrets contain plain words, so that a secret that leaks into a log is easy to find."""

    github = "sandbox-github-token-5b1d"
    github_readonly = "sandbox-github-readonly-77aa"
    github_issues = "sandbox-github-issues-90cd"
    github_pulls = "sandbox-github-pulls-3be7"
    gitlab = "sandbox-gitlab-token-84f2"
    gitlab_wide = "sandbox-gitlab-wide-1c7d"
    gitlab_narrow = "sandbox-gitlab-narrow-b95a"
    jira_email = "bot@acme.example"
    jira_token = "sandbox-jira-token-9c3e"  # noqa: S105  only the sandbox accepts it
    jira_readonly_token = "sandbox-jira-readonly-a417"  # noqa: S105
    jira_pat = "sandbox-jira-pat-2f60"
    jira_readonly_pat = "sandbox-jira-readonly-pat-6b92"
    google_token = "sandbox-google-token-e481"  # noqa: S105
    google_readonly_token = "sandbox-google-readonly-58d2"  # noqa: S105
    google_api_key = "sandbox-google-api-key-d07b"
    metrics_key = "sandbox-metrics-key-31f9"
    okr_key = "sandbox-okr-key-c62e"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._installation_tokens: set[str] = set()
        self._google_scopes = {
            self.google_token: frozenset({SCOPE}),
            self.google_readonly_token: frozenset({SCOPE + ".readonly"}),
        }

    def as_dict(self) -> dict[str, str]:
        """Every fixed secret by name."""
        names = (
            "github", "github_readonly", "github_issues", "github_pulls", "gitlab", "gitlab_wide", "gitlab_narrow",
            "jira_email", "jira_token", "jira_readonly_token", "jira_pat", "jira_readonly_pat",
            "google_token", "google_readonly_token", "google_api_key", "metrics_key", "okr_key",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    @cached_property
    def key(self) -> RSAPrivateKey:
        """The private key that the service account and the app share. Generating it takes a tenth of a second, so it is
        generated on first use.
        """
        from cryptography.hazmat.primitives.asymmetric import rsa

        with self._lock:
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def private_pem(self) -> str:
        """The shared key as PKCS #8 PEM."""
        from cryptography.hazmat.primitives import serialization as to

        return self.key.private_bytes(to.Encoding.PEM, to.PrivateFormat.PKCS8, to.NoEncryption()).decode()

    # -- GitHub

    @cached_property
    def github_app(self) -> dict[str, str]:
        """The ids and the key that a client needs to act as the app."""
        return {"app_id": "424242", "installation_id": "5150", "private_key": self.private_pem}

    def github_permissions(self, token: str) -> Mapping[str, str] | None:
        """`read` or `write` for each permission of a personal or an installation token; None for an unknown token."""
        personal: dict[str, Mapping[str, str]] = {
            self.github: dict.fromkeys(INSTALLATION, "write"),
            self.github_readonly: dict.fromkeys(INSTALLATION, "read"),
            self.github_issues: {"metadata": "read", "issues": "write"},
            self.github_pulls: {"metadata": "read", "pull_requests": "read"},
        }
        return INSTALLATION if self.is_installation(token) else personal.get(token)

    def is_installation(self, token: str) -> bool:
        """Whether the token was issued to an installation of the app."""
        return token in self._installation_tokens

    def is_app_jwt(self, token: str) -> bool:
        """Whether the token was signed with the app's key, and names the app as its issuer."""
        claims = self.claims(token)
        return claims is not None and str(claims.get("iss")) == self.github_app["app_id"]

    def new_installation_token(self) -> tuple[str, datetime]:
        """A new token and its expiry."""
        token = f"sandbox-installation-{secrets.token_hex(8)}"
        with self._lock:
            self._installation_tokens.add(token)
        return token, datetime.now(UTC) + timedelta(hours=1)

    # -- GitLab

    def gitlab_scopes(self, token: str) -> list[str] | None:
        """The scopes of a token; None for an unknown token."""
        scopes = {
            self.gitlab: ["read_api"],
            self.gitlab_wide: ["api", "write_repository"],
            self.gitlab_narrow: ["read_user"],
        }
        return scopes.get(token)

    # -- Jira

    def jira_access(self, authorization: str, *, cloud: bool) -> Literal["read", "write"] | None:
        """The permission of the credential in an Authorization header; None for a wrong credential.

        Cloud accepts an email address with a token (Basic). Data Center accepts only a token (Bearer).
        """
        kind, _, secret = authorization.partition(" ")
        access = {self.jira_pat: "write", self.jira_readonly_pat: "read"}
        if cloud:
            tokens = {self.jira_token: "write", self.jira_readonly_token: "read"}
            pairs = {f"{self.jira_email}:{token}": level for token, level in tokens.items()}
            access = {base64.b64encode(pair.encode()).decode(): level for pair, level in pairs.items()}
        if kind.lower() not in (("basic",) if cloud else ("bearer", "token")):
            return None
        return cast('Literal["read", "write"] | None', access.get(secret.strip()))

    # -- Google

    def write_service_account(self, path: Path, token_url: str) -> Path:
        """Writes a service-account file like that of the Cloud console. The file's `token_uri` is the sandbox's
        address.
        """
        content = {
            "type": "service_account",
            "project_id": "acme-sandbox",
            "private_key_id": "sandbox",
            "private_key": self.private_pem,
            "client_email": SERVICE_EMAIL,
            "client_id": "100000000000000000001",
            "token_uri": token_url,
        }
        path.write_text(json.dumps(content, indent=2), encoding="utf-8")
        return path

    def google_scopes(self, token: str) -> frozenset[str] | None:
        """The scopes of a fixed access token, or of a token that the token endpoint issued; None for any other
        token.
        """
        return self._google_scopes.get(token)

    def new_google_token(self, scope: str) -> str:
        """A new access token for the service account, with the requested scopes (separated by spaces)."""
        token = f"sandbox-google-{secrets.token_hex(8)}"
        with self._lock:
            self._google_scopes[token] = frozenset(scope.split())
        return token

    # -- JSON web tokens

    def claims(self, token: str) -> dict[str, Any] | None:
        """The claims of an RS256 token; None if the token was signed with another key, or has expired."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import padding
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            head, body, signature = token.split(".")
            algorithm = json.loads(_decoded(head)).get("alg")
            self.key.public_key().verify(_decoded(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), SHA256())
            claims: dict[str, Any] = json.loads(_decoded(body))
        except (ValueError, InvalidSignature):
            return None
        alive = float(claims.get("exp", 0)) > datetime.now(UTC).timestamp() - 60
        return claims if algorithm == "RS256" and alive else None


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
