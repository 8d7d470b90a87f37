"""Check-ins to Quantive (formerly Gtmhub), whose API calls a key result a metric.

Sources: developer.quantive.com, "Usage" (addresses, the headers); the vendor's own command line client,
github.com/gtmhub/gtmhub-cli, `gtmhub_client/krs.go` and `model/metric.go`: a POST to `/api/v1/metrics/ID/checkin` with
`actual`, `checkInDate`, `comment` and `confidence`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import ClassVar
from urllib.parse import quote

import orjson
from pydantic import Field

from syncd.sdk import (
    ConnectionSettings,
    Content,
    Context,
    Json,
    PublishKeys,
    Secret,
    Statement,
    Summary,
    WebAddress,
    Written,
)
from syncd.sdk.block import COMMENTED, comment
from syncd.sdk.sending import answered


class QuantiveSettings(ConnectionSettings):
    """A Quantive account."""

    url: WebAddress = Field(
        description="What stands before /api/v1: https://app.quantive.com/results, or your region's."
    )
    account: str = Field(min_length=1, description="The account's id.")
    token: Secret = Field(description="An API token; check-ins are its owner's.")
    timeout: float = Field(30, gt=0, description="Seconds to wait for an answer.")


class QuantivePublish(PublishKeys):
    """Which key results check-ins are sent of."""

    metrics: dict[str, str] = Field(min_length=1, description="The metric of each key result: {calls: 5e8c27e3dcdd}.")

    def names(self) -> Collection[str]:
        """Those that have a metric."""
        return self.metrics

    def uses(self) -> Collection[str]:
        """What a check-in says."""
        return COMMENTED

    def target(self, key_result: str) -> str:
        """Its metric."""
        return f"metric {self.metrics[key_result]}"

    def how(self, key_result: str) -> Json:
        """A further metric concerns no other key result."""
        return None


class Quantive:
    """The connector."""

    summary: ClassVar[str] = "check-ins to the key results of Quantive"
    Settings = QuantiveSettings
    Publish = QuantivePublish

    @staticmethod
    def publisher(settings: QuantiveSettings, context: Context, keys: QuantivePublish) -> QuantivePublisher:
        """A publisher; makes no request yet."""
        return QuantivePublisher(settings, context, keys)


class QuantivePublisher:
    """An opened account."""

    together = False
    appends = True

    def __init__(self, settings: QuantiveSettings, context: Context, keys: QuantivePublish) -> None:
        import httpx

        self._metrics = keys.metrics
        self._context = context
        # A connection kept open may be closed by the server just as it is used again: that would be doubt for nothing.
        self._client = httpx.Client(
            base_url=settings.url,
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                "User-Agent": "syncd",
                "Authorization": f"Bearer {settings.token.get_secret_value()}",
                "gtmhub-accountId": settings.account,
            },
            timeout=settings.timeout,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def content(self, said: Statement | Summary) -> Content:
        """A check-in; none where the number is not known."""
        assert isinstance(said, Statement)
        if said.value is None:
            return {}
        return {
            "actual": said.value,
            "checkInDate": (said.as_of or said.updated).isoformat(timespec="seconds"),
            "comment": comment(said),
            "confidence": said.confidence,
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
        path = f"/api/v1/metrics/{quote(self._metrics[name], safe='')}/checkin"
        answered(lambda: self._client.post(path, content=orjson.dumps(dict(content))), self._context.now)
