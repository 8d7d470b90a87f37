"""A site with every story for all tests, and a browser for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pseudo_language
import pytest
from chromium import a_browser
from playwright.sync_api import Browser
from serving_stories import Site, a_site

from syncd.web.languages import Languages


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with a_site() as site:
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
