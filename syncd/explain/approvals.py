"""The held numbers that people approved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from syncd.ledger import Ledger
from syncd.okr.words import signature


@dataclass(frozen=True, slots=True)
class PastApproval:
    """A held number that somebody approved, and the value before it.

    `author` is the name that the person gave, unchecked. `entered_by` is who ran the command or was logged in; None if
    an early version of syncd stored the approval.
    """

    at: datetime
    author: str
    old: float | None
    new: float | None
    reason: str
    entered_by: str | None = None

    @property
    def by(self) -> str:
        """The author and, if somebody else entered the approval, the name of this person, such as `Dana (entered by
        ops@build-3)`.
        """
        return signature(self.author, self.entered_by)


def approvals(ledger: Ledger, period: str, key_result: str, cycle: int) -> Iterator[PastApproval]:
    """Every approval of a key result up to a cycle, oldest first."""
    approved = ledger.approvals.of(period, key_result, cycle)
    history = ledger.values.history(period, key_result) if approved else ()
    for approval in approved:
        before = [value.number for measured_by, value in history if measured_by.id < approval.cycle]
        old = before[-1] if before else None
        yield PastApproval(approval.at, approval.author, old, approval.number, approval.reason, approval.entered_by)
