"""Counts done records: records that drive an outcome, records that drive none, and records that no mapping measures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

_NUMBER = re.compile(r"[#!-][^#!/-]*$")


@dataclass(frozen=True, slots=True)
class ListOfWork:
    """A list, such as a repository or a project, with the number of its done records and the number of its done records
    that drive no outcome.
    """

    name: str
    done: int
    unlinked: int


@dataclass(frozen=True, slots=True)
class Work:
    """The numbers of done records. Each record is counted once: as a record that drives an outcome, as a measured
    record that drives none, or as a record that no mapping measures.

    `lists` are the lists with records that drive no outcome, the list with the most such records first. `covers` has
    the keys of the streams whose records are counted. `reason` says why the figures may be too low, such as a list that
    was not pulled yet.
    """

    driving: int
    driving_none: int
    unmapped: int
    lists: Sequence[ListOfWork]
    covers: Sequence[str]
    reason: str | None = None

    @property
    def done(self) -> int:
        """The number of all done records."""
        return self.driving + self.unlinked

    @property
    def unlinked(self) -> int:
        """The number of records that drive no outcome."""
        return self.driving_none + self.unmapped


def work_of(
    done: Mapping[str, str],
    driving: Collection[str],
    measured: Collection[str],
    covers: Sequence[str],
    reason: str | None = None,
) -> Work:
    """Counts the done records. `done` maps the id of each done record to its label. `driving` holds the ids of the
    records that an output with a link to an outcome counts. `measured` holds the ids of the records that any key result
    counts.
    """
    linked = done.keys() & driving
    mapped = (done.keys() & measured) - linked
    per_list = Counter(map(list_of, done.values()))
    unlinked = Counter(list_of(label) for id_, label in done.items() if id_ not in linked)
    lists = [ListOfWork(name, per_list[name], number) for name, number in unlinked.items()]
    lists.sort(key=lambda each: (-each.unlinked, each.name))
    return Work(len(linked), len(mapped), len(done) - len(linked) - len(mapped), lists, covers, reason)


def list_of(label: str) -> str:
    """The list of a record, by the record's label: `acme/search` for `acme/search#42`, `KB` for `KB-12`."""
    return _NUMBER.sub("", label)
