"""Pages keep their form in a language that is longer than English, and in one that is written from right to left."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pseudo_language
import pytest
from looking import looking
from playwright.sync_api import Browser
from serving_stories import Site
from starlette.applications import Starlette
from starlette.routing import Host
from test_every_page import ADDRESSES, PHONE, STATUS

from syncd.web import serving
from syncd.web.languages import Languages

GATE = [
    ("demo", "/"),
    ("troubled", "/key-results/calls"),
]


@pytest.fixture(scope="module")
def address(site: Site, languages: Languages) -> Iterator[Callable[[str, str], str]]:
    """The address of a story's page, in the pseudo-languages."""
    app, mounted = Starlette(), set[str]()
    with serving(app, "127.0.0.1", 0) as port:

        def address(story: str, path: str) -> str:
            if story not in mounted:
                mounted.add(story)
                pages = site.app(story, languages=languages, for_developers=True)
                app.router.routes.append(Host(f"{story}.localhost", pages))
            return f"http://{story}.localhost:{port}{path}"

        yield address


@pytest.mark.sampled(1)
@pytest.mark.parametrize("language", [pseudo_language.ACCENTED, pseudo_language.FROM_RIGHT_TO_LEFT])
@pytest.mark.parametrize(
    ("story", "path"),
    [*GATE, *(pytest.param(*each, marks=pytest.mark.nightly) for each in ADDRESSES if each not in GATE)],
)
def test_page_keeps_within_its_window(
    address: Callable[[str, str], str], browser: Browser, story: str, path: str, language: str
) -> None:
    with looking(browser, address(story, path), locale=language) as look:
        assert look.status == STATUS.get((story, path), 200)
        assert look.page.evaluate("document.documentElement.lang") == language
        look.keep_picture(f"{language}-{story}{path.replace('/', '_').replace('?', '.')}")
        assert {width: look.wider_than(width) for width in (1440, PHONE)} == {1440: 0, PHONE: 0}
        look.keep_picture(f"{language}-{story}{path.replace('/', '_').replace('?', '.')}-phone")
