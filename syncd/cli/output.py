"""The only module that writes to standard output and standard error. It shows text from outside as plain text.

Text from a mapping file, a cell, a note or a server may contain control sequences. Each line is therefore made inert
when it is written. Only the control sequences of `styled` reach the terminal.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from typing import Any

import typer

_OWN = f"\x1b{os.urandom(8).hex()}"  # random, so a text from outside cannot contain a style
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_STYLE = re.compile(re.escape(_OWN) + r"\[[\d;]*m")


workspace: str | None = None
"""The workspace of this command, from `--workspace`."""


def remember_workspace(name: str | None) -> str | None:
    """Stores the workspace that `advised` adds to commands in texts from now on."""
    global workspace
    workspace = name
    return name


def advised(text: str) -> str:
    """The text, with the workspace of this command added to each command that the text suggests."""
    if workspace is None:
        return text
    from syncd.config.advised_commands import for_workspace

    return for_workspace(text, workspace)


def advised_document(document: Any) -> Any:
    """The JSON document, with the workspace of this command added to each command that syncd suggests in it."""
    from syncd.config.advised_commands import document_for_workspace

    return document_for_workspace(document, workspace)


def styled(text: str, **style: Any) -> str:
    """The text in a style of `typer.style`. `say` shows the style on a terminal, and leaves it out elsewhere."""
    begin, end = typer.style("|", **style).replace("\x1b", _OWN).split("|")
    return f"{begin}{text}{end}"


def safe(text: str, calm: Callable[[str], str] | None = None) -> str:
    """The text without secrets, and made inert by `calm`: on a single line, unless `calm` keeps line breaks.

    Secrets are removed first, because a line break may be a part of a secret. They are removed again afterwards,
    because a character that `calm` removed may have split a secret.
    """
    from syncd.sdk.inert import inert  # imported here, because `--help` needs nothing of syncd
    from syncd.sdk.redactor import without_any_secret

    masked = without_any_secret(text)
    calmed = (calm or inert)(masked)
    return calmed if calmed == masked else without_any_secret(calmed)


def say(line: object = "", *, err: bool = False, color: bool | None = None) -> None:
    """Prints a line; with `err` on standard error."""
    typer.echo(safe(advised(str(line)), _inert_but_styles), err=err, color=color)


def plain(lines: Iterable[str]) -> str:
    """Lines as `say` prints them without colours."""
    return "\n".join(safe(advised(_STYLE.sub("", line))) for line in lines)


def say_document(text: str, *, err: bool = False) -> None:
    """Prints a document with its line breaks; with `err` on standard error."""
    from syncd.sdk.inert import inert_lines

    typer.echo(safe(text, inert_lines), nl=False, err=err)


def show_picture(picture: str) -> None:
    """Prints a picture with its colours. syncd drew it only from numbers and days, so it needs no masking."""
    typer.echo(picture)


def say_json(document: str) -> None:
    """Prints a JSON document, with secrets removed from its texts."""
    typer.echo(safe_json(document))


def safe_json(document: str) -> str:
    """A JSON document without secrets in its texts. The result is valid JSON, with unchanged numbers."""
    from syncd.sdk.inert import inert_json
    from syncd.sdk.redactor import masking_any_secret

    mask = masking_any_secret()

    def masked(match: re.Match[str]) -> str:
        text: str = json.loads(match[0])
        without = mask(text)
        return match[0] if without == text else json.dumps(without, ensure_ascii=False)

    if mask(document) != document:  # the complete document is checked first: few contain a secret
        document = _JSON_STRING.sub(masked, document)
    return inert_json(document)


def _inert_but_styles(line: str) -> str:
    from syncd.sdk.inert import inert

    return "\x1b".join(map(inert, line.split(_OWN)))
