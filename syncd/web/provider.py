"""The HTTP requests to an OpenID Connect provider, with limits of time and size."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote_plus

from pydantic import BaseModel

from syncd.config import Config
from syncd.config.web_keys import OidcKeys
from syncd.config.web_secrets import client_secret
from syncd.sdk import ConfigError, Context, JsonClient, RetryPolicy, SourceError, SyncdError, WebSettings
from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked
from syncd.sdk.redactor import Redactor
from syncd.sdk.sentences import single_line
from syncd.web.origins import netloc_of, parts_of

T = TypeVar("T")

CALLBACK = "/login/callback"
"""The page that a provider sends people back to."""

SILENT = marked("the login provider could not be asked; try again in a minute")
NOT_BELIEVED = marked("what the login provider says cannot be believed; log in again")
_BASIC, _POST = "client_secret_basic", "client_secret_post"
_LIMITS: Mapping[str, Any] = {"timeout": 5, "deadline": timedelta(seconds=7), "largest_answer": "1 MB"}


class LoginRefused(SyncdError):
    """A login that did not succeed: the status and the sentence for the person, and the reason for the log."""

    def __init__(self, sentence: str, reason: str, status: int = 403) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.status = status


class ProviderDocument(BaseModel):
    """The parts of a provider's own description that syncd uses (OpenID Connect Discovery)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    scopes_supported: list[str] | None = None
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    id_token_signing_alg_values_supported: list[str] = ["RS256"]

    @property
    def endpoints(self) -> Collection[str]:
        """Every address in the document that syncd or a browser would request."""
        addresses = {name: value for name, value in self if name.endswith(("_endpoint", "_uri"))}
        return [address for address in addresses.values() if address is not None]


class Provider:
    """Sends requests to the provider of a configuration.

    Every method raises LoginRefused if the provider does not answer.
    """

    def __init__(self, config: Config, keys: OidcKeys) -> None:
        """Prepares requests to the provider. Raises LoginRefused if the client's secret is not set."""
        self.keys = keys
        self.groups_claim = config.settings.web.groups_claim
        self._callback = f"{config.settings.web.address}{CALLBACK}"
        try:
            self.secret = client_secret(config)
        except ConfigError as error:
            sentence = _("nobody can log in: the secret of the login provider is not set")
            raise LoginRefused(sentence, str(error), 503) from None
        self._hide = Redactor([self.secret])
        self._context = Context(RetryPolicy(attempts=1), config.zone, hide=self._hide)

    def document(self) -> ProviderDocument:
        """The provider's document. Raises LoginRefused also if the document names another issuer, or if the issuer uses
        TLS and an endpoint does not.
        """
        document = self._read(f"{self.keys.issuer}/.well-known/openid-configuration", ProviderDocument)
        if document.issuer.rstrip("/") != self.keys.issuer:
            reason = (
                f"{self.keys.issuer} calls itself {single_line(document.issuer)}; write that as web.login.oidc.issuer"
            )
            raise LoginRefused(_(NOT_BELIEVED), reason, 502)
        schemes = ("https",) if self.keys.issuer.startswith("https://") else ("https", "http")
        for endpoint in document.endpoints:
            parts = parts_of(endpoint)
            if parts is None or parts.scheme not in schemes or not parts.netloc:
                reason = f"{self.keys.issuer} names the endpoint {single_line(endpoint, 200)}"
                raise LoginRefused(_(NOT_BELIEVED), f"{reason}; it must begin with {' or '.join(schemes)}", 502)
        return document

    def address(self, document: ProviderDocument, state: str, nonce: str, verifier: str) -> str:
        """The address at which the browser logs in."""
        with self._client(document) as client:
            endpoint = document.authorization_endpoint
            address, _state = client.create_authorization_url(endpoint, state, verifier, nonce=nonce)
        return str(address)

    def token(self, document: ProviderDocument, code: str, verifier: str) -> Mapping[str, Any]:
        """Exchanges a code for an ID token and an access token."""
        import requests
        from authlib.integrations.base_client import OAuthError

        try:
            with self._client(document) as client:
                token: Mapping[str, Any] = client.fetch_token(
                    document.token_endpoint, code=code, code_verifier=verifier, grant_type="authorization_code"
                )
        except OAuthError as error:  # its text is the provider's
            reason = f"the code was refused: {single_line(str(error), hide=self._hide)}"
            raise LoginRefused(_(NOT_BELIEVED), reason) from None
        except (requests.RequestException, ValueError, SourceError) as error:
            reason = f"the token endpoint: {single_line(str(error), hide=self._hide)}"
            raise LoginRefused(_(SILENT), reason, 502) from None
        return token

    def signing_keys(self, document: ProviderDocument) -> Mapping[str, Any]:
        """The keys with which the provider signs."""
        return self._read(document.jwks_uri, dict[str, Any])

    def user_info(self, document: ProviderDocument, access_token: str) -> Mapping[str, Any]:
        """The user info of the person; empty if the provider has no endpoint for it."""
        if document.userinfo_endpoint is None:
            return {}
        return self._read(document.userinfo_endpoint, dict[str, Any], {"Authorization": f"Bearer {access_token}"})

    def _client(self, document: ProviderDocument) -> Any:
        """authlib's client, which sends only to the token endpoint's server."""
        from authlib.integrations.requests_client import OAuth2Session

        from syncd.sdk.requests_transport import send_through_exchange

        supported = document.token_endpoint_auth_methods_supported
        client = OAuth2Session(
            self.keys.client_id,
            self.secret,
            token_endpoint_auth_method=_POST if _POST in supported and _BASIC not in supported else _BASIC,
            code_challenge_method="S256",
            redirect_uri=self._callback,
            scope=self._scope(document),
        )
        client.register_client_auth_method((_BASIC, _basic))
        send_through_exchange(client, _settings(document.token_endpoint), self._context)
        return client

    def _scope(self, document: ProviderDocument) -> str:
        """The scope of the login, without scopes that the provider does not list, because it may refuse them."""
        offered = document.scopes_supported if document.scopes_supported is not None else ("email", "profile")
        return " ".join(["openid", *(scope for scope in ("email", "profile", self.groups_claim) if scope in offered)])

    def _read(self, address: str, shape: type[T], headers: Mapping[str, str] | None = None) -> T:
        try:
            with closing(JsonClient(_settings(address), self._context, headers, keep_alive=False)) as client:
                return client.read("", shape)
        except SourceError as error:
            raise LoginRefused(_(SILENT), f"{netloc_of(address)}: {error}", 502) from None


def _basic(client: Any, _method: str, uri: str, headers: dict[str, str], body: str) -> tuple[str, dict[str, str], str]:
    """Adds the client's id and secret, URL-encoded as RFC 6749 2.3.1 requires. authlib does not encode them."""
    encoded = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    return uri, {**headers, "Authorization": f"Basic {b64encode(encoded.encode()).decode()}"}, body


def _settings(address: str) -> WebSettings:
    return WebSettings(type="oidc", url=address, **_LIMITS)
