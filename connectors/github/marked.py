"""Reads and replaces syncd's block in another person's text. Two marks, which Markdown does not show, enclose the
block.
"""

from __future__ import annotations

import re


class TornError(Exception):
    """One of the two marks is missing; the message says which one."""


def block_of(text: str, name: str) -> str | None:
    """The content of a block, with `\\n` at line ends; None if the block is missing or empty. Raises TornError."""
    block = _find(text, name)
    return None if block is None else block[1].replace("\r\n", "\n").strip("\n") or None


def with_block(text: str, name: str, content: str) -> str:
    """The text with this content in its block. A new block is added at the end, after a blank line. Raises TornError.

    No byte outside the block changes. The block uses the line ends of the text.
    """
    end_of_line = "\r\n" if "\r\n" in text else "\n"
    new = end_of_line.join([start_of(name), *content.split("\n"), _end_of(name)])
    block = _find(text, name)
    if block is not None:
        return f"{text[: block.start()]}{new}{text[block.end() :]}"
    line_ends = len(re.findall(r"\n", text[len(text.rstrip("\r\n")) :])) if text else 2
    return text + end_of_line * max(0, 2 - line_ends) + new


def renamed_block(text: str, old: str, new: str) -> str:
    """The text with another name in the marks of a block."""
    return text.replace(start_of(old), start_of(new)).replace(_end_of(old), _end_of(new))


def start_of(name: str) -> str:
    """The mark before the block."""
    return f"<!-- syncd:{name} -->"


def _end_of(name: str) -> str:
    return f"<!-- /syncd:{name} -->"


def _find(text: str, name: str) -> re.Match[str] | None:
    """The first pair of marks that has no other mark between them. A start mark that is quoted further up therefore
    does not count.
    """
    start, end = start_of(name), _end_of(name)
    block = re.search(f"{re.escape(start)}((?:(?!{re.escape(start)}).)*?){re.escape(end)}", text, re.DOTALL)
    if block is None and (start in text or end in text):
        raise TornError(f"{start} without {end}" if start in text else f"{end} without {start}")
    return block
