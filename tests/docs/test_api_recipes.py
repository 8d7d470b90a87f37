"""The recipes for web APIs: the tests of each page pass, and a sync sends and reads what it shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
import yaml
from loopback import QuietHandler, running

from syncd.config import Config, load_config
from syncd.config.trials import differences
from syncd.cycle.model import CycleRequest
from syncd.cycle.run import run_cycle
from syncd.ledger import open_ledger
from syncd.sdk import RetryPolicy
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import KeyResultLine, report_of

FOLDER = Path(__file__).parents[2] / "docs/cookbook/apis"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
NOW = datetime(2026, 11, 21, 10, 15, tzinfo=ZoneInfo("Europe/Berlin"))
VENDORS = {
    "airtable", "datadog", "google-analytics", "hubspot", "notion", "pagerduty", "prometheus", "salesforce", "stripe",
    "zendesk",
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """A page, taken apart."""

    connections: dict[str, Any]
    mapping: str
    requests: list[str]
    answers: list[str]
    key_result: str
    value: float


def recipe(path: Path) -> Recipe:
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    named = {name: block for _, name, block in blocks if name}
    ((key_result, value),) = re.findall(r"^On 21 November `([\w-]+)` is ([\d.]+)\.$", text, re.MULTILINE)
    return Recipe(
        yaml.safe_load(named["syncd.yaml"])["connections"],
        named["okrs.yaml"],
        [block.rstrip("\n") for kind, _, block in blocks if kind == "http"],
        [block for kind, _, block in blocks if kind == "json"],
        key_result,
        float(value),
    )


def shown(method: str, target: str, body: bytes) -> list[Any]:
    """A request as the pages show it: its parameters decoded, one a line, or its body. Their order means nothing."""
    parts = urlsplit(target)
    lines = [f"{name}={value}" for name, value in parse_qsl(parts.query, keep_blank_values=True)]
    return [f"{method} {parts.path}", *sorted(lines), *([json.loads(body)] if body else [])]


def written(block: str) -> list[Any]:
    first, *lines = block.splitlines()
    return [first, *([json.loads(lines[0])] if first.startswith("POST") else sorted(lines))]


@pytest.fixture
def sent() -> list[list[Any]]:
    return []


@pytest.fixture
def answers() -> list[str]:
    return []


@pytest.fixture
def url(sent: list[list[Any]], answers: list[str]) -> Iterator[str]:
    again: dict[tuple[str, bytes], bytes] = {}  # pages that are asked for again, to see whether they have moved

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            body = self.body()
            if self.path == "/token":
                self.send(200, b'{"access_token": "token-of-the-test", "token_type": "Bearer"}')
                return
            if (self.path, body) not in again:
                sent.append(shown(self.command, self.path, body))
                again[self.path, body] = answers.pop(0).encode()
            self.send(200, again[self.path, body])

        do_POST = do_GET  # noqa: N815 - http.server names them

    with running(Handler) as server:
        yield f"http://{server}"


def test_each_service_has_a_page_and_the_list_names_it() -> None:
    assert {path.stem for path in PAGES} == VENDORS
    listed = re.findall(r"^\| \[[^]]+\]\(([\w-]+)\.md\) \|", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    assert listed == sorted(VENDORS)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_page_names_the_documentation_that_it_follows(path: Path) -> None:
    assert re.search(r"Source:\s+\[[^]]+\]\(https://", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_recipe_sends_and_reads_what_it_shows(
    path: Path, tmp_path: Path, url: str, sent: list[list[Any]], answers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = recipe(path)
    connections = json.loads(json.dumps(page.connections))
    (keys,) = connections.values()
    keys["url"] = url
    if "oauth" in keys:
        keys["oauth"]["token_url"] = f"{url}/token"
    for name in re.findall(r"\$\{(\w+)\}", json.dumps(connections)):
        monkeypatch.setenv(name, f"secret-of-{name}")
    config = project(tmp_path, connections, page.mapping)
    answers.extend(page.answers)
    assert config.tests
    assert [differences(test, config.shares) for test in config.tests if differences(test, config.shares)] == []

    line = synced(tmp_path, config, page.key_result)

    assert sent == list(map(written, page.requests))
    assert answers == []
    assert (line.value, line.quality) == (page.value, "complete")


def test_page_on_dora_reads_every_incident_of_the_window(
    tmp_path: Path, url: str, sent: list[list[Any]], answers: list[str]
) -> None:
    page = recipe(FOLDER / "pagerduty.md")
    text = (FOLDER.parent / "dora.md").read_text(encoding="utf-8")
    (block,) = re.findall(
        r"^```yaml key results\n(- id: incidents-of-a-month\n.*?)^```$", text, re.DOTALL | re.MULTILINE
    )
    objective = {"id": "calm", "title": "Nights are quiet", "key_results": yaml.safe_load(block)}
    mapping = yaml.safe_dump({"period": "2026-Q4", "objectives": [objective]})
    config = project(tmp_path, {"metrics": {"type": "http", "url": url}}, mapping)
    answers.extend(page.answers)

    line = synced(tmp_path, config, "incidents-of-a-month")

    resolved = [request.replace("urgencies[]=high", "statuses[]=resolved") for request in page.requests]
    assert sent == list(map(written, resolved))
    assert (line.value, line.quality) == (2, "complete")


@pytest.mark.parametrize(("seconds", "hours"), [("54000", 15), ("null", None)])
def test_page_on_dora_reads_the_time_to_restore_from_pagerduty(
    tmp_path: Path, url: str, sent: list[list[Any]], answers: list[str], seconds: str, hours: float | None
) -> None:
    """Without an incident there is no time, and a time of 0 would meet any target."""
    text = (FOLDER.parent / "dora.md").read_text(encoding="utf-8")
    definition = r'DORA\'s definition, "the time\s+it\s+takes\s+to\s+recover\s+from\s+a\s+failed\s+deployment"'
    ((block, request, answer),) = re.findall(
        r"^```yaml key results\n(- id: restore-by-pagerduty\n.*?)^```$.*?^```http\n(.*?)\n```$.*?^```json\n(.*?)^```$",
        re.split(definition, text, maxsplit=1)[1],
        re.DOTALL | re.MULTILINE,
    )
    objective = {"id": "calm", "title": "Nights are quiet", "key_results": yaml.safe_load(block)}
    mapping = yaml.safe_dump({"period": "2026-Q4", "objectives": [objective]})
    keys = {"type": "http", "url": url, "post": True, "allow": ["/analytics/metrics/incidents/all"]}
    config = project(tmp_path, {"pagerduty": keys}, mapping)
    assert '"mean_seconds_to_resolve": 54000' in answer
    answers.append(answer.replace("54000", seconds))

    line = synced(tmp_path, config, "restore-by-pagerduty")

    assert sent == [written(request)]
    assert (line.value, line.quality) == (hours, "complete")


def project(folder: Path, connections: dict[str, Any], mapping: str) -> Config:
    keys = {"mappings": "okrs.yaml", "timezone": "Europe/Berlin", "connections": connections}
    (folder / "syncd.yaml").write_text(yaml.safe_dump(keys))
    (folder / "okrs.yaml").write_text(mapping)
    return load_config(folder / "syncd.yaml")


def synced(folder: Path, config: Config, key_result: str) -> KeyResultLine:
    """What a sync comes to."""
    ledger = open_ledger(f"sqlite:///{folder / 'syncd.db'}")
    assert ledger is not None
    result = run_cycle(CycleRequest(config, ledger, lambda: NOW, RetryPolicy(attempts=1, sleep=lambda _: None)))
    report = report_of(Snapshots(config, config.periods[0], ledger).now(NOW))
    ledger.close()
    assert result.failures == []
    line = report.line(key_result)
    assert line is not None
    return line
