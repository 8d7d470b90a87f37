"""The ledger: what was pulled, measured and published, in SQLite or PostgreSQL, by SQLAlchemy Core.

Every change keeps the version before it. Versions are counted in cycles, not in time, so a clock that jumps cannot put
them out of order: a row holds from the cycle that saw it first (`cycle`) until the cycle that saw it changed or gone
(`until`, excluded; null while the row holds).
"""

from syncd.ledger.alignments import KeptAlignment, LinkId
from syncd.ledger.approvals import Approval
from syncd.ledger.cycles import Cycle, EndedCycle
from syncd.ledger.definition_versions import DefinitionVersion
from syncd.ledger.definitions import Definition
from syncd.ledger.events import Event, NewEvent
from syncd.ledger.failures import LedgerError, LedgerFailed
from syncd.ledger.ledger import Ledger, open_ledger
from syncd.ledger.lock import LedgerBusy, cycle_lock
from syncd.ledger.members import Fallen
from syncd.ledger.outbox import Delivery, NewDelivery
from syncd.ledger.pulled import LastPull, StreamId
from syncd.ledger.revisions import Reread, Revised
from syncd.ledger.streams import Ending, StreamState
from syncd.ledger.values import KeptValue

__all__ = [
    "Approval",
    "Cycle",
    "Definition",
    "DefinitionVersion",
    "Delivery",
    "EndedCycle",
    "Ending",
    "Event",
    "Fallen",
    "KeptAlignment",
    "KeptValue",
    "LastPull",
    "Ledger",
    "LedgerBusy",
    "LedgerError",
    "LedgerFailed",
    "LinkId",
    "NewDelivery",
    "NewEvent",
    "Reread",
    "Revised",
    "StreamId",
    "StreamState",
    "cycle_lock",
    "open_ledger",
]
