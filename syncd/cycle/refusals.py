"""What a person asks for and cannot get, as things stand."""

from __future__ import annotations


class Refused(Exception):
    """It cannot be done as things stand, and nothing was changed; the text is a sentence that says why."""
