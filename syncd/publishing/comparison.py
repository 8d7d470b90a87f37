"""Compares deliveries with their targets: the content of a target, the content that it should have, and the content
that syncd may write. Writes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from syncd.config import Config
from syncd.config.connector_bugs import log_bug
from syncd.config.publications import Publication
from syncd.ledger import Delivery, Ledger
from syncd.ledger.outbox import Marks, Place, merged
from syncd.publishing.overwriting import (
    Decision,
    decide,
    header_mark,
    holds_another_period,
    inherited,
    left_places,
    mark,
    moved,
    period_mark,
    without,
)
from syncd.publishing.statements import of_json
from syncd.sdk import Content, Context, Publisher, RetryPolicy, Scalar, Statement, Summary, Written

log = logging.getLogger("syncd.publishing")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A delivery with the present content of its target (`written`), the content that it should have (`wanted`), and
    the decision what to write.

    `ours` is the content that syncd may have written to the target before. `left` are former places of the target, as
    `left_places` finds them.
    """

    delivery: Delivery
    wanted: Content
    written: Written
    ours: Marks
    decision: Decision
    left: Collection[str]

    @property
    def moved(self) -> str | None:
        """The message that a place of the target has moved; syncd then writes nothing. None if no place has moved."""
        return moved(self.written, self.wanted, self.ours)

    def marks(self, *, sure: bool) -> Marks:
        """Maps each place to the content that syncd may have written after the decision is carried out. With `sure`,
        the write has succeeded.
        """
        ours = {place: value for place, value in self.wanted.items() if place not in self.decision.foreign}
        marks = dict(without(self.left, self.ours)) if sure else with_possible(self.ours, ours)
        for place, value in ours.items() if sure else ():
            marks[period_mark(place)] = [self.delivery.period]
            marks[place] = [] if value is None else [mark(value)]
        return marks | {header_mark(place): [mark(header)] for place, header in self.written.above.items()}


def compare(
    config: Config, ledger: Ledger, publication: Publication, deliveries: Sequence[Delivery]
) -> Iterator[Comparison]:
    """Opens the publisher, reads the targets of these deliveries, and yields the comparisons. Raises SourceError or
    ConfigError.

    A target counts as empty if the publisher cannot read it, because it can only append.
    """
    context = Context(RetryPolicy(), config.zone, folder=str(config.path.parent), rehearsal=True)
    with closing(publication.connection.publisher(context, publication.keys)) as publisher:
        marks = ledger.outbox.marks({delivery.place for delivery in deliveries})
        for part in parts(deliveries, publisher):
            yield from compare_part(marks, publication, publisher, part)


def belongs(publication: Publication, delivery: Delivery) -> bool:
    """Whether the target of a delivery belongs to this entry of `publish:`."""
    through_it = publication.connection.name == delivery.connection
    return (
        through_it
        and publication.writes(delivery.period)
        and publication.targets({delivery.key_result}).get(delivery.key_result) == delivery.target
    )


def parts(deliveries: Sequence[Delivery], publisher: Publisher) -> Sequence[Sequence[Delivery]]:
    """The groups of deliveries to try together: one group of all if the publisher reads and writes many targets at
    once, otherwise a group for each delivery.
    """
    return [deliveries] if publisher.together else [[delivery] for delivery in deliveries]


def compare_part(
    marks: Mapping[Place, Marks], publication: Publication, publisher: Publisher, part: Sequence[Delivery]
) -> Iterator[Comparison]:
    """Compares a group of deliveries with their targets through an open publisher. `marks` has the content that syncd
    may have written, by target.

    The place of an unknown number keeps its present content. If this content belongs to another period, the place is
    emptied instead.
    """
    wanted = {delivery.key_result: _wanted(publisher, of_json(delivery.statement)) for delivery in part}
    contents = {name: content for name, (content, _) in wanted.items()}
    read = {} if publisher.appends else publisher.read(contents)
    for delivery in part:
        content, unknown = wanted[delivery.key_result]
        written = read.get(delivery.key_result, Written())
        left = left_places(written, content, marks.get(delivery.place, {}))
        ours = inherited(left, marks.get(delivery.place, {}))
        kept = {place for place in unknown if not holds_another_period(place, delivery.period, ours)}
        content = {place: value for place, value in content.items() if place not in kept}
        decision = decide(written.content, content, ours, override=publication.override)
        yield Comparison(delivery, content, written, ours, decision, left)


def with_possible(ours: Marks, content: Content) -> dict[str, Sequence[Scalar]]:
    """The marks, extended by content that may be written next."""
    return merged(ours, {place: [] if value is None else [mark(value)] for place, value in content.items()})


def _wanted(publisher: Publisher, statement: Statement | Summary) -> tuple[Content, Collection[str]]:
    content = publisher.content(statement)
    if isinstance(statement, Summary) or statement.value is not None:
        return content, ()
    blanked = publisher.content(replace(statement, blank_unknown=True))
    return blanked, [place for place in blanked if place not in content]


def bug(publication: Publication, error: Exception) -> str:
    """Logs a connector's bug with its traceback, without secrets; returns a message about the bug for people."""
    connection = publication.connection
    return log_bug(log, "publisher failed", error, connection.without_secrets, {"to": connection.name})
