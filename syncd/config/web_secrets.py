"""Reads the secrets of `web:`. Each secret is read on use, so the file that `NAME_FILE` names may be replaced while
syncd runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from syncd.config.document import Place
from syncd.config.load import Config
from syncd.config.references import ShortSecret, secret_at
from syncd.sdk import ConfigError, Problem

_TOKENS: Place = ("web", "login", "tokens")
_CLIENT_SECRET: Place = ("web", "login", "oidc", "client_secret")
_METRICS_TOKEN: Place = ("web", "metrics_token")


def login_tokens(config: Config) -> Mapping[str, str]:
    """The tokens by name. Leaves out tokens that are not set or too short, so that nobody can log in with them."""
    tokens = {}
    for name in config.settings.web.token_names:
        with suppress(ConfigError):
            tokens[name] = _secret(config, (*_TOKENS, name))
    return tokens


def client_secret(config: Config) -> str:
    """The secret of `login: oidc:`. Raises ConfigError if the secret is not set, or too short."""
    return _secret(config, _CLIENT_SECRET)


def metrics_token(config: Config) -> str:
    """The token for `/metrics`. Raises ConfigError if the token is not set, or too short."""
    return _secret(config, _METRICS_TOKEN)


def web_secret_problems(config: Config, *, short: bool = False) -> Iterator[Problem]:
    """A problem for each secret that is not set or too short. With `short`, only for secrets that are set but too
    short.
    """
    tokens = [(*_TOKENS, name) for name in config.settings.web.token_names]
    for place in (*tokens, _CLIENT_SECRET, _METRICS_TOKEN):
        if config.document.has(place):
            try:
                _secret(config, place)
            except ConfigError as error:
                if not short or isinstance(error, ShortSecret):
                    yield from error.problems


def _secret(config: Config, place: Place) -> str:
    name = f"tokens.{place[-1]}" if place[:-1] == _TOKENS else str(place[-1])
    return secret_at(config.document, place, name)
