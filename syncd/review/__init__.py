"""What moved and why, what did not, what was edited, and what to ask: for the weekly check-in and the quarterly review.

From the ledger and the mappings alone. `review` computes it; `brief`, `markdown`, `page` and `document` present it.
"""

from syncd.review.brief import brief
from syncd.review.make import review
from syncd.review.model import Review

__all__ = ["Review", "brief", "review"]
