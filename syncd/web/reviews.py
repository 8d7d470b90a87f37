"""The pages of reviews: what changed, and what do we decide?"""

from __future__ import annotations

from syncd.review import review
from syncd.review.page import body
from syncd.web.pages import render
from syncd.web.view import View


def page(view: View, *, whole: bool) -> str:
    """The review of the last seven days, or of the `whole` period."""
    frame, daemon = view.frame(), view.daemon
    summary = review(daemon.config, view.okrs, daemon.ledger, view.now, view.day, whole=whole)
    return render(
        "reviews.html",
        **frame,
        here="reviews",
        whole=whole,
        review=body(summary, lambda folder, name: f"/{folder}/{name}{frame['query']}"),
    )
