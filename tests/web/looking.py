"""Looks at a page as people do: with a screen reader's rules, a keyboard, a printer, and windows of any width."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from waiting import HANG

PICTURES = Path(__file__).parents[2] / "build" / "pictures"
_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
_ITSELF = "Failed to load resource: the server responded with a status of"

_REACHABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
_ALL = f"[...document.querySelectorAll({_REACHABLE!r})].filter(each => each.checkVisibility())"
_CELLS = "[...document.querySelectorAll('td, th')].filter(each => each.checkVisibility())"
_OUT_OF_CELL = f"""() => {_CELLS}.flatMap(cell => {{
  const range = document.createRange(), heard = [...cell.querySelectorAll(".hidden")];
  range.selectNodeContents(cell);
  heard.forEach(each => each.hidden = true);
  const box = cell.getBoundingClientRect(), content = (cell.querySelector("svg") ?? range).getBoundingClientRect();
  heard.forEach(each => each.hidden = false);
  const isOut = content.width > 1 && (content.left < box.left - 1 || content.right > box.right + 1);
  return isOut ? [`${{cell.textContent.trim().replace(/\\s+/g, " ").slice(0, 60)}} is out of its cell`] : [];
}})"""
_TWICE = """() => {
  const ids = [...document.querySelectorAll("[id]")].map(each => each.id);
  return ids.filter((id, index) => ids.indexOf(id) < index).map(id => `the id ${id} is there twice`);
}"""
_FOCUSED = f"""() => {{
  const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
  if (element === document.body) return null;
  const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  return {{
    number: {_ALL}.indexOf(element),
    seen: ring && box.right > 0 && box.bottom > 0 && box.width > 0,
    text: element.outerHTML.slice(0, 120),
  }};
}}"""


@dataclass
class Look:
    """An open page, and what the browser noticed meanwhile."""

    page: Page
    own: str
    status: int = 0
    noticed: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        """Messages in the console, requests to other hosts, ids that are not unique, and what axe finds."""
        results = Axe().run(self.page, options=_RULES).response["violations"]
        return [
            *self.noticed,
            *self.page.evaluate(_TWICE),
            *(
                f"axe: {each['id']}: {node['target']}: {node['html'][:200]}"
                for each in results
                for node in each["nodes"]
            ),
        ]

    def wider_than(self, width: int) -> int:
        """By how many pixels the page is wider than a window of this width."""
        self.page.set_viewport_size({"width": width, "height": 900})
        return int(self.page.evaluate("document.documentElement.scrollWidth")) - width

    def out_of_cells(self, width: int) -> list[str]:
        """What is wider than its cell of a table, in a window of this width; empty if all is well."""
        self.page.set_viewport_size({"width": width, "height": 900})
        wide: list[str] = self.page.evaluate(_OUT_OF_CELL)
        return wide

    def unreached(self) -> list[str]:
        """What the tabulator key does not reach, or reaches without a ring around it; empty if all is well."""
        wanted, reached, invisible = set(range(self.page.evaluate(f"{_ALL}.length"))), set(), []
        self.page.evaluate("document.activeElement.blur()")
        for _ in range(4 * len(wanted) + 10):  # a date field has several stops
            self.page.keyboard.press("Tab")
            focused = self.page.evaluate(_FOCUSED)
            if focused is None:
                break
            reached.add(focused["number"])
            if not focused["seen"]:
                invisible.append(focused["text"])
        return [f"element {number} is not reached" for number in sorted(wanted - reached)] + invisible

    def printed(self) -> int:
        """How many sheets of A4 the page takes."""
        pdf = self.page.pdf(format="A4")
        return len(re.findall(rb"/Type\s*/Page\b", pdf))

    def keep_picture(self, name: str) -> None:
        """Keeps what is seen as `build/pictures/NAME.png`."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


@contextmanager
def looking(
    browser: Browser, address: str, *, width: int = 1440, theme: str = "light", **options: object
) -> Iterator[Look]:
    """Opens a page in a window of its own."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce", **options
    )
    context.set_default_timeout(HANG * 1000)
    page = context.new_page()
    look = Look(page, urlsplit(address).netloc)

    def note_request(url: str) -> None:
        if urlsplit(url).netloc != look.own and not url.startswith("data:"):
            look.noticed.append(f"request to {url}")

    page.on("console", lambda message: look.noticed.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: look.noticed.append(f"error: {error}"))
    page.on("request", lambda request: note_request(request.url))
    answer = page.goto(address)
    assert answer is not None
    look.status = answer.status
    if look.status >= 400:  # the browser reports the status of the page itself
        look.noticed = [each for each in look.noticed if not each.startswith(f"console: {_ITSELF} {look.status}")]
    yield look
    context.close()
