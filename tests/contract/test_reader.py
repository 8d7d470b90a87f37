"""What `syncd serve` does when the ledger that it shows is put back or taken away under it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from csv_project import CsvProject

from syncd.ledger import LedgerError
from syncd.ledger.backup import back_up
from syncd.ledger.restore import restore
from syncd.sandbox import DEMO_NOW
from syncd.service import LedgerReader

MAPPING = """\
period: 2026-Q4
objectives:
  - id: service
    title: Customers find answers
    key_results:
      - {id: trust, title: We are trusted, kind: outcome, baseline: 5, target: 9}
"""


@pytest.fixture
def project(tmp_path: Path) -> CsvProject:
    project = CsvProject(tmp_path, MAPPING, DEMO_NOW)
    project.cycle()
    project.ledger.close()
    return project


def test_a_ledger_that_is_restored_is_shown_without_a_new_start(project: CsvProject) -> None:
    path = project.folder / "syncd.yaml"
    url = project.config.ledger_url()
    with closing(LedgerReader(path, project.config)) as reader:
        before = reader.ledger
        assert before is not None
        back_up(url, project.folder / "copy.db")
        restore(url, project.folder / "copy.db")
        assert reader.ledger is not None
        assert reader.ledger is not before
        assert reader.ledger.identity.id == before.identity.id


def test_a_ledger_that_is_gone_is_told_as_gone_each_time(project: CsvProject) -> None:
    with closing(LedgerReader(project.folder / "syncd.yaml", project.config)) as reader:
        reader.check_ledger()
        (project.folder / "syncd.db").unlink()
        for _ in range(2):
            assert reader.ledger is not None, "its last figures are shown"
            with pytest.raises(LedgerError, match="was deleted or replaced while it was in use"):
                reader.check_ledger()
