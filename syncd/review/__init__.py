"""Reviews for the weekly check-in and the quarterly meeting: numbers that moved and why, other numbers, edits, and
questions.

A review is computed only from the ledger and the mappings. `make` computes it, and `brief`, `markdown`, `page` and
`document` present it.
"""

from syncd.review.brief import brief
from syncd.review.make import review
from syncd.review.model import Review

__all__ = ["Review", "brief", "review"]
