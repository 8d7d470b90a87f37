"""Google Sheets through gspread: numbers from spreadsheets, and check-ins to their rows.

`source` reads ranges and `publisher` writes cells, both through `client`. `layout` knows where in a sheet the cells of
a key result are, and `log` how a history of check-ins is laid out; both work on the `cells` of a sheet.
"""

from __future__ import annotations

from typing import ClassVar

from connectors.sheets.client import Client
from connectors.sheets.keys import SheetsPublish
from connectors.sheets.publisher import SheetsPublisher
from connectors.sheets.settings import SheetsSettings
from connectors.sheets.source import SheetsMeasure, SheetsSource
from syncd.sdk import ConfigError, Context

__all__ = ["Sheets", "SheetsMeasure", "SheetsPublish", "SheetsPublisher", "SheetsSettings", "SheetsSource"]


class Sheets:
    """The connector."""

    summary: ClassVar[str] = "numbers in Google Sheets; check-ins to their rows"
    Settings = SheetsSettings
    Measure = SheetsMeasure
    Publish = SheetsPublish

    @staticmethod
    def open(settings: SheetsSettings, context: Context) -> SheetsSource:
        """A source; makes no request yet."""
        return SheetsSource(Client(settings, context), context)

    @staticmethod
    def publisher(settings: SheetsSettings, context: Context, keys: SheetsPublish) -> SheetsPublisher:
        """A publisher; makes no request yet."""
        if settings.api_key is not None:
            raise ConfigError("an api_key cannot write; give the connection credentials or a token instead")
        return SheetsPublisher(Client(settings, context, writes=True), keys)
