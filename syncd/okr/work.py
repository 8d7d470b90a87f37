"""Where the work went: how much of what was done drives an outcome, drives none, or is in no mapping."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

_NUMBER = re.compile(r"[#!-][^#!/-]*$")


@dataclass(frozen=True, slots=True)
class ListOfWork:
    """A list, such as a repository or a project: how many records were done there, and how many drive no outcome."""

    name: str
    done: int
    unlinked: int


@dataclass(frozen=True, slots=True)
class Work:
    """What was done, each record once: it drives an outcome, it is measured and drives none, or it is in no mapping.

    `lists` are those with unlinked records, the largest number of them first. `covers` are the streams that were looked
    at, by their keys. `reason` says why the figures may be too low, such as a list that was not pulled yet.
    """

    driving: int
    driving_none: int
    unmapped: int
    lists: Sequence[ListOfWork]
    covers: Sequence[str]
    reason: str | None = None

    @property
    def done(self) -> int:
        """All of it: what is linked to an outcome, and what is not."""
        return self.driving + self.unlinked

    @property
    def unlinked(self) -> int:
        """What drives no outcome."""
        return self.driving_none + self.unmapped


def work_of(
    done: Mapping[str, str],
    driving: Collection[str],
    measured: Collection[str],
    covers: Sequence[str],
    reason: str | None = None,
) -> Work:
    """Where the work went: `done` has the label of each record by its id; `driving` are the ids of those that an output
    with a link to an outcome counts, `measured` of those that any key result counts.
    """
    linked = done.keys() & driving
    mapped = (done.keys() & measured) - linked
    per_list = Counter(map(list_of, done.values()))
    unlinked = Counter(list_of(label) for id_, label in done.items() if id_ not in linked)
    lists = [ListOfWork(name, per_list[name], number) for name, number in unlinked.items()]
    lists.sort(key=lambda each: (-each.unlinked, each.name))
    return Work(len(linked), len(mapped), len(done) - len(linked) - len(mapped), lists, covers, reason)


def list_of(label: str) -> str:
    """The list that a record is in, by its label: `acme/search` of `acme/search#42`, `KB` of `KB-12`."""
    return _NUMBER.sub("", label)
