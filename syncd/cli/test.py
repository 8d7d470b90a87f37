"""`syncd test`."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap

import typer

from syncd.cli.opening import open_config, print_json
from syncd.config.trials import Difference, differences
from syncd.okr.words import count


def run(path: Path, *, as_json: bool) -> None:
    """Runs every test of every mapping file, and prints what differs."""
    config, _ = open_config(path)
    found = [(test, differences(test, config.shares)) for test in config.tests]
    failed = sum(bool(different) for _, different in found)
    if as_json:
        print_json(
            {
                "tests": [
                    {
                        "name": test.name,
                        "file": test.document.file,
                        "line": test.document.line(test.place),
                        "ok": not different,
                        "differences": [_said(one) for one in different],
                    }
                    for test, different in found
                ]
            }
        )
    else:
        for test, different in found:
            mark = "FAIL" if different else "ok  "
            typer.echo(f"{mark}  {test.document.file}:{test.document.line(test.place)}")
            for part in wrap(test.name, 74, break_on_hyphens=False):
                typer.echo(f"      {part}")
            for one in different:
                typer.echo(f"    - {one.of}: expected {one.expected}, got {one.actual}")
                for part in wrap(one.why or "", 74, break_on_hyphens=False):
                    typer.echo(f"      {part}")
        if not found:
            typer.echo("no tests: add a `tests:` block to a mapping file")
        else:
            typer.echo(
                f"{count(len(found), 'test')}, {failed} failed" if failed else f"{count(len(found), 'test')}, all ok"
            )
    if failed:
        raise typer.Exit(1)


def _said(one: Difference) -> dict[str, str | None]:
    return {"of": one.of, "expected": one.expected, "found": one.actual, "why": one.why}
