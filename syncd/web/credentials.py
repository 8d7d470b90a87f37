"""Bearer tokens: `Authorization: Bearer TOKEN`, compared in constant time."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from starlette.requests import Request

from syncd.config import Config
from syncd.config.web_secrets import login_tokens
from syncd.ledger.sessions import digest_of
from syncd.sdk.language import marked

SLOW_SECRETS = marked("the secrets of the pages have not been read for %(num)s s; try again in a minute")
"""The error text if reading the tokens takes too long. A token may be in a file on a disk that does not respond."""


def bearer_token(request: Request) -> str | None:
    """The token of a request; None if it has none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def name_of_token(config: Config, token: str) -> str | None:
    """The name of a token in `web: login: tokens:`; None if no token there is equal."""
    return _matching(token, login_tokens(config))


def is_token(token: str | None, expected: str) -> bool:
    """Whether a token equals the expected one."""
    return token is not None and _matching(token, {"": expected}) is not None


def _matching(token: str, tokens: Mapping[str, str]) -> str | None:
    """The name of the equal token; None if no token is equal. The function compares all digests, so that its duration
    reveals nothing.
    """
    matching, digest = None, digest_of(token)
    for name, each in tokens.items():
        if hmac.compare_digest(digest, digest_of(each)):
            matching = name
    return matching
