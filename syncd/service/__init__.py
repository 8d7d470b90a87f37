"""The daemon: it runs cycles by the schedule, reloads the configuration, and reports health and metrics."""

from syncd.service.reader import LedgerReader
from syncd.service.service import Service

__all__ = ["LedgerReader", "Service"]
