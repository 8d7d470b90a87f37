"""References in syncd.yaml: a secret comes from the environment or a file, and no text shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.config import Connection, load_config
from syncd.sdk import ConfigError

MAPPING = "period: 2026-Q4\nobjectives: [{id: o, title: Fewer calls, key_results: [{id: calls, title: Calls fall, "
MAPPING += "kind: outcome, baseline: 9, target: 1}]}]\n"
TOKEN = 'type: github, token: "${SYNCD_TEST_TOKEN}"'


def connection(folder: Path, keys: str) -> Connection:
    (folder / "okrs.yaml").write_text(MAPPING)
    (folder / "syncd.yaml").write_text(f"mappings: okrs.yaml\nconnections:\n  code: {{{keys}}}\n")
    return load_config(folder / "syncd.yaml").connections["code"]


def problems(code: Connection) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        code.resolved()
    return [str(problem).partition("syncd.yaml:")[2] for problem in caught.value.problems]


def test_a_secret_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN", "hunter2-secret")
    assert connection(tmp_path, TOKEN).resolved().token.get_secret_value() == "hunter2-secret"


def test_a_secret_comes_from_the_file_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("hunter2-secret\n")
    monkeypatch.setenv("SYNCD_TEST_TOKEN_FILE", str(tmp_path / "token"))
    assert connection(tmp_path, TOKEN).resolved().token.get_secret_value() == "hunter2-secret"


def test_a_reference_that_is_not_set_is_named_with_its_line(tmp_path: Path) -> None:
    (problem,) = problems(connection(tmp_path, TOKEN))
    assert problem.startswith("3: SYNCD_TEST_TOKEN is not set; set it in the environment, or name a file that holds it")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN_FILE", str(tmp_path / "none"))
    (problem,) = problems(connection(tmp_path, TOKEN))
    assert problem == f"3: SYNCD_TEST_TOKEN_FILE names {tmp_path / 'none'}: no such file or directory"


def test_an_address_that_is_wrong_once_it_is_resolved_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN", "hunter2-secret")
    monkeypatch.setenv("SYNCD_TEST_ADDRESS", "git.acme.example")
    (problem,) = problems(connection(tmp_path, f'{TOKEN}, url: "${{SYNCD_TEST_ADDRESS}}"'))
    assert problem.startswith("3: is not valid once its references are resolved: url: ")
    assert "hunter2" not in problem


def test_a_secret_is_masked_in_any_text_and_the_address_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TEST_TOKEN", "hunter2-secret")
    monkeypatch.setenv("SYNCD_TEST_ADDRESS", "https://git.acme.example")
    code = connection(tmp_path, f'{TOKEN}, url: "${{SYNCD_TEST_ADDRESS}}"')
    assert code.secrets() == {"hunter2-secret"}
    text = "https://git.acme.example refuses hunter2-secret and hunter2-secret"
    assert code.without_secrets(text) == "https://git.acme.example refuses *** and ***"
