"""Which mapping files a project has; what cannot be looked at is a sentence, and never a file less in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from rights import as_nobody, open_folder

from syncd.config import load_config
from syncd.sdk import ConfigError

MAPPING = """\
period: 2026-Q4
objectives:
  - id: NAME
    title: Customers find answers
    key_results:
      - {id: NAME-calls, title: Calls fall, kind: outcome, baseline: 1200, target: 600}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two teams' mapping files, in the working folder."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    return tmp_path


def write(folder: Path) -> None:
    for name in ("alpha", "bravo"):
        team = folder / "teams" / name
        team.mkdir(parents=True)
        (team / "okrs.yaml").write_text(MAPPING.replace("NAME", name))
    project(folder, "teams/")


def project(folder: Path, mappings: str) -> None:
    (folder / "syncd.yaml").write_text(f'mappings: "{mappings}"\n')


def files() -> list[str]:
    return [mapping.file for mapping in load_config(Path("syncd.yaml")).mappings]


def problems() -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(Path("syncd.yaml"))
    return "; ".join(map(str, caught.value.problems)) or str(caught.value)


@pytest.mark.parametrize("mappings", ["teams/", "teams/*/*.yaml", "teams/**/*.yaml"])
def test_hidden_files_are_those_of_editors(folder: Path, mappings: str) -> None:
    """Emacs keeps a link that leads nowhere beside each file that is being edited."""
    project(folder, mappings)
    (folder / "teams/alpha/.#okrs.yaml").symlink_to("someone@host.4711")
    (folder / "teams/.git").mkdir()
    (folder / "teams/.git/okrs.yaml").write_text("objectives: [")
    assert files() == ["teams/alpha/okrs.yaml", "teams/bravo/okrs.yaml"]


def test_a_hidden_file_that_is_named_is_read(folder: Path) -> None:
    (folder / ".okrs").mkdir()
    (folder / "teams/alpha/okrs.yaml").rename(folder / ".okrs/okrs.yaml")
    project(folder, ".okrs/*.yaml")
    assert files() == [".okrs/okrs.yaml"]


@pytest.mark.parametrize("mappings", ["teams/", "teams/*/*.yaml"])
def test_a_circle_of_links_is_a_sentence_with_its_file(folder: Path, mappings: str) -> None:
    project(folder, mappings)
    (folder / "teams/alpha/loop.yaml").symlink_to("loop.yaml")
    assert problems().startswith("teams/alpha/loop.yaml: cannot be read: its links lead in a circle")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("loop", "no .yaml file is there"), ("n" * 300, "nnn/maps/okrs.yaml cannot be read: file name too long")],
)
def test_a_folder_that_cannot_be_looked_at_is_a_sentence(folder: Path, name: str, sentence: str) -> None:
    (folder / "loop").symlink_to("loop")
    project(folder, f"{name}/maps/okrs.yaml")
    assert sentence in problems()


@pytest.mark.parametrize("mappings", ["teams/", "teams/*/*.yaml", "teams/**/*.yaml", "teams/bravo/okrs.yaml"])
def test_a_folder_that_is_closed_takes_no_key_result_away(mappings: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_folder() as folder:
        monkeypatch.chdir(folder)
        write(folder)
        project(folder, mappings)
        assert "teams/bravo/okrs.yaml" in files()
        (folder / "teams/bravo").chmod(0o000)

        def is_told() -> bool:
            return "teams/bravo" in (sentences := problems()) and "cannot be read: permission denied" in sentences

        assert as_nobody(is_told)
