"""Failures on the way to a server, for client libraries that use requests."""

from __future__ import annotations

from syncd.sdk.errors import RetryLater, SourceBroken, SourceError


def network_failure(error: Exception) -> SourceError:
    """The error for an exception of requests. Its text names no address: an address may hold keys."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return SourceBroken("its certificate is not accepted")
    if isinstance(error, requests.exceptions.Timeout):
        return RetryLater("it did not answer in time")
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return SourceBroken("it redirects in a circle")
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return RetryLater("its answer was cut off")
    if isinstance(error, requests.exceptions.ConnectionError):
        text = str(error)
        if "NameResolution" in text or "getaddrinfo" in text or "Name or service" in text:
            return RetryLater("its name cannot be resolved")
        if "refused" in text:
            return RetryLater("it refuses the connection")
        return RetryLater("the connection broke")
    return SourceBroken(f"the request could not be made: {type(error).__name__}")
