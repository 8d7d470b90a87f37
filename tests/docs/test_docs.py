"""That the docs are true: what they generate, show, link to and name is so."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel
from typer.main import get_command

from syncd.cli.app import app
from syncd.config import load_config
from syncd.config.catalogue import connector, connector_types
from syncd.config.goal_keys import GuardKeys, StepKeys
from syncd.config.mapping_keys import KeyResultKeys, MappingFile, MeasuresFile
from syncd.config.mapping_test_keys import About, ExpectKeys, GivenReading, GivenRecord, MappingTestKeys
from syncd.config.measure_keys import FormulaKeys, ReadingMeasureKeys, RecordMeasureKeys, WindowKeys, measure_models
from syncd.config.trials import differences
from syncd.ledger.outbox import State
from syncd.ledger.schema import metadata
from syncd.okr.alignment import Verdict
from syncd.okr.goals import Health, Quality
from syncd.okr.measures import READING_TAKES, RECORD_TAKES
from syncd.sdk.table_measure import TableKeys
from syncd.sdk.tables import Lookup
from syncd.sdk.testing import PublisherContract, SourceContract
from syncd.sdk.testing.connector_contract import ConnectorContract

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
SHIPPED = ("files", "github", "gitlab", "http", "jira", "sheets", "sql")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


# -- what is generated, and the demo's screen


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_generated_is_what_would_be(generate: ModuleType) -> None:
    """Where this fails: `.venv/bin/python docs/generate.py`."""
    for path, wanted in generate.generated():
        assert path.read_text(encoding="utf-8") == wanted, f"{path}: run .venv/bin/python docs/generate.py"


def test_the_readme_shows_the_demos_screen() -> None:
    screen = text("README.md").partition("<!-- output of: syncd demo -->")[2].partition("```\n\n")[0]
    assert "2026-Q4   day 52 of 92" in screen
    assert "! watermelon" in screen


def test_the_readmes_commands_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    assert {"demo", "test"} <= set(re.findall(r"^make (\w+)", text("README.md"), re.MULTILINE)) <= targets


def test_make_help_lists_every_target() -> None:
    (targets,) = re.findall(r"^\.PHONY: (.*)$", text("Makefile"), re.MULTILINE)
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^make ([\w-]+) +\S", listed, re.MULTILINE) == targets.split()


def test_pre_commit_runs_make_check_from_this_repository_alone() -> None:
    (repository,) = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    (hook,) = repository["hooks"]
    assert repository["repo"] == "local"
    assert (hook["entry"], hook["language"], hook["pass_filenames"]) == ("make check", "system", False)


# -- what must be named


def test_every_metric_is_named() -> None:
    modules = ("syncd/service/metrics.py", "syncd/service/backups.py", "syncd/service/gauges.py")
    names = {name for module in modules for name in re.findall(r'"(syncd_\w+)"', text(module))}
    assert len(names) > 15
    assert [name for name in names if name not in text("docs/operating.md")] == []


def test_every_take_and_field_is_named() -> None:
    page = text("docs/mappings.md")
    fields = re.findall(r'^    "(\w+)": "\w+",', text("connectors/jira/fields.py"), re.MULTILINE)
    assert "lead_time" in fields
    for name in (*RECORD_TAKES, *READING_TAKES, *fields):
        assert f"`{name}`" in page, name


def test_the_glossary_has_every_health_quality_verdict_and_state_in_order() -> None:
    page = text("docs/glossary.md")
    words = {*get_args(Health), *get_args(Quality), *get_args(Verdict)}
    assert [word for word in words if f"`{word}`" not in page] == []
    states = set(get_args(State)) - {"sending", "delivered"}
    assert [state for state in states if f"\n| {state} | " not in page] == []
    for table in page.split("| --- | --- |")[1:]:
        listed = re.findall(r"^\| ([^|]+) \|", table.partition("\n\n")[0], re.MULTILINE)
        assert listed == sorted(listed)


def test_every_connector_has_its_tables() -> None:
    page = text("docs/connectors.md")
    for name in SHIPPED:
        assert f"\n## {name}\n" in page
        assert f"<!-- table: {name} connection -->" in page
        assert f"<!-- table: {name} measure -->" in page
    assert set(SHIPPED) <= set(connector_types())


def test_every_key_of_a_connector_says_what_it_is() -> None:
    for name in SHIPPED:
        loaded = connector(name)
        for model in (loaded.Settings, *measure_models(name, loaded)):
            silent = [key for key, info in model.model_fields.items() if not info.description]
            assert silent == [], name


LANGUAGE = (MappingFile, MappingTestKeys, MeasuresFile, RecordMeasureKeys, ReadingMeasureKeys, FormulaKeys, TableKeys)
GIVEN = (GivenRecord, GivenReading)


def models(root: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and all that are written within it."""
    yield root
    for info in root.model_fields.values():
        for inner in models_in(info.annotation):
            yield from models(inner)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def test_every_key_of_the_language_is_described_in_the_reference(generate: ModuleType) -> None:
    page = text("docs/mappings.md")
    found = {model for root in (*LANGUAGE, *GIVEN) for model in models(root)} - {About}  # it is written as one number
    assert {KeyResultKeys, GuardKeys, StepKeys, WindowKeys, ExpectKeys, Lookup} <= found
    for model in found:
        assert [key for key, info in model.model_fields.items() if not info.description] == [], model
        assert model is TableKeys or generate.keys(model) in page, f"docs/mappings.md has no table of {model.__name__}"
    for key in TableKeys.model_fields.keys() - {"as_"}:
        assert f"`{key}`" in page


# -- what is linked to


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("https://", "http://")):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_test_that_the_docs_name_is_there() -> None:
    found = [match for page in PAGES for match in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", prose(page))]
    assert len(found) > 10
    for file, function in found:
        assert (ROOT / file).exists(), file
        assert not function or f"def {function}(" in text(file), f"{file}::{function}"


@pytest.mark.parametrize("contract", [SourceContract, PublisherContract])
def test_every_rule_of_a_contract_is_on_the_page_of_connectors(contract: type[ConnectorContract]) -> None:
    page = text("docs/add-a-connector.md")
    named = set(re.findall(rf"`{contract.__name__}::(\w+)`", page))
    shared = {name for name in vars(ConnectorContract) if name.startswith("test_")}
    assert named - shared == {name for name in vars(contract) if name.startswith("test_")}
    assert shared <= set(re.findall(r"Contract::(\w+)`", page))


# -- what is typed


def typed(page: Path) -> Iterator[str]:
    """Each `syncd …` that a page tells somebody to type: in a shell block, or between backticks."""
    content = page.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```$", content, re.DOTALL | re.MULTILINE))
    lines = [part for line in blocks.splitlines() for part in re.split(r"&&|  #", line)]
    for line in [*lines, *re.findall(r"`([^`\n]+)`", prose(page))]:
        if match := re.match(r"\s*syncd (?=[a-z-])(.*)", line):
            yield match[1]


@cache
def whole_command() -> Any:
    """syncd with all its commands, which takes a while to make."""
    return get_command(app)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_and_options_are_there(page: Path) -> None:
    main = whole_command()
    commands = main.commands
    of_main = {option for parameter in main.params for option in parameter.opts}
    for line in typed(page):
        name, *words = line.split()
        if name in of_main:
            continue
        assert name in commands, line
        options = {option for parameter in commands[name].params for option in (*parameter.opts, "--help")}
        assert [word for word in words if word.startswith("-") and word.partition("=")[0] not in options] == [], line


# -- the YAML that is shown

CONNECTIONS = """\
code: {type: github, token: "${GITHUB_TOKEN}"}
tickets: {type: jira, url: "https://acme.atlassian.net", email: bot@acme.example, token: "${JIRA_TOKEN}"}
numbers: {type: sheets, credentials: google.json}
metrics: {type: http, url: "https://metrics.acme.example"}
pagerduty: {type: http, url: "https://api.pagerduty.com", post: true}
local: {type: files, root: data/}
warehouse: {type: sql, url: "postgresql://syncd@db.acme.example/shop", password: "${WAREHOUSE_PASSWORD}"}
"""
CALLS = {"id": "calls", "title": "Fewer calls", "kind": "outcome", "baseline": 2, "target": 1}


OF_DEPLOYMENTS = ("deployment", "key results of a workspace")


def shown() -> Iterator[tuple[str, str, str]]:
    """Each YAML block: the page, what kind it is said to be, its text."""
    for page in PAGES:
        blocks = re.findall(
            r"^```yaml ?([\w ]*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
        for kind, block in blocks:
            if kind in ("project", "connections", "mapping", "measures", "key results", *OF_DEPLOYMENTS):
                yield named(page), kind, block


@pytest.mark.parametrize(("page", "kind", "block"), list(shown()), ids=lambda value: value.splitlines()[0][:30])
def test_the_yaml_that_is_shown_is_valid(page: str, kind: str, block: str, tmp_path: Path) -> None:
    connections = CONNECTIONS if kind != "connections" else block
    project = block if kind == "project" else yaml.safe_dump({"connections": yaml.safe_load(connections)})
    key_results = yaml.safe_load(block) if kind.startswith("key results") else [CALLS]
    if not any(key_result["id"] == "calls" for key_result in key_results):
        key_results.append(CALLS)
    objective = {"id": "an-objective", "title": "Of the docs", "key_results": key_results}
    mapping = block if kind == "mapping" else yaml.safe_dump({"period": "2026-Q4", "objectives": [objective]})
    workspace = "company" if kind in OF_DEPLOYMENTS else None
    if workspace is not None:
        deployment = (
            block if kind == "deployment" else "workspaces: teams/*/syncd.yaml\nledger: sqlite:///{workspace}.db\n"
        )
        (tmp_path / "syncd.yaml").write_text(deployment, encoding="utf-8")
        tmp_path = tmp_path / "teams" / workspace
        tmp_path.mkdir(parents=True)
    (tmp_path / "syncd.yaml").write_text(project, encoding="utf-8")
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings/okrs.yaml").write_text(mapping, encoding="utf-8")
    if kind == "measures":
        (tmp_path / "mappings/measures.yaml").write_text(block, encoding="utf-8")
    config = load_config(
        tmp_path / "syncd.yaml" if workspace is None else tmp_path.parents[1] / "syncd.yaml", workspace
    )
    assert config.periods, page
    assert len(config.tests) == block.count("- name: "), page
    assert [differences(test, config.shares) for test in config.tests if differences(test, config.shares)] == []


def test_the_page_on_backups_names_each_table() -> None:
    page = (ROOT / "docs" / "backups.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == {table.name for table in metadata.sorted_tables}
