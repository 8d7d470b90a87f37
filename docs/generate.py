"""Writes the parts of the docs that the product itself knows: `.venv/bin/python docs/generate.py`.

docs/commands.md is made whole, from the command line's help. Elsewhere a table stands between `<!-- table: NAME -->`
and `<!-- end -->`, and README.md shows what the demo prints. A test holds what is written equal to what would be.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args, get_origin, get_type_hints

from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.testing import CliRunner

from connectors.http.publisher import Success
from syncd.cli.app import app
from syncd.config.catalogue import connection_model, connector
from syncd.config.goal_keys import GuardKeys, Keep, LevelsKeys, MilestoneKeys, PaceKeys, PlausibleKeys, StepKeys
from syncd.config.mapping_keys import (
    Defaults,
    Drives,
    KeyResultKeys,
    MappingFile,
    MeasuresFile,
    ObjectiveKeys,
    PeriodDays,
)
from syncd.config.mapping_test_keys import ExpectKeys, GivenReading, GivenRecord, MappingTestKeys
from syncd.config.measure_keys import FormulaKeys, ReadingMeasureKeys, RecordMeasureKeys, WindowKeys, measure_model
from syncd.config.notifying import NotifyKeys
from syncd.config.project import HealthShares, ProjectFile
from syncd.config.publications import publish_model
from syncd.okr.lint import RULES
from syncd.sdk import Stated, Statement, can_publish, can_pull
from syncd.sdk.cells import As
from syncd.sdk.tables import Lookup, Series
from syncd.service.metrics import Metrics

FOLDER = Path(__file__).parent
CONNECTORS = ("github", "jira", "sheets", "files", "http", "tability", "quantive")
_TABLE = re.compile(r"(<!-- table: ([\w -]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_SCREEN = re.compile(r"(<!-- output of: syncd demo -->\n```text\n)(.*?)(^```$)", re.DOTALL | re.MULTILINE)


def main() -> None:
    """Writes every file that is not as it should be, and names it."""
    for path, text in generated():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path}\n")


def generated() -> Iterator[tuple[Path, str]]:
    """Each file that holds something generated, and what it must hold."""
    yield FOLDER / "commands.md", commands()
    for path in sorted(FOLDER.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if _TABLE.search(text):
            yield path, _TABLE.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}\n{found[3]}", text)
    readme = FOLDER.parent / "README.md"
    yield readme, with_screen(readme.read_text(encoding="utf-8"))


# -- the demo's screen


def with_screen(readme: str) -> str:
    """README.md with the demo's screen as it is now; the one there where only the time that it took differs."""
    screen = demo()
    return _SCREEN.sub(
        lambda found: found[0] if timeless(found[2]) == timeless(screen) else found[1] + screen + found[3], readme
    )


def timeless(screen: str) -> str:
    """A screen without what differs from run to run: how many requests it took, and how long."""
    return re.sub(r"[\d,]+ requests, [\d.]+ s\.", "some requests, some time.", screen)


def demo() -> str:
    """What `syncd demo` prints, 80 columns wide, for somebody who has syncd in no path."""
    command = [sys.executable, "-m", "syncd", "demo"]
    variables = {**os.environ, "COLUMNS": "80", "PATH": os.defpath, "PYTHONUTF8": "1"}
    with TemporaryDirectory() as folder:
        done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, encoding="utf-8", check=True)  # noqa: S603
    return done.stdout


def commands() -> str:
    """The command line's reference."""
    names = list(re.findall(r"^  (\S+)", _help().partition("Commands:\n")[2], flags=re.MULTILINE))
    pages = [_command("syncd", _help()), *(_command(f"syncd {name}", _help(name)) for name in names)]
    return "\n".join([_COMMANDS_INTRODUCTION, *pages])


_COMMANDS_INTRODUCTION = """\
# Commands

Written from the program's own help by `docs/generate.py`.

What all commands share:

- `--config` names the `syncd.yaml`; without it the variable `SYNCD_CONFIG`, else the one in the working folder.
- With `--json` standard output holds one JSON document and nothing else. Logs and warnings go to standard error.
- Exit code 0: all well. 1: a source failed and the rest went on, the ledger failed in the middle, or `doctor` or
  `validate --strict` found something. 2: the command or the configuration is wrong, or the ledger cannot be used, and
  nothing was touched. 3: `plan --exit-code` found changes.
"""


def _help(*command: str) -> str:
    done = CliRunner().invoke(app, [*command, "--help"], prog_name="syncd", env={"COLUMNS": "80"}, terminal_width=80)
    return done.stdout


def _command(name: str, text: str) -> str:
    return f"## {name}\n\n```text\n{text.rstrip()}\n```\n"


# -- tables


def keys(model: type[BaseModel], *, without: Iterable[str] = ()) -> str:
    """The keys of a model: what stands for one that is not written, and what it says."""
    rows = []
    for name, info in model.model_fields.items():
        key = info.alias or name
        if key not in without:
            rows.append([f"`{key}`", _default(info), _said(info)])
    return _rows(["key", "unless given", "what it says"], rows)


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**needed**"
    value = info.get_default()
    if value is None or value in ({}, [], (), "") or isinstance(value, BaseModel):
        return ""
    return f"`{_duration(value) if isinstance(value, timedelta) else value}`".replace("False", "false")


def _duration(value: timedelta) -> str:
    for length, unit in ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "m")):
        if value >= length and not value % length:
            return f"{value // length}{unit}"
    return f"{value.total_seconds():g}s"


def _said(info: FieldInfo) -> str:
    said = info.description or ""
    choices = _choices(info.annotation)
    return f"{said} One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else said


def _choices(annotation: Any) -> tuple[Any, ...]:
    if type(None) in get_args(annotation):
        (annotation, *others) = [one for one in get_args(annotation) if one is not type(None)]
        if others:
            return ()
    return get_args(annotation) if str(get_origin(annotation)) == "typing.Literal" else ()


def metrics() -> str:
    """The metrics, as /metrics says them of itself."""
    text = Metrics().text(_NoReport()).decode()  # type: ignore[arg-type]
    rows = []
    for family in text_string_to_metric_families(text):
        if not family.name.endswith("_created"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            rows.append([f"`{name}`", family.type, family.documentation])
    return _rows(["metric", "type", "what it says"], rows)


class _NoReport:
    """A report of nothing: the metrics name themselves without one."""

    objectives = ()


def fields() -> str:
    """The fields of what GitHub counts."""
    measure: Any = connector("github").Measure
    whats = _choices(measure.model_fields["what"].annotation)
    known = {what: measure.model_validate({"what": what, "repo": "a/b"}).fields() for what in whats}
    names = sorted(set().union(*known.values()))
    rows = [[f"`{name}`", *("yes" if name in known[what] else "" for what in whats)] for name in names]
    return _rows(["field", *(f"`{what}`" for what in whats)], rows)


def rules() -> str:
    """The rules of lint, each with a link to its entry."""
    return _rows(["rule", "means"], [[f"[{rule.id}](lint.md#{rule.id})", rule.reason] for rule in RULES])


_STATED = {
    "key_result": "The key result's id.",
    "title": "Its title.",
    "kind": "`outcome` or `output`.",
    "unit": "What it is counted in.",
    "objective": "The id of its objective.",
    "objective_title": "The objective's title.",
    "owner": "Who owns the objective.",
    "period": "The period's id: `2026-Q4`.",
    "value": "The last complete value.",
    "baseline": "Where it started; none for a band, milestones or levels.",
    "target": "Where it is to end.",
    "progress": "How far it has come from baseline to target; may be below 0 and above 1.",
    "score": "Progress, kept between 0 and 1.",
    "expected": "The score that its pace expects at the start of the day.",
    "health": "`on_track`, `at_risk`, `off_track`, `done`, `unknown`.",
    "quality": "Of the value: `complete`, `partial`, `failed`, `stale`, `held`.",
    "reason": "Why health or quality are not what one would like.",
    "confidence": "The last check-in's confidence, 0 to 1.",
    "note": "The last check-in's note.",
    "as_of": "The time that the value is of.",
    "updated": "The time that syncd says all this.",
    "evidence": "The page that explains the number, where `address` is set in syncd.yaml.",
}


def stated() -> str:
    """What a statement says, in the order of its fields."""
    types = get_type_hints(Statement)
    rows = [[f"`{name}`", _type(types[name]), _STATED[name]] for name in get_args(Stated)]
    return _rows(["name", "type", "what it says"], rows)


def _type(annotation: Any) -> str:
    words = {str: "text", float: "number", datetime: "time", type(None): "none"}
    return " or ".join(words[one] for one in get_args(annotation) or (annotation,))


def _rows(heading: list[str], rows: list[list[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("|" + "".join(f" {cell} |" if cell else " |" for cell in line) for line in lines)


_SHARED = ("from", "window", "per", "take", "of", "where", "as")
TABLES: dict[str, Callable[[], str]] = {
    "mapping keys": partial(keys, MappingFile),
    "objective keys": partial(keys, ObjectiveKeys),
    "key result keys": partial(keys, KeyResultKeys),
    "period keys": partial(keys, PeriodDays),
    "keep keys": partial(keys, Keep),
    "levels keys": partial(keys, LevelsKeys),
    "milestone keys": partial(keys, MilestoneKeys),
    "pace keys": partial(keys, PaceKeys),
    "step keys": partial(keys, StepKeys),
    "guard keys": partial(keys, GuardKeys),
    "link keys": partial(keys, Drives),
    "window keys": partial(keys, WindowKeys),
    "formula keys": partial(keys, FormulaKeys),
    "measures file keys": partial(keys, MeasuresFile),
    "default keys": partial(keys, Defaults),
    "test keys": partial(keys, MappingTestKeys),
    "given record keys": partial(keys, GivenRecord),
    "given reading keys": partial(keys, GivenReading),
    "expect keys": partial(keys, ExpectKeys),
    "plausible keys": partial(keys, PlausibleKeys),
    "measures of records": partial(keys, RecordMeasureKeys),
    "measures of readings": partial(keys, ReadingMeasureKeys),
    "as keys": partial(keys, As),
    "series keys": partial(keys, Series),
    "lookup keys": partial(keys, Lookup),
    "github fields": fields,
    "lint rules": rules,
    "project keys": partial(keys, ProjectFile),
    "health keys": partial(keys, HealthShares),
    "notify keys": partial(keys, NotifyKeys),
    "metrics": metrics,
    "stated": stated,
}
for _name in CONNECTORS:
    _loaded = connector(_name)
    TABLES[f"{_name} connection"] = partial(keys, connection_model(_name, _loaded), without=["type"])
    if can_pull(_loaded):
        TABLES[f"{_name} measure"] = partial(keys, measure_model(_name, _loaded.Measure), without=_SHARED)
    if can_publish(_loaded):
        TABLES[f"{_name} publish"] = partial(keys, publish_model(_name, _loaded), without=["to", "override"])
TABLES["http success"] = partial(keys, Success)


if __name__ == "__main__":
    main()
