"""Check-ins to Tability, through the address that each of its outcomes has for them.

Source: guides.tability.app, "Using the Check-ins API": a POST to `/webhooks/checkins?remote_checkins_token=…` with
`personal_api_token`, `score`, `body` and `confidence`, a colour, which Tability else picks itself. Nothing of it can be
read back by these tokens.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, ClassVar

import orjson
from pydantic import Field, PrivateAttr

from syncd.sdk import (
    ConnectionSettings,
    Content,
    Context,
    PublishKeys,
    Secret,
    Statement,
    Summary,
    WebAddress,
    Written,
)
from syncd.sdk.block import COMMENTED, comment
from syncd.sdk.sending import answered

_COLOURS = {"on_track": "green", "done": "green", "at_risk": "yellow", "off_track": "red"}


class TabilitySettings(ConnectionSettings):
    """A person of a Tability workspace, and the outcomes that take check-ins from outside."""

    url: WebAddress = Field("https://api.tability.app", description="What stands before /webhooks.")
    personal_api_token: Secret = Field(description="Whose check-ins they are: the token of a person's account.")
    outcomes: dict[str, Secret] = Field(
        min_length=1, description="The remote_checkins_token of each key result's outcome: {calls: ${TABILITY_CALLS}}."
    )
    timeout: float = Field(30, gt=0, description="Seconds to wait for an answer.")


class TabilityPublish(PublishKeys):
    """It has no keys: the connection says which key results have an outcome."""

    _outcomes: Collection[str] | None = PrivateAttr(None)

    def model_post_init(self, context: Any) -> None:
        """Takes the names of the outcomes from the connection's settings."""
        if context and "settings" in context:
            self._outcomes = frozenset(context["settings"].outcomes)

    def names(self) -> Collection[str] | None:
        """Those that have an outcome."""
        return self._outcomes

    def uses(self) -> Collection[str]:
        """What a check-in says."""
        return COMMENTED

    def target(self, key_result: str) -> str:
        """Its outcome, whose token is a secret."""
        return f"the outcome of {key_result}"


class Tability:
    """The connector."""

    summary: ClassVar[str] = "check-ins to the outcomes of Tability"
    Settings = TabilitySettings
    Publish = TabilityPublish

    @staticmethod
    def publisher(settings: TabilitySettings, context: Context, keys: TabilityPublish) -> TabilityPublisher:
        """A publisher; makes no request yet."""
        return TabilityPublisher(settings, context)


class TabilityPublisher:
    """An opened account."""

    together = False
    appends = True

    def __init__(self, settings: TabilitySettings, context: Context) -> None:
        import httpx

        self._settings = settings
        self._context = context
        # A connection kept open may be closed by the server just as it is used again: that would be doubt for nothing.
        self._client = httpx.Client(
            base_url=settings.url, timeout=settings.timeout, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def content(self, said: Statement | Summary) -> Content:
        """A check-in; none where the number is not known."""
        assert isinstance(said, Statement)
        if said.value is None:
            return {}
        colour = _COLOURS.get(said.health)
        return {
            "score": f"{said.value:.15g}",
            "body": comment(said),
            **({"confidence": colour} if colour else {}),
        }

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Written]:
        """Never asked of what can only be appended to."""
        return {}

    def write(self, contents: Mapping[str, Content]) -> None:
        """One check-in each."""
        for name, content in contents.items():
            if content:
                self._context.retry.call(partial(self._send, name, content))

    def close(self) -> None:
        """Closes the sockets."""
        self._client.close()

    def _send(self, name: str, content: Content) -> None:
        body = orjson.dumps({"personal_api_token": self._settings.personal_api_token.get_secret_value(), **content})
        token = self._settings.outcomes[name].get_secret_value()
        answered(
            lambda: self._client.post(
                "/webhooks/checkins",
                params={"remote_checkins_token": token},
                content=body,
                headers={"Content-Type": "application/json", "User-Agent": "syncd"},
            ),
            self._context.now,
        )
