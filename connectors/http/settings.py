"""The settings of a connection to a web API."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pydantic import Field, ValidationInfo, field_validator, model_validator

from connectors.http.oauth import OAuth, Tokens
from syncd.sdk import Context, Json, JsonClient, Secret, WebSettings
from syncd.sdk.credentials import SECRET_NAME
from syncd.sdk.references import REFERENCE


class HttpSettings(WebSettings):
    """A web API."""

    asked = ("url", "token")

    headers: dict[str, str] = Field({}, description="Headers of every request. Write secrets as ${NAME}.")
    token: Secret | None = Field(None, description="A token, which syncd sends as `Authorization: Bearer`.")
    oauth: OAuth | None = Field(
        None, description="How to get an access token, instead of `token`: {token_url, client_id, client_secret}."
    )
    allow: list[str] | None = Field(
        None,
        description="The paths that mappings may read, such as /v1/metrics/*. By default all.",
    )
    post: bool = Field(
        False,
        strict=True,
        description="Whether measures may use `method: POST`, for APIs that read data by POST. Only a sync sends a "
        "POST, and never repeats a POST that failed.",
    )

    @field_validator("headers")
    @classmethod
    def _secrets_by_reference(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if not (info.context or {}).get("resolved"):
            for name, text in value.items():
                if SECRET_NAME.search(name) and not REFERENCE.search(text):
                    variable = re.sub(r"\W+", "_", name).upper()
                    raise ValueError(
                        f'has {name} written out, a secret by its name; write "${{{variable}}}" and set it outside'
                    )
        return value

    @model_validator(mode="after")
    def _single_credential(self) -> HttpSettings:
        if self.oauth is not None:
            for key in ["token"] * (self.token is not None) + [f"headers.{name}" for name in self.headers]:
                if key == "token" or key.lower() == "headers.authorization":
                    raise ValueError(f"has oauth and {key}, which both make the header Authorization; keep one of them")
        return self

    def secrets(self) -> Iterator[tuple[str, str]]:
        """The token, the secrets of `oauth`, and each header whose name says that it is a secret."""
        yield from super().secrets()
        yield from ((f"oauth.{name}", value) for name, value in (self.oauth.secrets() if self.oauth else ()))
        for name, value in self.headers.items():
            if SECRET_NAME.search(name):
                yield f"headers.{name}", value

    def identity(self, hide: Callable[[str], str]) -> Json:
        """The settings that determine the identity of syncd's requests, without the values of secrets. A short secret
        could be guessed from the stored digest, and the identity stays the same when a token rotates. `hide` masks
        secrets in other settings.
        """
        headers = {
            name.lower(): None if SECRET_NAME.search(name) else hide(value) for name, value in self.headers.items()
        }
        oauth = [self.oauth.token_url, self.oauth.client_id, self.oauth.scope] if self.oauth is not None else None
        return [sorted(headers.items()), self.token is not None, oauth]

    def client(self, context: Context, *, keep_alive: bool = True) -> JsonClient:
        """A client whose requests have the connection's headers. The requests also have the token, unless the
        connection's headers include `Authorization`.
        """
        headers = dict(self.headers)
        if self.token is not None and "authorization" not in {name.lower() for name in headers}:
            headers["Authorization"] = f"Bearer {self.token.get_secret_value()}"
        tokens = Tokens(self.oauth, self, context) if self.oauth is not None else None
        return JsonClient(self, context, headers, keep_alive=keep_alive, credentials=tokens)
