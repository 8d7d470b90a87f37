"""Google Sheets through gspread: reads numbers from spreadsheets, and writes check-ins to their rows.

`settings` and `keys` have the YAML keys. `source` reads ranges and `publisher` writes cells, both through `client`.
`layout` finds the cells of a key result in a sheet, and `log` places the history of check-ins in another sheet; both
use `cells`. `moved` finds cells that a write hit by mistake because rows moved meanwhile. A process that only reads
mappings imports only the keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from connectors.sheets.keys import SheetsMeasure, SheetsPublish
from connectors.sheets.settings import SheetsSettings
from syncd.sdk import ConfigError, Context

if TYPE_CHECKING:
    from connectors.sheets.publisher import SheetsPublisher
    from connectors.sheets.source import SheetsSource


class Sheets:
    """The connector."""

    summary: ClassVar[str] = "numbers in Google Sheets; check-ins to their rows"
    Settings = SheetsSettings
    Measure = SheetsMeasure
    Publish = SheetsPublish

    @staticmethod
    def open(settings: SheetsSettings, context: Context) -> SheetsSource:
        """Opens a source. Makes no request yet."""
        from connectors.sheets.client import Client
        from connectors.sheets.source import SheetsSource

        return SheetsSource(Client(settings, context), context)

    @staticmethod
    def publisher(settings: SheetsSettings, context: Context, keys: SheetsPublish) -> SheetsPublisher:
        """Opens a publisher. Makes no request yet."""
        if settings.api_key is not None:
            raise ConfigError("an api_key cannot write; give the connection credentials or a token instead")
        from connectors.sheets.client import Client
        from connectors.sheets.publisher import SheetsPublisher

        return SheetsPublisher(Client(settings, context, writes=True), keys)
