"""Makes HTML from a review for mail and print: a single file that includes its style and has no script."""

from __future__ import annotations

from syncd.review.environment import TEMPLATES, environment
from syncd.review.model import Review

_PAGES = environment(TEMPLATES)


def page(review: Review) -> str:
    """The whole review as HTML."""
    return _PAGES.get_template("review.html").render(review=review)
