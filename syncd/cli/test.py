"""`syncd test`."""

from __future__ import annotations

from pathlib import Path

import typer

from syncd.cli.lines import wrapped
from syncd.cli.opening import open_config, print_json
from syncd.cli.output import say
from syncd.config.trials import Difference, differences
from syncd.okr.words import count


def run(path: Path, *, as_json: bool, workspace: str | None = None) -> None:
    """Runs every test of every mapping file, and prints the differences."""
    config, _ = open_config(path, workspace)
    outcomes = [(test, differences(test, config.shares)) for test in config.tests]
    failed = sum(bool(different) for _, different in outcomes)
    if as_json:
        print_json(
            {
                "tests": [
                    {
                        "name": test.name,
                        "file": test.document.file,
                        "line": test.document.line(test.place),
                        "ok": not different,
                        "differences": [_difference(difference) for difference in different],
                    }
                    for test, different in outcomes
                ]
            }
        )
    else:
        for test, different in outcomes:
            mark = "FAIL" if different else "ok  "
            say(f"{mark}  {test.document.file}:{test.document.line(test.place)}")
            for line in wrapped(test.name, " " * 6):
                say(line)
            for difference in different:
                say(f"    - {difference.of}: expected {difference.expected}, got {difference.actual}")
                for line in wrapped(difference.why or "", " " * 6):
                    say(line)
        if not outcomes:
            say("no tests: add a `tests:` block to a mapping file")
        else:
            say(
                f"{count(len(outcomes), 'test')}, {failed} failed"
                if failed
                else f"{count(len(outcomes), 'test')}, all ok"
            )
    if failed:
        raise typer.Exit(1)


def _difference(difference: Difference) -> dict[str, str | None]:
    return {
        "of": difference.of,
        "expected": difference.expected,
        "found": difference.actual,
        "why": difference.why,
    }
