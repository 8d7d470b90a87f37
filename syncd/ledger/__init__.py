"""The ledger: the database of pulled rows, values and deliveries, in SQLite or PostgreSQL through SQLAlchemy Core.

A change never overwrites a row: the ledger stores the new version of the row beside the old version. Versions are
ordered by the number of the cycle, not by time. A clock that jumps therefore cannot put versions out of order. A row is
valid from the cycle `cycle`, which first saw the row, until just before the cycle `until`, which saw the row changed or
gone. `until` is null while the row is valid.

This package does not export row types that few commands need, so that a short command starts quickly. Import such a
type from its module.
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
