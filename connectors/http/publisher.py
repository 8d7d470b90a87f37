"""Sends check-ins to any API. Templates make the requests from the fields of a check-in. syncd cannot read back sent
check-ins.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationInfo, field_validator

from connectors.http.evaluation import search
from connectors.http.keys import HEADER, Expression, Path
from connectors.http.settings import HttpSettings
from syncd.sdk import (
    Answer,
    Content,
    Context,
    JsonPublisher,
    PublishKeys,
    SourceBroken,
    Statement,
    Summary,
    sentence,
)
from syncd.sdk.credentials import SECRET_NAME

_NUMBERS = ("value", "progress", "score")
_WHICH = re.compile(r"\{\{\s*(?:id|key_result)\s*\}\}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OF_THE_CONNECTION = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""Headers whose values follow from the request itself. Any other value breaks the request (RFC 9112)."""


class Success(BaseModel):
    """The conditions for an answer that accepts a check-in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: tuple[StrictInt, ...] = Field(
        (), description="The HTTP statuses of an answer that accepts a check-in; by default any 2xx."
    )
    json_: Expression | None = Field(
        None,
        alias="json",
        description="A JMESPath expression that must be true for the JSON of the answer, such as `ok`.",
    )


class HttpPublish(PublishKeys):
    """How check-ins are sent to a web API."""

    method: Literal["POST", "PUT", "PATCH"] = Field("POST", description="The HTTP method.")
    ids: dict[str, str | int] | None = Field(
        None,
        min_length=1,
        description="The id of each key result in that API. Templates use it as `id`. syncd sends only these key "
        "results.",
    )
    path: Path = Field(
        description="A template for the path after the connection's url. syncd quotes the values in the path."
    )
    headers: dict[str, str] = Field({}, description="Templates for additional headers, without secrets.")
    body: dict[str, Any] | list[Any] | None = Field(
        None,
        description="The body, which syncd sends as JSON. Its texts are templates. A text that is a single expression"
        " keeps the type of the value.",
    )
    text: str | None = Field(None, description="A template for a body that is not JSON.")
    content_type: str = Field("text/plain; charset=utf-8", description="The content type of `text`.")
    success: Success = Field(
        Success(), description="The conditions for an answer that accepts a check-in, if 2xx is not enough."
    )

    @field_validator("path", "headers", "body", "text")
    @classmethod
    def _can_be_rendered(cls, value: Any, info: ValidationInfo) -> Any:
        from connectors.http.rendering import try_out

        try_out(str(info.field_name), value, has_ids=bool(info.data.get("ids")))
        return value

    @field_validator("headers")
    @classmethod
    def _no_secrets(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"has {name!r}, which is no name of a header; write such as X-Api-Version")
            if name.lower() in _OF_THE_CONNECTION:
                raise ValueError(f"has {name}, which follows from the request itself; leave it out")
            if SECRET_NAME.search(name) and "{{" not in text:
                raise ValueError(
                    f"has {name}, a secret by its name; write it into the connection's headers as ${{NAME}}"
                )
        for name in value:
            if sum(name.lower() == other.lower() for other in value) > 1:
                raise ValueError(f"has {name} twice, in capital and small letters; keep one of them")
        return value

    @field_validator("body", mode="before")
    @classmethod
    def _is_json(cls, value: Any) -> Any:
        if value is not None and not isinstance(value, dict | list):
            raise ValueError(f"is {str(value)!r}; write a block of keys or a list, or 'text' for what is no JSON")
        return value

    @field_validator("content_type")
    @classmethod
    def _fits_into_a_header(cls, value: str) -> str:
        if not re.fullmatch(r"[!-~]+(?: [!-~]+)*", value):
            raise ValueError(f"is {value!r}; write a type such as text/plain; charset=utf-8")
        return value

    @field_validator("text")
    @classmethod
    def _text_or_body(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("body") is not None:
            raise ValueError("goes without 'body': write one of them")
        return value

    def names(self) -> Collection[str] | None:
        """The key results that `ids` names."""
        return self.ids

    def uses(self) -> Collection[str]:
        """The fields of a check-in that the templates name."""
        from connectors.http.rendering import names_in

        return names_in(self.path, self.headers, self.body, self.text)

    def target(self, key_result: str) -> str:
        """The method and the path. The id is added if the path does not contain it."""
        id_ = self.ids.get(key_result, key_result) if self.ids else key_result
        path, ids = _WHICH.subn(lambda _: str(id_), self.path)
        return f"{self.method} {path}" if ids else f"{self.method} {path} ({id_})"

    def how(self, key_result: str) -> Any:
        """All keys except `ids` and `success`. A new id affects no other key result, and `success` does not change a
        request.
        """
        return self.model_dump(mode="json", exclude={"ids", "success"}, exclude_defaults=True)


class HttpPublisher(JsonPublisher):
    """Sends check-ins to an opened API."""

    def __init__(self, settings: HttpSettings, context: Context, keys: HttpPublish) -> None:
        super().__init__(settings.client(context, keep_alive=False))
        self._keys = keys
        self._hide = context.hide
        self._uses = keys.uses()
        # A PUT may be repeated, so its delivery is never unsure: syncd sends it again until an answer says that it
        # arrived.
        self.appends = keys.method != "PUT"

    def content(self, statement: Statement | Summary) -> Content:
        """The request; empty if the request would show an unknown number."""
        from connectors.http.rendering import request

        assert isinstance(statement, Statement)
        if any(getattr(statement, name) is None for name in _NUMBERS if name in self._uses):
            return {}
        keys = self._keys
        id_ = (keys.ids or {}).get(statement.key_result)
        places = request(statement, id_, keys.path, keys.headers, keys.body, keys.text)
        return {HEADER + "Content-Type": keys.content_type, **places} if keys.text is not None else places

    def send(self, key_result: str, content: Content) -> None:
        """Sends one request."""
        body = content.get("body")
        self.api.write(
            self._keys.method,
            str(content["path"]),
            None if body is None else str(body).encode(),
            headers={
                place.removeprefix(HEADER): str(value) for place, value in content.items() if place.startswith(HEADER)
            },
            accepted=self._keys.success.status,
            check=self._check,
        )

    def _check(self, answer: Answer) -> None:
        expression = self._keys.success.json_
        if expression is None:
            return
        try:
            taken = search(expression, answer.json())
        except ValueError:
            taken = None
        if taken is not True:
            raise SourceBroken(
                f"it did not take it, by success.json ({expression}): {sentence(answer.text, self._hide)}"
            )
