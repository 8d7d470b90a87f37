"""The ledger: what was pulled, measured and published, in SQLite or PostgreSQL, by SQLAlchemy Core.

Every change keeps the version before it. Versions are counted in cycles, not in time, so a clock that jumps cannot put
them out of order: a row holds from the cycle that saw it first (`cycle`) until the cycle that saw it changed or gone
(`until`, excluded; null while the row holds).

The types of rows that few commands need stand in their modules alone, so that a short command starts quickly.
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
