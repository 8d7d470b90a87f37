"""Stores the states of deliveries that are tried one by one, and the content that syncd writes. Both are stored for a
group at once: before the first request and after the last response of the group.

The ledger thus needs few SQL statements even for many targets. If syncd is killed within a group, the next run tries
each target of the group again. The next run recognizes content that arrived, because all possible content was stored
before. If a publisher can only append, its deliveries are stored one by one, because syncd must know for each delivery
whether its request was sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from syncd.ledger import Delivery
from syncd.ledger.outbox import Marks, Outbox, Place, State
from syncd.publishing.comparison import with_possible
from syncd.sdk import Content

MOST_IN_GROUP = 50
"""The largest number of deliveries in a group."""


@dataclass(slots=True)
class GroupNotes:
    """Reads and writes the outbox for one publisher. While a group is open, changes stay in memory."""

    outbox: Outbox
    _group: Sequence[Delivery] = ()
    _begun: Collection[int] = ()
    _marks: dict[Place, Marks] = field(default_factory=dict)
    _ended: list[tuple[dict[str, Any], list[int]]] = field(default_factory=list)

    def open_group(self, group: Sequence[Delivery], contents: Mapping[int, Content], now: datetime) -> None:
        """Stores that these deliveries are being sent from now on, and the content that syncd may write. `contents` has
        the content by the id of the delivery.
        """
        places = {delivery.place for delivery in group}
        marks = self.outbox.marks(places)
        self._group, self._marks = group, {place: marks.get(place, {}) for place in places}
        self.outbox.note(
            {
                delivery.place: with_possible(self._marks[delivery.place], contents[delivery.id])
                for delivery in group
                if delivery.id in contents
            }
        )
        self._begun = self.outbox.begin([delivery.id for delivery in group], now)

    def close_group(self) -> None:
        """Writes the outcomes of the group to the ledger. Deliveries that were not tried get their former state
        back.
        """
        ended = {id_ for _, ids in self._ended for id_ in ids}
        for delivery in self._group:
            if delivery.id not in ended:
                before = {"reason": delivery.reason, "retry_at": delivery.retry_at, "before": ["sending"]}
                self.end([delivery.id], delivery.state, **before)
        self.outbox.note(self._marks)
        for outcome, ids in self._ended:
            self.outbox.end(ids, **outcome)
        self._group, self._marks, self._ended = (), {}, []

    def marks(self, places: Collection[Place]) -> Mapping[Place, Marks]:
        """Maps each target to the content that syncd may have written at each of its places."""
        return self._marks if self._group else self.outbox.marks(places)

    def note(self, marks: Mapping[Place, Marks]) -> None:
        """Replaces the stored content that syncd may have written at each place of these targets."""
        if self._group:
            self._marks.update(marks)
        else:
            self.outbox.note(marks)

    def begin(self, ids: Collection[int], now: datetime) -> Collection[int]:
        """Stores that these deliveries are being sent. Returns the ids of the deliveries that may be sent."""
        return set(ids).intersection(self._begun) if self._group else self.outbox.begin(ids, now)

    def end(self, ids: Sequence[int], state: State, **more: Any) -> None:
        """Stores the outcome of deliveries, as `Outbox.end` does."""
        if not self._group:
            self.outbox.end(ids, state, **more)
            return
        outcome = {"state": state, **more}
        for earlier, same in self._ended:
            if earlier == outcome:
                same.extend(ids)
                return
        self._ended.append((outcome, list(ids)))
