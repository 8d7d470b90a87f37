"""A review as HTML: a single file with its style inside and no script, for mail and print."""

from __future__ import annotations

import re
from pathlib import Path

from markupsafe import Markup, escape

from syncd.review import wording
from syncd.review.environment import environment
from syncd.review.model import Review

_CODE = re.compile(r"`([^`]*)`")


def page(review: Review) -> str:
    """The whole review."""
    return _PAGES.get_template("review.html").render(review=review)


def with_commands(text: str) -> Markup:
    """A sentence of syncd's, escaped; commands between backticks are marked up as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704


_PAGES = environment(Path(__file__).parent / "templates")
_PAGES.globals.update(wording=wording)
_PAGES.filters["with_commands"] = with_commands
