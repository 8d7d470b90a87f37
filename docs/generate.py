"""Generates parts of the docs from the code: `.venv/bin/python docs/generate.py`.

docs/commands.md is generated whole, from the help of each command. In other pages a generated table has the line
`<!-- table: NAME -->` above it and `<!-- end -->` below it. README.md shows the output of the demo. A test fails if a
page differs from what this script generates.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args, get_origin, get_type_hints

from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.testing import CliRunner

from connectors.http.oauth import OAuth
from connectors.http.paging import Pages
from connectors.http.publisher import Success
from docs.api_tables import actions, addresses, documents, table_of
from syncd.cli.app import app
from syncd.config.catalogue import OTHERS, connection_model, connector
from syncd.config.goal_keys import GuardKeys, Keep, LevelsKeys, MilestoneKeys, PaceKeys, PlausibleKeys, StepKeys
from syncd.config.keeping import BackupKeys, RetainKeys
from syncd.config.mapping_keys import (
    Defaults,
    Drives,
    KeyResultKeys,
    MappingFile,
    MeasuresFile,
    Moved,
    ObjectiveKeys,
    PeriodDays,
)
from syncd.config.mapping_test_keys import ExpectKeys, GivenReading, GivenRecord, MappingTestKeys
from syncd.config.measure_keys import FormulaKeys, ReadingMeasureKeys, RecordMeasureKeys, WindowKeys, measure_models
from syncd.config.notifying import NotifyKeys
from syncd.config.project import HealthShares, ProjectFile
from syncd.config.publications import publish_model
from syncd.config.web_keys import LoginKeys, OidcKeys, ProxyKeys, RoleKeys, WebKeys
from syncd.okr.lint import RULES
from syncd.sdk import Stated, Statement, can_publish, can_pull
from syncd.sdk.as_keys import As
from syncd.sdk.tables import Lookup, Series
from syncd.service.backups import backup_gauge
from syncd.service.gauges import delivery_gauges, key_result_gauges, stream_gauges
from syncd.service.metrics import Metrics, prometheus_text

FOLDER = Path(__file__).parent
CONNECTORS = ("github", "gitlab", "jira", "sheets", "files", "http", "sql", "tability", "quantive")
_TABLE = re.compile(r"(<!-- table: ([\w -]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_SCREEN = re.compile(r"(<!-- output of: syncd demo -->\n```text\n)(.*?)(^```$)", re.DOTALL | re.MULTILINE)


def main() -> None:
    """Writes each file that differs from its generated text, and prints its name."""
    for path, text in generated():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path}\n")


def generated() -> Iterator[tuple[Path, str]]:
    """Each file that has a generated part, with its whole text."""
    yield FOLDER / "commands.md", commands()
    for path in sorted(FOLDER.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if _TABLE.search(text):
            yield path, _TABLE.sub(lambda table: f"{table[1]}{TABLES[table[2]]()}\n{table[3]}", text)
    readme = FOLDER.parent / "README.md"
    yield readme, with_screen(readme.read_text(encoding="utf-8"))


# -- the demo's screen


def with_screen(readme: str) -> str:
    """README.md with the output of the demo; unchanged if the output differs only in requests and time."""
    screen, _ = demo()
    return _SCREEN.sub(
        lambda block: block[0] if timeless(block[2]) == timeless(screen) else block[1] + screen + block[3], readme
    )


def timeless(screen: str) -> str:
    """A screen without what differs between runs: the number of requests and the time."""
    return re.sub(r"[\d,]+ requests, [\d.]+ s\.", "some requests, some time.", screen)


@cache
def demo() -> tuple[str, str]:
    """The output of `syncd demo`, as printed if syncd is not on the PATH, and of `explain calls` after it, at 80
    columns.
    """
    syncd = [sys.executable, "-m", "syncd"]
    variables = {**os.environ, "COLUMNS": "80", "PATH": os.defpath, "PYTHONUTF8": "1"}
    with TemporaryDirectory() as folder:
        run = partial(subprocess.run, cwd=folder, env=variables, capture_output=True, encoding="utf-8", check=True)
        screen = run([*syncd, "demo"]).stdout
        return screen, run([*syncd, "explain", "calls", "--config", "syncd-demo/syncd.yaml"]).stdout


def explained() -> str:
    """What an assistant reads of `explain calls` in the demo: the number, what counts, and the first link."""
    _, text = demo()
    number, _link, links = text.partition("alignment ")
    counted, _rule, _ = number.partition("left out")
    verdict = _link + links.partition("lag  ")[0]
    return f"```text\n{counted}…\n\n{verdict}…\n```"


def commands() -> str:
    """The page of all commands."""
    names = list(re.findall(r"^  (\S+)", _help().partition("Commands:\n")[2], flags=re.MULTILINE))
    pages = [_command("syncd", _help()), *(_command(f"syncd {name}", _help(name)) for name in names)]
    return "\n".join([_COMMANDS_INTRODUCTION, *pages])


_COMMANDS_INTRODUCTION = """\
# Commands

`docs/generate.py` generates this page from the help of each command.

All commands share these rules:

- `--config` names the `syncd.yaml` to use. The default is the variable `SYNCD_CONFIG`, then `syncd.yaml` in the working
  folder.
- `--workspace` names a workspace, if this `syncd.yaml` is a deployment of [many teams](workspaces.md).
- With `--json`, standard output holds one JSON document and nothing else. Logs and warnings go to standard error.
- [Exit codes](operating.md#exit-codes):
  - 0: success.
  - 1: a source or a publisher failed, and the others went on. Or the ledger failed during a cycle. Or `test`, `doctor`
    or `validate --strict` reported a problem.
  - 2: the command or the configuration is wrong, or the ledger cannot be used. Nothing was changed.
  - 3: `plan --exit-code` reported changes.
"""


def _help(*command: str) -> str:
    done = CliRunner().invoke(app, [*command, "--help"], prog_name="syncd", env={"COLUMNS": "80"}, terminal_width=80)
    return done.stdout


def _command(name: str, text: str) -> str:
    return f"## {name}\n\n```text\n{text.rstrip()}\n```\n"


# -- tables


def keys(model: type[BaseModel], *, without: Iterable[str] = ()) -> str:
    """The keys of a model, each with its default and its meaning."""
    rows = []
    for name, info in model.model_fields.items():
        key = info.alias or name
        if key not in without:
            rows.append([f"`{key}`", _default(info), _meaning(info)])
    return table_of(["key", "default", "meaning"], rows)


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


def _meaning(info: FieldInfo) -> str:
    description = info.description or ""
    choices = _choices(info.annotation)
    return f"{description} One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else description


def _choices(annotation: Any) -> tuple[Any, ...]:
    if type(None) in get_args(annotation):
        (annotation, *others) = [member for member in get_args(annotation) if member is not type(None)]
        if others:
            return ()
    return get_args(annotation) if str(get_origin(annotation)) == "typing.Literal" else ()


def metrics() -> str:
    """The metrics with the help texts of /metrics."""
    gauges = [*key_result_gauges([]), *stream_gauges({}, datetime.now(UTC)), *delivery_gauges([]), backup_gauge(None)]
    text = prometheus_text([*Metrics().counted(), *gauges]).decode()
    rows = []
    for family in text_string_to_metric_families(text):
        if not family.name.endswith("_created"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            rows.append([f"`{name}`", family.type, family.documentation])
    return table_of(["metric", "type", "meaning"], rows)


def fields(name: str, place: str) -> str:
    """The fields of each kind of record of a connector, whose measures name a `place`: `repo` or `project`."""
    measure: Any = connector(name).Measure
    whats = _choices(measure.model_fields["what"].annotation)
    fields_of = {what: measure.model_validate({"what": what, place: "a/b"}).fields() for what in whats}
    names = sorted(set().union(*fields_of.values()))
    rows = [[f"`{name}`", *("yes" if name in fields_of[what] else "" for what in whats)] for name in names]
    return table_of(["field", *(f"`{what}`" for what in whats)], rows)


def rules() -> str:
    """The lint rules, each with a link to its entry."""
    return table_of(["rule", "means"], [[f"[{rule.id}](lint.md#{rule.id})", rule.reason] for rule in RULES])


_STATED = {
    "key_result": "The key result's id.",
    "title": "The key result's title.",
    "kind": "`outcome` or `output`.",
    "unit": "What the value counts.",
    "objective": "The objective's id.",
    "objective_title": "The objective's title.",
    "owner": "The key result's owner, or else the objective's.",
    "period": "The period's id, such as `2026-Q4`.",
    "value": "The last complete value.",
    "baseline": "The value at the start; none for a band, milestones or levels.",
    "target": "The value wanted at the end.",
    "progress": "The part of the way from baseline to target; it can be below 0 and above 1.",
    "score": "Progress, limited to 0 to 1.",
    "expected": "The score that the pace expects at the start of the day.",
    "health": "`on_track`, `at_risk`, `off_track`, `done`, `unknown`.",
    "quality": "The quality of the value: `complete`, `partial`, `failed`, `stale`, `held`.",
    "reason": "What is wrong with the value, or what limits its health.",
    "confidence": "The confidence of the last check-in by a person, 0 to 1.",
    "note": "The note of the last check-in by a person.",
    "as_of": "The time that the value describes.",
    "updated": "The time at which syncd made this check-in.",
    "evidence": "The address of the page that explains the value, if `web.address` is set in syncd.yaml.",
}


def stated() -> str:
    """The fields of a statement, in their order."""
    types = get_type_hints(Statement)
    rows = [[f"`{name}`", _type(types[name]), _STATED[name]] for name in get_args(Stated)]
    return table_of(["name", "type", "meaning"], rows)


def _type(annotation: Any) -> str:
    words = {str: "text", float: "number", datetime: "time", type(None): "none"}
    return " or ".join(words[member] for member in get_args(annotation) or (annotation,))


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
    "moved keys": partial(keys, Moved),
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
    "github fields": partial(fields, "github", "repo"),
    "gitlab fields": partial(fields, "gitlab", "project"),
    "lint rules": rules,
    "project keys": partial(keys, ProjectFile),
    "health keys": partial(keys, HealthShares),
    "web keys": partial(keys, WebKeys),
    "login keys": partial(keys, LoginKeys),
    "oidc keys": partial(keys, OidcKeys),
    "proxy keys": partial(keys, ProxyKeys),
    "role keys": partial(keys, RoleKeys),
    "retain keys": partial(keys, RetainKeys),
    "backup keys": partial(keys, BackupKeys),
    "notify keys": partial(keys, NotifyKeys),
    "metrics": metrics,
    "stated": stated,
    "api addresses": addresses,
    "api actions": actions,
    "api documents": documents,
    "mcp example": explained,
}
for _name in CONNECTORS:
    _loaded = connector(_name)
    TABLES[f"{_name} connection"] = partial(keys, connection_model(_name, _loaded), without=["type"])
    if can_pull(_loaded):
        for _kind, _model in zip(("measure", "records"), measure_models(_name, _loaded), strict=False):
            TABLES[f"{_name} {_kind}"] = partial(keys, _model, without=_SHARED)
    if can_publish(_loaded):
        TABLES[f"{_name} publish"] = partial(keys, publish_model(_name, _loaded), without=["to", "override"])
(_exported,) = measure_models(OTHERS, connector(OTHERS))
TABLES["workspace measure"] = partial(keys, _exported, without=_SHARED)
TABLES["http success"] = partial(keys, Success)
TABLES["http pages"] = partial(keys, Pages)
TABLES["http oauth"] = partial(keys, OAuth)


if __name__ == "__main__":
    main()
