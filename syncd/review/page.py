"""A review as HTML: a single file with its style inside and no script, or the body of another page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from markupsafe import Markup, escape

from syncd.review import wording
from syncd.review.environment import environment
from syncd.review.model import Review

_CODE = re.compile(r"`([^`]*)`")


def page(review: Review) -> str:
    """The whole review."""
    return _PAGES.get_template("review.html").render(review=review, link=None)


def body(review: Review, link: Callable[[str, str], str]) -> Markup:
    """What stands in the body of the page, for a page of another frame.

    `link` gives the address of a name in a folder: `objectives` or `key-results`.
    """
    return Markup(_PAGES.get_template("review_body.html").render(review=review, link=link))  # noqa: S704


def _with_commands(text: str) -> Markup:
    """A sentence of syncd's, escaped; commands between backticks are marked up as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704


_PAGES = environment(Path(__file__).parent / "templates")
_PAGES.globals.update(wording=wording)
_PAGES.filters["with_commands"] = _with_commands
