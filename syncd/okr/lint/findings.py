"""The types for rules of lint and their findings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from syncd.okr.goals import KeyResult, Objective
from syncd.okr.measures import RecordMeasure
from syncd.okr.rule_ids import LintRule
from syncd.okr.spans import Period, Span

Check = Callable[[Objective, Period], Iterator[tuple[str, str]]]
"""Checks an objective: yields the id of an objective or key result, and a message about it."""


class Rows(Protocol):
    """The records that were pulled for a measure, including records that are not counted."""

    def texts(self, measure: RecordMeasure, field: str) -> Collection[str]:
        """The texts that a field has in the records that were pulled for the measure."""

    def held(self, measure: RecordMeasure) -> int:
        """The number of records that were pulled for the measure."""

    def remarks(self, measure: RecordMeasure, span: Span) -> Mapping[str, int]:
        """The number of records with each remark, among the records that are counted in the window."""


@dataclass(frozen=True, slots=True)
class PulledRows:
    """The records that a ledger holds, as of a moment."""

    facts: Rows
    now: datetime


CheckOfRows = Callable[[Objective, Period, PulledRows], Iterator[tuple[str, str]]]
"""Checks an objective against the records that were pulled for it. Yields the same pairs as `Check`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its id, the reason for it, its check, and the YAML key that most of its findings concern.

    `of_rows` is the check that uses the records in a ledger.
    """

    id: LintRule
    reason: str
    check: Check
    key: str = "id"
    of_rows: CheckOfRows | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: the rule, the id of the objective or key result, and a sentence about it without its subject."""

    rule: Rule
    subject: str
    message: str


def each(check: Callable[[KeyResult], str | None]) -> Check:
    """A check of an objective that runs `check` on each of its key results."""

    def check_all(objective: Objective, period: Period) -> Iterator[tuple[str, str]]:
        for key_result in objective.key_results:
            if message := check(key_result):
                yield key_result.id, message

    return check_all
