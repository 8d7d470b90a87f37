"""What was pulled, measured and published, by SQLAlchemy Core on SQLite or PostgreSQL.

Nothing is overwritten without its history.

Versions are counted in cycles, not in time: a row holds from the cycle that saw it first (`cycle`) to the one that saw
it changed or gone (`until`, excluded; none while it holds). A clock that jumps cannot put them out of order.
"""

from syncd.ledger.alignments import KeptAlignment, LinkId
from syncd.ledger.approvals import Approval
from syncd.ledger.cycles import Cycle, EndedCycle
from syncd.ledger.definitions import Definition, DefinitionVersion
from syncd.ledger.events import Event, NewEvent
from syncd.ledger.failures import LedgerError, LedgerFailed
from syncd.ledger.ledger import Ledger, open_ledger
from syncd.ledger.lock import LedgerBusy, cycle_lock
from syncd.ledger.members import Fallen
from syncd.ledger.outbox import Delivery, NewDelivery
from syncd.ledger.pulled import Pulled, StreamId
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
    "Ledger",
    "LedgerBusy",
    "LedgerError",
    "LedgerFailed",
    "LinkId",
    "NewDelivery",
    "NewEvent",
    "Pulled",
    "Reread",
    "Revised",
    "StreamId",
    "StreamState",
    "cycle_lock",
    "open_ledger",
]
