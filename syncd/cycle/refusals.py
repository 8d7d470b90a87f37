"""The error for a person's request that cannot be carried out now."""

from __future__ import annotations


class Refused(Exception):
    """Raised if a request cannot be carried out now; nothing was changed. The message is a sentence with the reason."""
