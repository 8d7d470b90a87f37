"""A login at an OpenID Connect provider, from its beginning to the person who has logged in.

The login is the code flow with PKCE, by authlib. A signed cookie of the browser contains the state, the nonce and the
verifier. Any process can therefore finish the login, but only in the browser that began it.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syncd.config import Config
from syncd.config.web_keys import OidcKeys
from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked
from syncd.sdk.sentences import single_line
from syncd.web.provider import NOT_BELIEVED, LoginRefused, Provider, ProviderDocument

SECONDS = 600
"""How many seconds a person may take to log in at the provider."""

_LEEWAY = 60  # seconds that the provider's clock may differ
_REMEMBERED = 600.0  # seconds for which the provider's document is cached
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""The accepted signature algorithms, all with a key pair. `HS256` would sign with the client's secret, and `none` means
no signature.
"""

_STARTED_ELSEWHERE = marked("this login did not begin in this browser, or it took too long; log in again")


@dataclass(frozen=True, slots=True)
class Person:
    """Who has logged in: the name to show, every name that roles may list, the groups, and the page to go to."""

    name: str
    names: frozenset[str]
    groups: frozenset[str]
    target: str


class Issuer:
    """Begins and ends logins at the provider in the configuration. Several threads may use one object."""

    def __init__(self) -> None:
        self._remembered: tuple[float, str, ProviderDocument] | None = None

    def begin(self, config: Config, keys: OidcKeys, target: str, key: bytes) -> tuple[str, str]:
        """The address at the provider, and the cookie for the browser, signed by `key`. Raises LoginRefused."""
        provider = Provider(config, keys)
        document = self._document(provider)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _part in range(3))
        kept = {"state": state, "nonce": nonce, "verifier": verifier, "target": target, "iss": document.issuer}
        address = provider.address(document, state, nonce, verifier)
        return address, _signed({**kept, "exp": int(time.time()) + SECONDS}, key)

    def end(self, config: Config, keys: OidcKeys, query: Mapping[str, str], kept: Mapping[str, str]) -> Person:
        """The person whom the provider sent back with this query; `kept` is the browser's state from the beginning of
        the login.

        Raises LoginRefused.
        """
        provider = Provider(config, keys)
        if "error" in query:
            reason = single_line(query["error"], 100)
            raise LoginRefused(_("the login provider did not let you in: %(reason)s", reason=reason), reason)
        document = self._document(provider)
        if not kept["iss"] == document.issuer == query.get("iss", document.issuer):
            raise LoginRefused(_(NOT_BELIEVED), "another issuer answers than was asked")
        token = provider.token(document, query.get("code", ""), kept["verifier"])
        claims = _verified(provider, document, token, kept["nonce"])
        more: Mapping[str, Any] = {}
        if any(name not in claims for name in ("email", "email_verified", provider.groups_claim)):
            more = provider.user_info(document, str(token.get("access_token")))
            if more and more.get("sub") != claims["sub"]:
                raise LoginRefused(_(NOT_BELIEVED), "the user info is of another person than the ID token")
        return _person(claims, more, provider.groups_claim, kept["target"])

    def _document(self, provider: Provider) -> ProviderDocument:
        """The provider's document, cached for `_REMEMBERED` seconds."""
        now, issuer = time.monotonic(), provider.keys.issuer
        remembered = self._remembered  # another thread may replace it at any time, even with that of another issuer
        if remembered is None or remembered[1] != issuer or now - remembered[0] > _REMEMBERED:
            remembered = self._remembered = now, issuer, provider.document()
        return remembered[2]


def _verified(
    provider: Provider, document: ProviderDocument, token: Mapping[str, Any], nonce: str
) -> Mapping[str, Any]:
    """Checks that the provider has signed the ID token for syncd and for this login, and that the token is valid now.
    Returns its claims.
    """
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    client_id = provider.keys.client_id
    options = {
        "iss": {"essential": True, "value": document.issuer},
        "aud": {"essential": True, "value": client_id},
        "sub": {"essential": True},
    }
    params = {"nonce": nonce, "client_id": client_id, "access_token": token.get("access_token")}
    keys = provider.signing_keys(document)
    try:
        algorithms = [name for name in _ALGORITHMS if name in document.id_token_signing_alg_values_supported]
        decoded = jwt.decode(str(token.get("id_token")), KeySet.import_key_set(keys), algorithms=algorithms)  # type: ignore[arg-type]  # it checks
        claims = CodeIDToken(decoded.claims, decoded.header, options, params)
        claims.validate(leeway=_LEEWAY)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        reason = f"the ID token: {type(error).__name__}: {single_line(str(error))}"
        raise LoginRefused(_(NOT_BELIEVED), reason) from None
    return dict(claims)


def _person(claims: Mapping[str, Any], more: Mapping[str, Any], groups_claim: str, target: str) -> Person:
    """The person in the claims of the ID token and the user info. The name is the verified mail address, else the
    subject.

    Other names, such as `preferred_username`, may belong to somebody else (OpenID Connect Core 5.7).
    """
    subject = str(claims["sub"])
    name = _verified_address(claims, more) or subject
    groups = {**more, **claims}.get(groups_claim)
    members = groups if isinstance(groups, list) else [groups]
    return Person(
        name, frozenset({name, subject}), frozenset(each for each in members if isinstance(each, str)), target
    )


def _verified_address(*sources: Mapping[str, Any]) -> str | None:
    """The mail address that a source names and calls verified; None if any source says that its address is not
    verified.

    At some providers, people may write any address into their profile. A verification applies only to the address in
    the same source.
    """
    verified = [source["email_verified"] in (True, "true") for source in sources if "email_verified" in source]
    addresses = [source.get("email") for source in sources if "email_verified" in source]
    if not all(verified):
        return None
    return next((address for address in addresses if isinstance(address, str) and address), None)


# -- what the browser keeps meanwhile


def _signed(kept: Mapping[str, Any], key: bytes) -> str:
    from joserfc import jwt
    from joserfc.jwk import OctKey

    return jwt.encode({"alg": "HS256"}, dict(kept), OctKey.import_key(key))


def begun_login(query: Mapping[str, str], cookie: str, key: bytes) -> Mapping[str, str]:
    """The state that the browser stored when it began a login; `query` is the query of the provider's redirect.

    `key` is the key of `begin`. Raises LoginRefused if the browser began no login, began another login, or began this
    login too long ago.
    """
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import OctKey

    try:
        decoded = jwt.decode(cookie, OctKey.import_key(key), algorithms=["HS256"])
        jwt.JWTClaimsRegistry(exp={"essential": True}).validate(decoded.claims)
    except (JoseError, ValueError) as error:
        raise LoginRefused(_(_STARTED_ELSEWHERE), f"the login cookie: {type(error).__name__}") from None
    kept: Mapping[str, str] = decoded.claims
    if not hmac.compare_digest(query.get("state", "").encode(), kept["state"].encode()):
        raise LoginRefused(_(_STARTED_ELSEWHERE), "the state is not that of this browser")
    return kept
