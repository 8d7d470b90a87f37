"""A site with every story for all tests, and a browser for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import a_browser
from playwright.sync_api import Browser
from serving_stories import Site, a_site


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with a_site() as site:
        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """No longer than a module: while it is open, `asyncio.run` refuses to work in the same thread."""
    with a_browser() as browser:
        yield browser
