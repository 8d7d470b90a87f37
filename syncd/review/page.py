"""A review as HTML: a single file with its style inside and no script, for mail and print."""

from __future__ import annotations

from syncd.review.environment import TEMPLATES, environment
from syncd.review.model import Review

_PAGES = environment(TEMPLATES)


def page(review: Review) -> str:
    """The whole review."""
    return _PAGES.get_template("review.html").render(review=review)
