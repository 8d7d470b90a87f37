"""Every broken file of the corpus gets exactly its messages, each with its file and line.

`tests/fixtures/bad/messages.txt` holds them. After an intended change, write them anew and read the difference:
`SYNCD_UPDATE_MESSAGES=1 .venv/bin/pytest -n0 tests/unit/config/test_bad_files.py`.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from syncd.config import load_config
from syncd.sdk import ConfigError

BAD = Path(__file__).parents[2] / "fixtures" / "bad"
MESSAGES = BAD / "messages.txt"
CASES = [f"{kind}/{path.stem}" for kind in ("mapping", "project") for path in sorted((BAD / kind).glob("*.yaml"))]

PROJECT = """\
mappings: okrs.yaml
connections:
  code: {type: github, token: "${GITHUB_TOKEN}"}
  tickets: {type: jira, url: "https://acme.example", token: "${JIRA_TOKEN}"}
  numbers: {type: sheets, credentials: google.json}
  metrics: {type: http, url: "https://metrics.example"}
  local: {type: files, root: data/}
  lab: {type: gitlab, token: "${GITLAB_TOKEN}"}
  warehouse: {type: sql, url: "sqlite:///calls.db"}
"""
MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {id: calls, title: Calls fall, kind: outcome, baseline: 1200, target: 600}
"""


def messages_of(case: str, folder: Path) -> list[str]:
    kind, name = case.split("/")
    broken = BAD / kind / f"{name}.yaml"
    (folder / "syncd.yaml").write_text(PROJECT)
    (folder / "okrs.yaml").write_text(MAPPING)
    shutil.copyfile(broken, folder / ("okrs.yaml" if kind == "mapping" else "syncd.yaml"))
    with pytest.raises(ConfigError) as caught:
        load_config(folder / "syncd.yaml")
    return [str(problem) for problem in caught.value.problems]


def expected_messages() -> dict[str, list[str]]:
    blocks = MESSAGES.read_text(encoding="utf-8").split("\n\n") if MESSAGES.exists() else []
    return {block.split("\n")[0]: block.strip("\n").split("\n")[1:] for block in blocks}


@pytest.mark.parametrize("case", CASES)
def test_a_broken_file_gets_its_messages(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    messages = messages_of(case, tmp_path)
    assert messages
    if os.environ.get("SYNCD_UPDATE_MESSAGES"):
        updated = expected_messages() | {case: messages}
        blocks = ["\n".join([name, *updated[name]]) for name in CASES if name in updated]
        MESSAGES.write_text("\n\n".join(blocks) + "\n")
        return
    assert messages == expected_messages().get(case)


def test_a_secret_is_never_repeated() -> None:
    text = MESSAGES.read_text(encoding="utf-8")
    for secret in ("ghp_0123456789abcdef", "abc123", "hunter2"):
        assert secret not in text


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 60


def test_a_file_of_five_megabytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "syncd.yaml").write_text(PROJECT)
    (tmp_path / "okrs.yaml").write_text("a: " + "x" * 5_000_000)
    with pytest.raises(ConfigError, match=r"okrs.yaml: is 5.0 MB; a file may have 1 MB"):
        load_config(tmp_path / "syncd.yaml")


@pytest.mark.parametrize(("content", "message"), [(b"\xff\xfe\x00", "is not UTF-8"), (None, "no .yaml file is there")])
def test_an_unreadable_file_is_refused(
    content: bytes | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "syncd.yaml").write_text(PROJECT)
    if content is not None:
        (tmp_path / "okrs.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        load_config(tmp_path / "syncd.yaml")
