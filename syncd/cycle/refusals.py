"""The error for a person's request that cannot be carried out now."""

from __future__ import annotations


class Refused(Exception):
    """The request cannot be carried out now, and nothing was changed. The message is a sentence with the reason."""
