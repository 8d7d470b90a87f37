"""Tries every attack of docs/security.md, and writes there how many cases were tried and how many held: `make attacks`.

A case is one variant of an attack: a kind of file, an address, a form of a secret, a client library. A test that draws
its examples counts once. The page's own table of promises names the tests.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "security.md"
_PROMISES = re.compile(r"^\| attack \| what holds \| test \|\n\| --- \| --- \| --- \|\n((?:\|.*\n)+)", re.MULTILINE)
_TRIED = re.compile(r"(<!-- attacks -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_TEST = re.compile(r"`(test_\w+\.py)(?:::(test_\w+))?`")


@cache
def promises(page: str) -> Mapping[str, Sequence[str]]:
    """Each attack that the page names, with the node ids of its tests. KeyError for a test that is not there."""
    table = _PROMISES.search(page)
    assert table is not None, f"{PAGE.name} has no table of promises"
    rows = (row.strip("|").rsplit(" | ", 2) for row in table[1].splitlines())
    return {row[0].strip(): [node for name in _TEST.findall(row[-1]) for node in nodes(*name)] for row in rows}


def nodes(file: str, test: str) -> Iterator[str]:
    """The node ids of a test, or of every test of a file if `test` is empty."""
    (path,) = (ROOT / "tests").rglob(file)
    of_file = dict(_tests(ast.parse(path.read_text(encoding="utf-8")).body))
    for name in [test] if test else of_file:
        yield f"{path.relative_to(ROOT)}::{of_file[name]}"


def _tests(body: Iterable[ast.stmt], within: str = "") -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _tests(node.body, f"{within}{node.name}::")
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, f"{within}{node.name}"


def table(tried: Mapping[str, int], held: Mapping[str, int]) -> str:
    """The generated table."""
    rows = (f"| {attack} | {tried[attack]} | {held.get(attack, 0)} |\n" for attack in tried)
    return "| attack | cases tried | held |\n| --- | --- | --- |\n" + "".join(rows)


def kept(page: str) -> Mapping[str, tuple[int, int]]:
    """What the page says now: the cases tried and held of each attack."""
    block = _TRIED.search(page)
    assert block is not None, f"{PAGE.name} has no place for what was tried"
    rows = (row.strip("|").rsplit("|", 2) for row in block[2].splitlines()[2:])
    return {attack.strip(): (int(tried), int(held)) for attack, tried, held in rows}


def outcomes(node_ids: Iterable[str]) -> tuple[Counter[str], Counter[str]]:
    """The cases that were tried of each node, and those that held. What is skipped was not tried."""
    tried, held = Counter[str](), Counter[str]()
    with TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        every = ["-m", "nightly or not nightly"]
        command = [sys.executable, "-m", "pytest", "-q", *every, f"--junitxml={results}", "-o", "junit_family=xunit1"]
        subprocess.run([*command, *sorted(set(node_ids))], cwd=ROOT)
        cases = ElementTree.parse(results).iter("testcase")
    for case in cases:
        problems = {child.tag for child in case}
        if "skipped" not in problems:
            inside = case.attrib["classname"].removeprefix(case.attrib["file"].removesuffix(".py").replace("/", "."))
            name = case.attrib["name"].partition("[")[0]
            node = "::".join([case.attrib["file"], *inside.strip(".").split("."), name]).replace("::::", "::")
            tried[node] += 1
            held[node] += not problems & {"failure", "error"}
    return tried, held


def main() -> int:
    """Writes the table; 1 if an attack did not hold or no case of it was tried."""
    page = PAGE.read_text(encoding="utf-8")
    tests_by_attack = promises(page)
    tried, held = outcomes(node for tests in tests_by_attack.values() for node in tests)
    sums = [
        {attack: sum(counts[node] for node in set(tests)) for attack, tests in tests_by_attack.items()}
        for counts in (tried, held)
    ]
    PAGE.write_text(_TRIED.sub(lambda block: block[1] + table(*sums) + block[3], page), encoding="utf-8")
    broken = [attack for attack in tests_by_attack if not sums[0][attack] or sums[0][attack] != sums[1][attack]]
    for attack in broken:
        sys.stdout.write(f"{attack}: {sums[1][attack]} of {sums[0][attack]} cases held\n")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
