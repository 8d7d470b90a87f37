"""A base class for publishers that send one request for each check-in and do not read the service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncd.sdk.facts import Check
from syncd.sdk.json_client import JsonClient
from syncd.sdk.publishing import Content, Written


class JsonPublisher:
    """A publisher that writes through `api`. A subclass implements `content` and `send`."""

    together = False
    appends = True

    def __init__(self, api: JsonClient) -> None:
        self.api = api

    def read(self, wanted: Mapping[str, Content]) -> Mapping[str, Written]:
        """Returns empty targets. The service either cannot be read, or need not be read because a write replaces the
        old content.
        """
        return {key_result: Written() for key_result in wanted}

    def write(self, contents: Mapping[str, Content]) -> None:
        """Sends each check-in whose content is not empty."""
        for key_result, content in contents.items():
            if content:
                self.send(key_result, content)

    def send(self, key_result: str, content: Content) -> None:
        """Sends one check-in."""
        raise NotImplementedError

    def check(self) -> Iterator[Check]:
        """The finding of `syncd doctor`: whether the server answers. No check-in is sent as a test."""
        return self.api.reach()

    def close(self) -> None:
        """Closes the sockets."""
        self.api.close()
