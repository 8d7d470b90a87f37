"""The secrets that the sandbox accepts, and the keys behind its Google service account and GitHub App."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SERVICE_EMAIL = "syncd@acme-sandbox.iam.gserviceaccount.example"


class Credentials:
    """Fixed and plainly named secrets, so that a leak of one into a log is easy to find."""

    github = "sandbox-github-token-5b1d"
    github_readonly = "sandbox-github-readonly-77aa"
    jira_email = "bot@acme.example"
    jira_token = "sandbox-jira-token-9c3e"  # noqa: S105  it opens nothing but the sandbox
    jira_pat = "sandbox-jira-pat-2f60"
    google_token = "sandbox-google-token-e481"  # noqa: S105
    google_api_key = "sandbox-google-api-key-d07b"
    metrics_key = "sandbox-metrics-key-31f9"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._installation_tokens: set[str] = set()
        self._google_tokens = {self.google_token}

    def as_dict(self) -> dict[str, str]:
        """Every fixed secret by name."""
        names = (
            "github", "github_readonly", "jira_email", "jira_token", "jira_pat",
            "google_token", "google_api_key", "metrics_key",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    @cached_property
    def key(self) -> RSAPrivateKey:
        """One key for the service account and the app, made when first asked for: it costs a tenth of a second."""
        from cryptography.hazmat.primitives.asymmetric import rsa

        with self._lock:
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def private_pem(self) -> str:
        """That key as PKCS #8 PEM."""
        from cryptography.hazmat.primitives import serialization as to

        return self.key.private_bytes(to.Encoding.PEM, to.PrivateFormat.PKCS8, to.NoEncryption()).decode()

    # -- GitHub

    @cached_property
    def github_app(self) -> dict[str, str]:
        """What a client needs to act as the app."""
        return {"app_id": "424242", "installation_id": "5150", "private_key": self.private_pem}

    def is_github(self, token: str) -> bool:
        """A personal token, or one that an installation got."""
        return token in (self.github, self.github_readonly) or token in self._installation_tokens

    def is_app_jwt(self, token: str) -> bool:
        """Signed with the app's key, in its name."""
        claims = self.claims(token)
        return claims is not None and str(claims.get("iss")) == self.github_app["app_id"]

    def new_installation_token(self) -> tuple[str, datetime]:
        """(token, when it expires)."""
        token = f"sandbox-installation-{secrets.token_hex(8)}"
        with self._lock:
            self._installation_tokens.add(token)
        return token, datetime.now(UTC) + timedelta(hours=1)

    # -- Google

    def write_service_account(self, path: Path, token_url: str) -> Path:
        """A service-account file as the Cloud console makes it, whose `token_uri` is the sandbox's."""
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

    def is_google(self, token: str) -> bool:
        """The fixed access token, or one that the token endpoint gave."""
        return token in self._google_tokens

    def new_google_token(self) -> str:
        """An access token for the service account."""
        token = f"sandbox-google-{secrets.token_hex(8)}"
        with self._lock:
            self._google_tokens.add(token)
        return token

    # -- JSON web tokens

    def claims(self, token: str) -> dict[str, Any] | None:
        """What an RS256 token says, if this box's key signed it and it has not expired; else None."""
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
