"""An OpenID Connect provider on loopback that can be told to lie."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

from joserfc import jws, jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "syncd", "secret+of/the client%"
Claims = dict[str, Any]


@dataclass
class Grant:
    """What a code was given for."""

    nonce: str
    challenge: str
    redirect_uri: str
    person: Claims
    used: bool = False


@dataclass
class Provider:
    """The provider. `lie` changes an ID token's claims; `sign` makes the token of them.

    The claims of `in_user_info` are there in place of the ID token; those of `beside_id_token` are there too.
    """

    url: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    lie: Callable[[Claims], Claims] = dict
    sign: Callable[[Provider, Claims], str] = lambda provider, claims: jwt.encode(
        {"alg": "RS256", "kid": "1"}, claims, provider.key
    )
    in_user_info: frozenset[str] = frozenset()
    user_info: Claims = field(default_factory=dict)
    beside_id_token: Claims = field(default_factory=dict)
    document: Claims = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    forgets_used_codes: bool = False
    grants: dict[str, Grant] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def authorize(self, address: str, **person: Any) -> str:
        """Where the browser is sent back to, once this person has logged in at an address of this provider."""
        parts = urlsplit(address)
        assert address.startswith(f"{self.url}/authorize?")
        query = dict(parse_qsl(parts.query))
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT)
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.grants[code] = Grant(query["nonce"], query["code_challenge"], query["redirect_uri"], person)
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.url})}"

    def answer(self, path: str, headers: Any, body: str) -> tuple[int, Claims]:
        self.requests.append(path)
        match path:
            case "/.well-known/openid-configuration":
                endpoints = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
                endpoints["userinfo_endpoint"] = "userinfo"
                document = {name: f"{self.url}/{path}" for name, path in endpoints.items()}
                algorithms = {"id_token_signing_alg_values_supported": ["RS256", "HS256", "none"]}
                return 200, {"issuer": self.url, **document, **algorithms, **self.document}
            case "/jwks":
                return 200, {"keys": [self.key.as_dict(private=False)]}
            case "/token":
                return self._token(headers, {name: values[0] for name, values in parse_qs(body).items()})
            case "/userinfo":
                return 200, self.user_info
        return 404, {}

    def _token(self, headers: Any, form: dict[str, str]) -> tuple[int, Claims]:
        given = base64.b64decode(headers["Authorization"].partition(" ")[2]).decode()
        if tuple(map(unquote_plus, given.split(":"))) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client", "error_description": f"no client has the secret {SECRET}"}
        grant = self.grants.get(form["code"])
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if grant is None or (grant.used and not self.forgets_used_codes):
            return 400, {"error": "invalid_grant"}
        if (challenge.decode(), form["redirect_uri"]) != (grant.challenge, grant.redirect_uri):
            return 400, {"error": "invalid_grant"}
        grant.used = True
        now = int(time.time())
        person = {"sub": "248289761001", **grant.person}
        self.user_info = {"sub": person["sub"], **{k: v for k, v in person.items() if k in self.in_user_info}}
        self.user_info |= self.beside_id_token
        claims = {k: v for k, v in person.items() if k not in self.in_user_info}
        claims |= {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": grant.nonce}
        id_token = self.sign(self, self.lie(claims))
        return 200, {"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": id_token}


def unsigned(_: Provider, claims: Claims) -> str:
    def part(data: Claims) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part(claims)}."


def signed_with_the_secret(_: Provider, claims: Claims) -> str:
    return jwt.encode({"alg": "HS256", "kid": "1"}, claims, OctKey.import_key(SECRET))


def signed_with_the_public_key(provider: Provider, claims: Claims) -> str:
    """The public key of the provider taken for a secret that both know."""
    key = OctKey.import_key(json.dumps(provider.key.as_dict(private=False)))
    return jws.serialize_compact({"alg": "HS256", "kid": "1"}, json.dumps(claims), key)


def signed_by_another(_: Provider, claims: Claims) -> str:
    return jwt.encode({"alg": "RS256", "kid": "1"}, claims, RSAKey.generate_key(2048, {"kid": "1"}))


@contextmanager
def openid_provider(certificate: Path | None = None) -> Iterator[Provider]:
    """A provider that serves while the context lasts; with a `certificate` over TLS, as `localhost`."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(self.path, "")

        def do_POST(self) -> None:
            self._send(self.path, self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _send(self, path: str, body: str) -> None:
            location = provider.redirects.get(path)
            status, data = (302, {}) if location else provider.answer(path, self.headers, body)
            content = json.dumps(data).encode()
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        provider.url = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
