"""That docs/security.md names tests that are there, and says what came of them."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from attacks import PAGE, ROOT, kept, promises
from waiting import HANG


def test_every_promise_names_tests_that_are_there() -> None:
    tests_by_attack = promises(PAGE.read_text(encoding="utf-8"))
    assert len(tests_by_attack) > 30
    assert [attack for attack, tests in tests_by_attack.items() if not tests] == []


def test_every_attack_that_was_tried_is_one_of_the_promises_and_held() -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = kept(page)
    assert len(shown) > 30
    assert set(shown) <= set(promises(page)), "run `make attacks`"
    assert {attack: counts for attack, counts in shown.items() if not 0 < counts[0] == counts[1]} == {}


@pytest.mark.nightly
def test_the_table_of_what_was_tried_is_of_todays_tests() -> None:
    """Where this fails: `make attacks`."""
    page = PAGE.read_text(encoding="utf-8")
    tests_by_attack = promises(page)
    wanted = sorted({node for tests in tests_by_attack.values() for node in tests})
    every = ["-m", "nightly or not nightly"]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-n0", *every, *wanted]  # `-q` is in pyproject.toml
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANG).stdout
    cases = Counter(line.partition("[")[0] for line in listed.splitlines() if "::" in line)
    assert {attack: counts[0] for attack, counts in kept(page).items()} == {
        attack: sum(cases[node] for node in set(tests)) for attack, tests in tests_by_attack.items()
    }
