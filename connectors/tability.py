"""Sends check-ins to Tability. In Tability, each outcome accepts check-ins through its own token.

Source: guides.tability.app, "Using the Check-ins API": a POST to `/webhooks/checkins?remote_checkins_token=…` with
`personal_api_token`, `score`, `body` and `confidence`, which is a colour. Without `confidence`, Tability picks a
colour. The tokens cannot read check-ins.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from pydantic import Field, PrivateAttr

from syncd.sdk import (
    Content,
    Context,
    JsonClient,
    JsonPublisher,
    PublishKeys,
    Secret,
    Statement,
    Summary,
    WebAddress,
    WebSettings,
)
from syncd.sdk.block import COMMENTED, comment

_COLOURS = {"on_track": "green", "done": "green", "at_risk": "yellow", "off_track": "red"}


class TabilitySettings(WebSettings):
    """A person of a Tability workspace, and the outcomes that accept check-ins from outside."""

    url: WebAddress = Field("https://api.tability.app", description="The address of the API, up to /webhooks.")
    personal_api_token: Secret = Field(description="The token of the person who is the author of the check-ins.")
    outcomes: dict[str, Secret] = Field(
        min_length=1,
        description="For each key result, the remote_checkins_token of its outcome in Tability: {calls: "
        "${TABILITY_CALLS}}.",
    )


class TabilityPublish(PublishKeys):
    """The entry has no keys of its own: the connection names the key results that have an outcome."""

    _outcomes: Collection[str] | None = PrivateAttr(None)

    def model_post_init(self, context: Any) -> None:
        """Takes the names of the outcomes from the connection's settings."""
        if context and "settings" in context:
            self._outcomes = frozenset(context["settings"].outcomes)

    def names(self) -> Collection[str] | None:
        """The key results that have an outcome."""
        return self._outcomes

    def uses(self) -> Collection[str]:
        """The fields that a check-in shows."""
        return COMMENTED

    def target(self, key_result: str) -> str:
        """The name of a key result's outcome, without its token, which is a secret."""
        return f"the outcome of {key_result}"


class Tability:
    """The connector."""

    summary: ClassVar[str] = "check-ins to the outcomes of Tability"
    Settings = TabilitySettings
    Publish = TabilityPublish

    @staticmethod
    def publisher(settings: TabilitySettings, context: Context, keys: TabilityPublish) -> TabilityPublisher:
        """Opens a publisher. Makes no request yet."""
        return TabilityPublisher(settings, context)


class TabilityPublisher(JsonPublisher):
    """An opened account."""

    def __init__(self, settings: TabilitySettings, context: Context) -> None:
        super().__init__(JsonClient(settings, context, keep_alive=False))
        self._settings = settings

    def content(self, statement: Statement | Summary) -> Content:
        """A check-in; empty if the number is unknown."""
        assert isinstance(statement, Statement)
        if statement.value is None:
            return {}
        colour = _COLOURS.get(statement.health)
        return {
            "score": f"{statement.value:.15g}",
            "body": comment(statement),
            **({"confidence": colour} if colour else {}),
        }

    def send(self, key_result: str, content: Content) -> None:
        """Sends one check-in."""
        token = self._settings.outcomes[key_result].get_secret_value()
        body = {"personal_api_token": self._settings.personal_api_token.get_secret_value(), **content}
        self.api.write("POST", "/webhooks/checkins", body, query={"remote_checkins_token": token})
