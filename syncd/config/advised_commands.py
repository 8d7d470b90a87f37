"""Adds the workspace of a deployment to the commands that a sentence advises."""

from __future__ import annotations

import re

_OF_A_WORKSPACE = "approve checkin doctor explain history plan prune publish restore review status sync test try"
_ADVISED = re.compile(
    rf"(?<=`)syncd (?:{_OF_A_WORKSPACE.replace(' ', '|')}|validate)(?![\w-])[^`]{{0,80}}(?=`)"
    rf"|(?<=<code>)syncd (?:{_OF_A_WORKSPACE.replace(' ', '|')}|validate)(?![\w-])[^<]{{0,80}}(?=</code>)"
)


def for_workspace(text: str, workspace: str | None) -> str:
    """The text, with `--workspace NAME` added to each advised command that does not name a workspace.

    The code that writes a sentence does not know whether the project is a workspace. The code that shows the sentence
    therefore calls this function. Advised commands are in backticks, or on a page in `<code>`.
    """
    if workspace is None or "syncd " not in text:
        return text
    return _ADVISED.sub(lambda match: _naming(match[0], workspace), text)


def _naming(command: str, workspace: str) -> str:
    names = "--workspace " in command or "--all" in command
    return command if names else f"{command} --workspace {workspace}"
