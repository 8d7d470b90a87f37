"""The keys of a connection to a server: its address, the way to it, and the limits for its answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from syncd.sdk.connection_settings import ConnectionSettings, WebAddress
from syncd.sdk.durations import Duration, Seconds
from syncd.sdk.sizes import Size


class WebSettings(ConnectionSettings):
    """The keys that every connection to a server has. `Exchange` applies the keys, whichever client library is used."""

    url: WebAddress = Field(description="The address of the server. syncd appends every path to it.")
    timeout: Seconds = Field(
        30, description="How long to wait for a connection, and for each part of an answer: in seconds, or as 30s."
    )
    deadline: Duration = Field(
        timedelta(seconds=60),
        gt=timedelta(0),
        description="The longest time for a whole request with its answer; at least `timeout`. If this key is not "
        "set, at most twice `timeout`.",
    )
    largest_answer: Size = Field(
        "64 MB", validate_default=True, gt=0, description="The largest answer that syncd reads, after decompression."
    )
    ca: str | None = Field(
        None,
        min_length=1,
        description="A file (PEM) with the only certificates to trust, instead of the usual ones.",
    )
    proxy: WebAddress | None = Field(
        None,
        description="The proxy for every request, instead of the proxy in the variables HTTPS_PROXY and HTTP_PROXY.",
    )

    @model_validator(mode="after")
    def _waits_within_the_deadline(self) -> Self:
        deadline = self.deadline.total_seconds()
        if {"timeout", "deadline"} <= self.model_fields_set and self.timeout > deadline:
            raise ValueError(
                f"has a timeout of {self.timeout:g} s, which is longer than its deadline of {deadline:g} s; write a "
                f"shorter timeout or a longer deadline"
            )
        return self

    @property
    def longest_request(self) -> float:
        """The deadline of a request with its answer, in seconds."""
        deadline = self.deadline.total_seconds()
        return deadline if "deadline" in self.model_fields_set else max(self.timeout, min(deadline, 2 * self.timeout))
