"""Connects any web API. `source` reads a number or a series from the API's JSON. `publisher` sends check-ins that
`templates` make.
"""

from __future__ import annotations

from typing import ClassVar

from connectors.http.measure import HttpMeasure
from connectors.http.publisher import HttpPublish, HttpPublisher
from connectors.http.settings import HttpSettings
from connectors.http.source import HttpSource
from syncd.sdk import Context


class Http:
    """The connector."""

    summary: ClassVar[str] = "a number or a series out of any JSON API; check-ins to any, by a template"
    Settings = HttpSettings
    Measure = HttpMeasure
    Publish = HttpPublish

    @staticmethod
    def open(settings: HttpSettings, context: Context) -> HttpSource:
        """Opens a source. Makes no request yet."""
        return HttpSource(settings, context)

    @staticmethod
    def publisher(settings: HttpSettings, context: Context, keys: HttpPublish) -> HttpPublisher:
        """Opens a publisher. Makes no request yet."""
        return HttpPublisher(settings, context, keys)
