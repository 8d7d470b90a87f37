"""The tests inside mapping files, run: what differs from what each one expects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syncd.config import MappingTest
from syncd.config.mapping_test_keys import About, ExpectKeys
from syncd.okr.goals import Shares
from syncd.okr.plausible import shown
from syncd.okr.trial import TrialResult, run_trial

_SHARES = frozenset({"progress", "score", "expected", "activity"})


@dataclass(frozen=True, slots=True)
class Difference:
    """What a test expected of something, and what it got, in words; `why` that is unknown or held down, if it is."""

    of: str
    expected: str
    actual: str
    why: str | None = None


def differences(test: MappingTest, shares: Shares) -> list[Difference]:
    """What a test finds otherwise than it expects, in the order in which it is written."""
    found = run_trial(test.plan, shares, test.given(), test.at)
    return [one for name, expected in test.expect.items() for one in _of(test, name, expected, found)]


def _of(test: MappingTest, name: str, expected: ExpectKeys, found: TrialResult) -> Iterator[Difference]:
    for key, value, why in _found(test, name, found):
        if key not in expected.model_fields_set:
            continue
        wanted = getattr(expected, key)
        if isinstance(wanted, About):
            met = isinstance(value, float) and wanted.met_by(value)
            said = _number(wanted.number, key)
        else:
            met, said = value == wanted, "unknown" if wanted is None else str(wanted)
        if not met:
            yield Difference(f"{name}.{key}", said, _number(value, key), why)
    for outcome, verdict in expected.alignment.items():
        link = found.alignment[name, outcome]
        if link.verdict != verdict:
            since = f"{name} is on pace since {link.since}" if link.since else f"{name} is not on pace"
            yield Difference(f"{name}.alignment.{outcome}", verdict, link.verdict, since)


def _found(test: MappingTest, name: str, found: TrialResult) -> Iterator[tuple[str, float | str | None, str | None]]:
    """Each thing that can be expected of a key result or an objective: its key, what it is, and why."""
    key_result = next((kr for kr in test.plan.measured if kr.id == name), None)
    if key_result is None:
        rolled_up = found.objectives[name]
        yield "score", rolled_up.score, None
        yield "activity", rolled_up.activity, None
        yield "health", rolled_up.health, None
        return
    answer, stands = found.answers[name], found.standings[name]
    why = answer.reason or stands.reason
    yield "value", answer.number, why
    yield "progress", stands.progress, why
    yield "score", stands.score, why
    yield "expected", stands.expected, None
    yield "health", stands.health, why
    yield "level", found.level(key_result), None


def _number(value: float | str | None, key: str) -> str:
    if value is None:
        return "unknown" if key != "level" else "none"
    if isinstance(value, str):
        return value
    return f"{shown(round(value * 100, 6))} %" if key in _SHARES else shown(value)
