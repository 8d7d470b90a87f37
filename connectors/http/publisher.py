"""Check-ins to any API, by templates over what they say. What was sent cannot be looked up there."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, Literal

import jmespath
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from connectors.http.keys import Expression, Path
from connectors.http.settings import SECRET_HEADER, HttpSettings
from syncd.sdk import (
    Content,
    Context,
    PublishKeys,
    SourceBroken,
    Statement,
    Summary,
    Written,
    single_line,
)
from syncd.sdk.sending import answered, in_doubt

HEADER = "header "
"""What the place of a header begins with."""
_NUMBERS = ("value", "progress", "score")
_WHICH = re.compile(r"\{\{\s*(?:id|key_result)\s*\}\}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OF_THE_CONNECTION = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""Headers that follow from the request itself; any other value breaks it (RFC 9112)."""


class Success(BaseModel):
    """What an answer must be for a check-in to have been taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: tuple[int, ...] = Field((), description="The statuses that say so; any 2xx without.")
    json_: Expression | None = Field(None, alias="json", description="JMESPath that must be true of its JSON: `ok`.")


class HttpPublish(PublishKeys):
    """How check-ins are sent to a web API."""

    method: Literal["POST", "PUT", "PATCH"] = Field("POST", description="How to send.")
    ids: dict[str, str | int] | None = Field(
        None,
        min_length=1,
        description="What each key result is called there, as `id` in templates: only these are sent.",
    )
    path: Path = Field(description="Template of what stands behind the connection's url; its values are quoted for it.")
    headers: dict[str, str] = Field({}, description="Templates of further headers; no secrets.")
    body: dict[str, Any] | list[Any] | None = Field(
        None, description="Sent as JSON; its texts are templates, and one that is a single expression keeps its type."
    )
    text: str | None = Field(None, description="Template of a body that is no JSON.")
    content_type: str = Field("text/plain; charset=utf-8", description="Of such a text.")
    success: Success = Field(Success(), description="What the answer must be, where any 2xx is not enough.")

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
            if SECRET_HEADER.search(name) and "{{" not in text:
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
    def _one_body(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("body") is not None:
            raise ValueError("goes without 'body': write one of them")
        return value

    def names(self) -> Collection[str] | None:
        """Those that `ids` names."""
        return self.ids

    def uses(self) -> Collection[str]:
        """What its templates name."""
        from connectors.http.rendering import names_in

        return names_in(self.path, self.headers, self.body, self.text)

    def target(self, key_result: str) -> str:
        """The method and the path, so far as it says which key result is meant."""
        id_ = self.ids.get(key_result, key_result) if self.ids else key_result
        path, said = _WHICH.subn(lambda _: str(id_), self.path)
        return f"{self.method} {path}" if said else f"{self.method} {path} ({id_})"

    def how(self, key_result: str) -> Any:
        """A further id concerns no other key result, and what is to be answered changes nothing of what is sent."""
        return self.model_dump(mode="json", exclude={"ids", "success"}, exclude_defaults=True)


class HttpPublisher:
    """An opened API to write to."""

    together = False

    def __init__(self, settings: HttpSettings, context: Context, keys: HttpPublish) -> None:
        import httpx

        self._keys = keys
        self._uses = keys.uses()
        self._url = settings.url
        self._context = context
        # A PUT may be repeated, so no doubt is left: what is not known to have arrived is sent again.
        self.appends = keys.method != "PUT"
        # A connection kept open may be closed by the server just as it is used again: that would be doubt for nothing.
        self._client = httpx.Client(
            headers=settings.request_headers(),
            timeout=settings.timeout,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def content(self, said: Statement | Summary) -> Content:
        """The request; none where a number that it shows is not known."""
        from connectors.http.rendering import request

        assert isinstance(said, Statement)
        if any(getattr(said, name) is None for name in _NUMBERS if name in self._uses):
            return {}
        keys = self._keys
        found = request(said, (keys.ids or {}).get(said.key_result), keys.path, keys.headers, keys.body, keys.text)
        return {HEADER + "Content-Type": keys.content_type, **found} if keys.text is not None else found

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Written]:
        """What a PUT replaces is not known, and need not be."""
        return {name: Written() for name in wanted}

    def write(self, contents: Mapping[str, Content]) -> None:
        """One request each."""
        for content in filter(None, contents.values()):
            self._context.retry.call(partial(self._send, content))

    def close(self) -> None:
        """Closes the sockets."""
        self._client.close()

    def _send(self, content: Content) -> None:
        repeatable = not self.appends
        headers = [
            (place.removeprefix(HEADER).encode(), str(value).encode())
            for place, value in content.items()
            if place.startswith(HEADER)
        ]
        body = content.get("body")
        url = f"{self._url}{content['path']}"
        response = answered(
            lambda: self._client.request(
                self._keys.method, url, headers=headers, content=None if body is None else str(body).encode()
            ),
            self._context.now,
            repeatable=repeatable,
            accepted=self._keys.success.status,
        )
        expression = self._keys.success.json_
        if expression is None:
            return
        try:
            found = jmespath.search(expression, orjson.loads(response.content))
        except orjson.JSONDecodeError:
            raise in_doubt("its answer is not JSON", repeatable=repeatable) from None
        except jmespath.exceptions.JMESPathError:
            found = None
        if found is not True:
            raise SourceBroken(f"it did not take it, by success.json ({expression}): {single_line(response.text)}")
