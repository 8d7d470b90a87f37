"""The first files of a project: what they offer in comments is valid once it is uncommented."""

from __future__ import annotations

import re
from pathlib import Path

from syncd.cli import init
from syncd.config import load_config


def test_the_connections_in_comments_are_valid(tmp_path: Path) -> None:
    init.run(tmp_path)
    path = tmp_path / "syncd.yaml"
    text = path.read_text()
    path.write_text(re.sub(r"^  # (?=\w+:|  )", "  ", text, flags=re.MULTILINE))
    config = load_config(path)
    assert list(config.connections) == ["local", "code", "tickets", "numbers", "metrics"]
    settings = config.connections["tickets"].settings.model_dump()
    assert "Won't Do" in settings["delivered_unless"]
