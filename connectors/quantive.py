"""Sends check-ins to Quantive (formerly Gtmhub), whose API calls a key result a metric.

Sources: developer.quantive.com, "Usage" (addresses and headers); the vendor's own command line client,
github.com/gtmhub/gtmhub-cli, `gtmhub_client/krs.go` and `model/metric.go`: a POST to `/api/v1/metrics/ID/checkin` with
`actual`, `checkInDate`, `comment` and `confidence`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar
from urllib.parse import quote

from pydantic import Field

from syncd.sdk import (
    Content,
    Context,
    Json,
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


class QuantiveSettings(WebSettings):
    """A Quantive account."""

    url: WebAddress = Field(
        description="The address up to /api/v1: https://app.quantive.com/results, or the address of your region."
    )
    account: str = Field(min_length=1, description="The id of the account.")
    token: Secret = Field(description="An API token. The owner of the token is the author of the check-ins.")


class QuantivePublish(PublishKeys):
    """The key results whose check-ins are sent, and the metric of each."""

    metrics: dict[str, str] = Field(min_length=1, description="The metric of each key result: {calls: 5e8c27e3dcdd}.")

    def names(self) -> Collection[str]:
        """The key results that have a metric."""
        return self.metrics

    def uses(self) -> Collection[str]:
        """The fields that a check-in shows."""
        return COMMENTED

    def target(self, key_result: str) -> str:
        """The metric of a key result."""
        return f"metric {self.metrics[key_result]}"

    def how(self, key_result: str) -> Json:
        """Empty, because a change of one key result's metric affects no other key result."""
        return None


class Quantive:
    """The connector."""

    summary: ClassVar[str] = "check-ins to the key results of Quantive"
    Settings = QuantiveSettings
    Publish = QuantivePublish

    @staticmethod
    def publisher(settings: QuantiveSettings, context: Context, keys: QuantivePublish) -> QuantivePublisher:
        """Opens a publisher. Makes no request yet."""
        return QuantivePublisher(settings, context, keys)


class QuantivePublisher(JsonPublisher):
    """An opened account."""

    def __init__(self, settings: QuantiveSettings, context: Context, keys: QuantivePublish) -> None:
        headers = {
            "Authorization": f"Bearer {settings.token.get_secret_value()}",
            "gtmhub-accountId": settings.account,
        }
        super().__init__(JsonClient(settings, context, headers, keep_alive=False))
        self._metrics = keys.metrics

    def content(self, statement: Statement | Summary) -> Content:
        """A check-in; empty if the number is unknown."""
        assert isinstance(statement, Statement)
        if statement.value is None:
            return {}
        return {
            "actual": statement.value,
            "checkInDate": (statement.as_of or statement.updated).isoformat(timespec="seconds"),
            "comment": comment(statement),
            "confidence": statement.confidence,
        }

    def send(self, key_result: str, content: Content) -> None:
        """Sends one check-in."""
        metric = quote(self._metrics[key_result], safe="")
        self.api.write("POST", f"/api/v1/metrics/{metric}/checkin", dict(content))
