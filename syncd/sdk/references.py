"""The form of a reference (`${NAME}`). In syncd.yaml, a reference stands for a value from outside the file."""

from __future__ import annotations

import re

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""Matches a reference. The first group is its name."""

_REFERENCES = re.compile(rf"(?:{REFERENCE.pattern})+")


def consists_of_references(text: str) -> bool:
    """Whether a text has references and nothing else, so that no part of a secret is in plain text."""
    return _REFERENCES.fullmatch(text) is not None


def has_malformed_reference(text: str) -> bool:
    """Whether a text has a `${` that begins no reference, such as `${NAME:-default}`."""
    return "${" in REFERENCE.sub(" ", text)
