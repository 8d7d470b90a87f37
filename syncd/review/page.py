"""Makes HTML from a review for mail and print: a single file that includes its style and has no script."""

from __future__ import annotations

from syncd.review.environment import TEMPLATES, environment
from syncd.review.model import Review

_PAGES = environment(TEMPLATES)


def page(review: Review, workspace: str | None = None) -> str:
    """The whole review as HTML. Commands that it suggests are written for the workspace."""
    return _PAGES.get_template("review.html").render(review=review, advised_workspace=workspace)
