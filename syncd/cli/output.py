"""The only place that writes to standard output and standard error: what is from outside reaches a terminal as text.

A text may hold anything that a mapping file, a cell, a note or a server says. So each line is made inert when it is
written, and the only sequences that a terminal obeys are those of `styled`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

import typer

_OWN = f"\x1b{os.urandom(8).hex()}"  # nobody else can know it, so no text can hold a style
_STYLE = re.compile(re.escape(_OWN) + r"\[[\d;]*m")


def styled(text: str, **style: Any) -> str:
    """The text in a style of `typer.style`, which `say` shows on a terminal and leaves out elsewhere."""
    begin, end = typer.style("|", **style).replace("\x1b", _OWN).split("|")
    return f"{begin}{text}{end}"


def say(line: object = "", *, err: bool = False, color: bool | None = None) -> None:
    """Prints a line; with `err` on standard error."""
    from syncd.sdk.inert import inert  # after the command is known: `--help` needs nothing of syncd
    from syncd.sdk.redactor import without_any_secret

    typer.echo("\x1b".join(map(inert, without_any_secret(str(line)).split(_OWN))), err=err, color=color)


def plain(lines: Iterable[str]) -> str:
    """Lines as `say` prints them where there are no colours."""
    from syncd.sdk.inert import inert
    from syncd.sdk.redactor import without_any_secret

    return "\n".join(inert(_STYLE.sub("", without_any_secret(line))) for line in lines)


def say_document(text: str, *, err: bool = False) -> None:
    """Prints a document of many lines, in which its own line breaks stay; with `err` on standard error."""
    from syncd.sdk.inert import inert_lines
    from syncd.sdk.redactor import without_any_secret

    typer.echo(inert_lines(without_any_secret(text)), nl=False, err=err)


def show_picture(picture: str) -> None:
    """Prints what syncd drew of numbers and days alone, with its colours."""
    typer.echo(picture)


def say_json(document: str) -> None:
    """Prints a JSON document."""
    from syncd.sdk.inert import inert_json

    typer.echo(inert_json(document))
