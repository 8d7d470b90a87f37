"""A site with every story for all tests, and a browser for each module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pseudo_language
import pytest
from chromium import a_browser
from playwright.sync_api import Browser
from serving_stories import Site, a_site
from shared_demo import copy_of_demo
from waiting import HANG

from syncd.web.bounded import Bounded
from syncd.web.languages import Languages


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Its pages have as long as they take: a loaded machine makes a run slow, and never red."""
    made = Bounded.__init__

    def patient(bounded: Bounded, name: str, *, seconds: float, **keys: Any) -> None:
        made(bounded, name, seconds=max(seconds, HANG), **keys)

    def demo(folder: Path) -> Path:
        return copy_of_demo(tmp_path_factory, folder / "demo")

    with patch.object(Bounded, "__init__", patient), a_site(demo) as site:
        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """No longer than a module: while it is open, `asyncio.run` refuses to work in the same thread."""
    with a_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def languages(tmp_path_factory: pytest.TempPathFactory) -> Languages:
    folder = tmp_path_factory.mktemp("languages")
    for name in (pseudo_language.ACCENTED, pseudo_language.FROM_RIGHT_TO_LEFT):
        pseudo_language.write(folder / f"{name}.po")
    return Languages(folder)
