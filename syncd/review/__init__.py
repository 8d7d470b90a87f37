"""Reviews for the weekly check-in and the quarterly meeting. A review has the numbers that moved and why, the other
numbers, edits, and questions.

A review is computed only from the ledger and the mappings. `make` computes a review, and `brief`, `markdown`, `page`
and `document` present it.
"""

from syncd.review.brief import brief
from syncd.review.make import last_day_if_over, review
from syncd.review.model import Review

__all__ = ["Review", "brief", "last_day_if_over", "review"]
