"""A run prints what each kind of test took, beside its budget; the docs have the same budgets."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from budgets import BUDGETS, KINDS, SET_UP, WHOLE, Budgets, computed_by, kind_of, table
from sampling import beyond_others, sample
from waiting import wait_for

from syncd.sdk.testing import AILMENTS_OF_WRITES

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("nodeid", "kind"),
    [
        ("tests/unit/okr/test_goals.py::test_score[1]", "unit and contract"),
        ("tests/docs/test_docs.py::test_links", "unit and contract"),
        ("tests/system/test_sync.py::test_sync", "system"),
        ("tests/soak/test_year.py::test_year", "soak"),
        ("test_elsewhere.py::test_it", "other"),
    ],
)
def test_the_kind_of_a_test_is_that_of_its_folder(nodeid: str, kind: str) -> None:
    assert kind_of(nodeid) == kind


def test_every_folder_of_tests_has_a_budget() -> None:
    folders = {path.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/test_*.py")}
    assert {KINDS.get(folder, folder) for folder in folders} <= set(BUDGETS)


def test_the_table_has_a_line_for_each_kind_that_ran() -> None:
    wall = {"system": 80.4, "unit and contract": 92.6, SET_UP: 95.2}
    cpu = {"system": 148.3, "unit and contract": 176.0}
    assert table({"system": 420, "unit and contract": 5190}, wall, cpu, 271.7) == [
        "                    budget    wall     CPU   tests",
        "set-up and checks      180      95                ",
        "unit and contract      150      93     176   5,190",
        "system                  90      80     148     420",
        "the whole run          480     272                ",
    ]


def test_the_time_of_each_part_of_a_test_counts_and_is_divided_by_the_workers(pytestconfig: pytest.Config) -> None:
    budgets = Budgets(pytestconfig)
    for worker, when, seconds in (("gw0", "setup", 3.0), ("gw0", "call", 4.0), ("gw1", "call", 1.0)):
        keywords = {"tests": 1}
        report = pytest.TestReport(
            "tests/system/test_sync.py::test_sync", ("", 0, ""), keywords, "passed", None, when, (), seconds
        )  # type: ignore[arg-type]
        report.worker_id = worker  # type: ignore[attr-defined]
        budgets.pytest_runtest_logreport(report)
    assert budgets.wall() == {"system": 4.0}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells what processes compute")
def test_what_a_test_starts_is_computed_by_it() -> None:
    code = "import sys; sum(range(10**7)); print('done', flush=True); sys.stdin.read()"
    before = computed_by(os.getpid())
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        its = computed_by(process.pid)
        assert its > 0
        assert computed_by(os.getpid()) - before >= its - 0.05
        process.communicate()
    wait_for(lambda: computed_by(os.getpid()) - before >= its - 0.05)  # it has ended, and counts still


def test_the_docs_have_these_budgets() -> None:
    page = (TESTS.parent / "docs/tests.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| ([\w -]+) \| (\d+) \|", page, re.MULTILINE)) == {
        kind: str(seconds) for kind, seconds in BUDGETS.items()
    }
    assert f"The whole gate takes at most {WHOLE}" in page


def test_a_sample_is_even_and_has_both_ends() -> None:
    assert sample(26, 6) == {0, 5, 10, 15, 20, 25}
    assert sample(3, 6) == {0, 1, 2}
    assert sample(9, 1) == {0}


def test_what_a_sibling_leaves_to_the_nightly_run_is_no_part_of_the_gate() -> None:
    file = "tests/contract/test_publisher_contract_apis.py"
    options = ["-n0", "-p", "no:cacheprovider", "--collect-only", file]
    code = f"import pytest; pytest.main({options}); print('NIGHTLY'); pytest.main([*{options}, '-m', 'nightly'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=TESTS.parent, capture_output=True, text=True)
    gate, nightly = (
        set(re.findall(r"TestTability::test_what_may_pass_and_what_will_not\[(.+)\]$", part, re.MULTILINE))
        for part in done.stdout.split("NIGHTLY")
    )
    assert {"401", "an answer that is lost"} < gate
    assert {"408", "451"} < nightly
    assert gate | nightly == {ailment.name for ailment in AILMENTS_OF_WRITES}
    assert not gate & nightly


def test_a_parameter_that_is_left_to_the_nightly_run_leaves_the_others_to_the_gate() -> None:
    def item(*params: object, left: str) -> Any:
        markers = {"nightly_with": [pytest.mark.nightly_with(left).mark]}
        return SimpleNamespace(callspec=SimpleNamespace(params=dict(enumerate(params))), iter_markers=markers.get)

    items = [item("sqlite", left="postgresql"), item("postgresql", 7, left="postgresql"), item("postgresql", left="x")]
    assert list(beyond_others(items)) == [items[1]]


def test_no_test_is_sampled_twice() -> None:
    """The first marker would hold, and who reads the second believes that one."""
    twice = []
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            decorators = getattr(node, "decorator_list", [])
            if sum("mark.sampled(" in ast.unparse(each) for each in decorators) > 1:
                twice.append(f"{path.name}: {node.name}")  # type: ignore[attr-defined]
    assert twice == []
