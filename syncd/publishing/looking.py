"""Looking at targets: what stands there, what is to, and what may be written. Nothing is."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from syncd.config import Config
from syncd.config.publications import Publication
from syncd.ledger import Delivery, Ledger
from syncd.publishing.overwriting import Decision, Marks, decide, inherited, mark, moved, over
from syncd.publishing.statements import of_json
from syncd.sdk import Content, Context, Publisher, RetryPolicy, Written

log = logging.getLogger("syncd.publishing")


@dataclass(frozen=True, slots=True)
class Look:
    """What stands at a delivery's target, what is to stand there, what syncd wrote there, and what would be written."""

    delivery: Delivery
    wanted: Content
    found: Written
    ours: Marks
    decision: Decision

    @property
    def moved(self) -> str | None:
        """Why its places are not where they were, and none is written."""
        return moved(self.found, self.wanted, self.ours)

    def marks(self, *, sure: bool) -> Marks:
        """What syncd may have written at each place; once it is `sure` what stands there, that alone."""
        marks = dict(self.ours)
        for place, value in self.wanted.items():
            if place not in self.decision.foreign:
                new = [] if value is None else [mark(value)]
                marks[place] = new if sure else [*(one for one in marks.get(place, ()) if one not in new), *new]
        return marks | {over(place): [mark(header)] for place, header in self.found.above.items()}


def look(config: Config, ledger: Ledger, publication: Publication, due: Sequence[Delivery]) -> Iterator[Look]:
    """What stands where these are to be written, and what would be; nothing is. SourceError, ConfigError.

    Of targets that cannot be read, nothing stands there.
    """
    context = Context(RetryPolicy(), config.zone, folder=str(config.path.parent))
    with closing(publication.connection.publisher(context, publication.keys)) as publisher:
        for part in parts(due, publisher):
            yield from looks(ledger, publication, publisher, part)


def belongs(publication: Publication, one: Delivery) -> bool:
    """Whether a delivery goes to a target of this entry of `publish:`."""
    of = publication.connection.name == one.connection
    return of and publication.targets({one.key_result}).get(one.key_result) == one.target


def parts(due: Sequence[Delivery], publisher: Publisher) -> Sequence[Sequence[Delivery]]:
    """What is tried at once: everything where one read and one write serve all, else each by itself."""
    return [due] if publisher.together else [[one] for one in due]


def looks(ledger: Ledger, publication: Publication, publisher: Publisher, part: Sequence[Delivery]) -> Iterator[Look]:
    """The same through an opened publisher."""
    wanted = {one.key_result: publisher.content(of_json(one.statement)) for one in part}
    found = {} if publisher.appends else publisher.read(wanted)
    marks = ledger.outbox.marks({one.place for one in part})
    for one in part:
        content, there = wanted[one.key_result], found.get(one.key_result, Written())
        ours = inherited(there, content, marks.get(one.place, {}))
        decision = decide(there.content, content, ours, override=publication.override)
        yield Look(one, content, there, ours, decision)


def bug(publication: Publication, error: Exception) -> str:
    """What is said of a connector's own bug. The log has where it is, and of what it says nothing secret."""
    said = Exception(publication.connection.without_secrets(f"{type(error).__name__}: {error}"))
    log.error(
        "publisher failed",
        extra={"to": publication.connection.name},
        exc_info=(type(said), said, error.__traceback__),
    )
    return f"internal error in the connector: {type(error).__name__} (see the log)"
