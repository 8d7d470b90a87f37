"""The ledger: the database of pulled rows, values and deliveries, in SQLite or PostgreSQL through SQLAlchemy Core.

A change never overwrites a row: the ledger stores the new version beside the old one. Versions are counted in cycles,
not in time, so a clock that jumps cannot put them out of order. A row is valid from the cycle that saw it first
(`cycle`) up to, but not including, the cycle that saw it changed or gone (`until`; null while the row is valid).

So that a short command starts quickly, this package does not export row types that few commands need. Import these
types from their modules.
"""

from syncd.ledger.alignments import KeptAlignment, LinkId
from syncd.ledger.cycles import Cycle, EndedCycle
from syncd.ledger.databases import Databases
from syncd.ledger.definition_versions import DefinitionVersion
from syncd.ledger.definitions import Definition
from syncd.ledger.events import Event, NewEvent
from syncd.ledger.failures import LedgerError, LedgerFailed
from syncd.ledger.ledger import Ledger, open_ledger
from syncd.ledger.lock import Delivering, LedgerBusy, ServiceRuns, cycle_lock, delivery_lock, service_lock
from syncd.ledger.outbox import Delivery, NewDelivery
from syncd.ledger.outlines import Outline, OutlineVersion
from syncd.ledger.values import KeptValue

__all__ = [
    "Cycle",
    "Databases",
    "Definition",
    "DefinitionVersion",
    "Delivering",
    "Delivery",
    "EndedCycle",
    "Event",
    "KeptAlignment",
    "KeptValue",
    "Ledger",
    "LedgerBusy",
    "LedgerError",
    "LedgerFailed",
    "LinkId",
    "NewDelivery",
    "NewEvent",
    "Outline",
    "OutlineVersion",
    "ServiceRuns",
    "cycle_lock",
    "delivery_lock",
    "open_ledger",
    "service_lock",
]
