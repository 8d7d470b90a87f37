"""A block of ours in a text that is somebody else's: what stands between two marks that Markdown does not show."""

from __future__ import annotations

import re


class TornError(Exception):
    """One mark stands without the other; the text says which is missing."""


def block_of(text: str, name: str) -> str | None:
    """What stands in a block, its lines ended by `\\n`; None where there is no block, or nothing in it. TornError."""
    found = _find(text, name)
    return None if found is None else found[1].replace("\r\n", "\n").strip("\n") or None


def with_block(text: str, name: str, content: str) -> str:
    """The text with this in its block, which is put below a blank line where there was none. TornError.

    All else stays as it is, byte for byte. The block's lines end as the text's do.
    """
    end_of_line = "\r\n" if "\r\n" in text else "\n"
    block = end_of_line.join([start_of(name), *content.split("\n"), _end_of(name)])
    found = _find(text, name)
    if found is not None:
        return f"{text[: found.start()]}{block}{text[found.end() :]}"
    ends = len(re.findall(r"\n", text[len(text.rstrip("\r\n")) :])) if text else 2
    return text + end_of_line * max(0, 2 - ends) + block


def start_of(name: str) -> str:
    """The mark that stands before what is ours."""
    return f"<!-- syncd:{name} -->"


def _end_of(name: str) -> str:
    return f"<!-- /syncd:{name} -->"


def _find(text: str, name: str) -> re.Match[str] | None:
    """The first pair of marks with no mark between them: a mark that somebody quotes above takes in nothing."""
    start, end = start_of(name), _end_of(name)
    found = re.search(f"{re.escape(start)}((?:(?!{re.escape(start)}).)*?){re.escape(end)}", text, re.DOTALL)
    if found is None and (start in text or end in text):
        raise TornError(f"{start} without {end}" if start in text else f"{end} without {start}")
    return found
