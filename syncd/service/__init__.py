"""The daemon: runs cycles by the schedule, reloads the configuration, reports health and metrics, stops cleanly."""

from syncd.service.reader import LedgerReader
from syncd.service.service import Service

__all__ = ["LedgerReader", "Service"]
