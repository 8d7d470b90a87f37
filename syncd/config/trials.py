"""Runs the tests in mapping files, and finds the results that differ from their expectations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from syncd.config.mapping_test_keys import About, ExpectKeys
from syncd.config.mapping_tests import MappingTest
from syncd.okr.goals import Shares
from syncd.okr.trial import Trial
from syncd.sdk.figures import full_number

_SHARES = frozenset({"progress", "score", "expected", "activity"})


@dataclass(frozen=True, slots=True)
class Difference:
    """A result that differs from a test's expectation, both in words.

    `why` is the reason for an unknown value, or for a health that a guard lowers.
    """

    of: str
    expected: str
    actual: str
    why: str | None = None


def differences(test: MappingTest, shares: Shares) -> list[Difference]:
    """The results that differ from a test's expectations, in the order of the file."""
    trial = Trial(test.okrs, shares, test.given(), test.at)
    return [
        difference
        for name, expected in test.expect.items()
        for difference in _differences_of(test, name, expected, trial)
    ]


def _differences_of(test: MappingTest, name: str, expected: ExpectKeys, trial: Trial) -> Iterator[Difference]:
    for key, value, why in _actual(test, name, trial):
        if key not in expected.model_fields_set:
            continue
        wanted = getattr(expected, key)
        if isinstance(wanted, About):
            is_met = isinstance(value, float) and wanted.met_by(value)
            wanted_text = _number(wanted.number, key)
        else:
            is_met, wanted_text = value == wanted, "unknown" if wanted is None else str(wanted)
        if not is_met:
            yield Difference(f"{name}.{key}", wanted_text, _number(value, key), why)
    for outcome, verdict in expected.alignment.items():
        link = trial.alignment(name, outcome)
        if link.verdict != verdict:
            since = f"{name} is on pace since {link.since}" if link.since else f"{name} is not on pace"
            yield Difference(f"{name}.alignment.{outcome}", verdict, link.verdict, since)


def _actual(test: MappingTest, name: str, trial: Trial) -> Iterator[tuple[str, float | str | None, str | None]]:
    key_result = test.okrs.by_id.get(name)
    if key_result is None:
        rolled_up = trial.objective(name)
        yield "score", rolled_up.score, None
        yield "activity", rolled_up.activity, None
        yield "health", rolled_up.health, None
        return
    answer, standing = trial.answer(name), trial.standing(name)
    why = answer.reason or standing.reason
    yield "value", answer.number, why
    yield "progress", standing.progress, why
    yield "score", standing.score, why
    yield "expected", standing.expected, None
    yield "health", standing.health, why
    yield "level", trial.level(name), None


def _number(value: float | str | None, key: str) -> str:
    if value is None:
        return "unknown" if key != "level" else "none"
    if isinstance(value, str):
        return value
    return f"{full_number(round(value * 100, 6))} %" if key in _SHARES else full_number(value)
