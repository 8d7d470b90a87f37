"""Says what to write where a text is not YAML. The parser's own sentences name the parser's rules, not the mistake.

The advice never repeats a text of the file except a reference or an error of a spreadsheet, because a text may be a
secret.
"""

from __future__ import annotations

import re

import yaml

from syncd.sdk import Problem

_KEY = re.compile(r"(?:^|[\s{,])([\w-]+):\s*\Z")
_REFERENCE = re.compile(r"\{\w+\}")
_COMMENT_IN_BRACES = re.compile(r"[\s:,{\[](#[^\s,}\]]*)[^\n]*[}\]]")


def syntax_problem(error: yaml.MarkedYAMLError, text: str, shown: str) -> Problem:
    """The place of a syntax error, and what to write there."""
    mark, start = error.problem_mark or error.context_mark, error.context_mark
    if mark is None:
        return Problem(shown, 0, f"is not YAML: {error.problem or error.context}")
    line, message = _line_and_message(error, mark, start or mark, text)
    return Problem(shown, line + 1, f"is not YAML here: {message}")


def _line_and_message(error: yaml.MarkedYAMLError, mark: yaml.Mark, start: yaml.Mark, text: str) -> tuple[int, str]:
    problem, context = error.problem or "", error.context or ""
    last = min(mark.line, text.rstrip().count("\n"))  # not after the last line
    match context:
        case "while scanning a simple key":  # the mark is at the next key
            return start.line, "the ':' after a key is missing"
        case "while scanning a block scalar":
            return start.line, _to_quote(text, start.index, text[start.index : start.index + 1])
        case "while scanning a quoted scalar" if problem == "found unexpected end of stream":
            quote = text[start.index : start.index + 1]
            return start.line, f"a text begins here with {quote}, but does not end; write {quote} after the text"
        case "while parsing a flow mapping" | "while parsing a flow sequence":
            return _in_brackets(text, mark, start, last, "{}" if context.endswith("mapping") else "[]")
    since = f" that begins in line {start.line + 1}" if start.line < last else ""
    return last, _sentence(problem, context, text, mark.index, since)


def _in_brackets(text: str, mark: yaml.Mark, start: yaml.Mark, last: int, pair: str) -> tuple[int, str]:
    reference = _REFERENCE.match(text, mark.index)
    if reference and text[mark.index - 1 : mark.index] == "$":
        return mark.line, f'a reference within braces or brackets needs quotes: "${reference[0]}"'
    if comment := _COMMENT_IN_BRACES.search(text, start.index, mark.index):
        line = text.count("\n", 0, comment.start(1))
        return line, f"'#' begins a comment here; quote a text that contains '#', such as \"{comment[1]}\""
    where = f" in line {start.line + 1}" if start.line < last else ""
    missing = f"the '{pair[1]}' for the '{pair[0]}'{where}, or a ',' before the next entry, is missing here"
    return last, f"{missing}; quote a text that contains brackets, braces, commas or quotes"


def _sentence(problem: str, context: str, text: str, index: int, since: str) -> str:
    character = text[index : index + 1]
    if problem.startswith("mapping values are not allowed"):
        return "a key is not allowed here; quote a text that contains ': ', or align the key with its neighbours"
    if character == "\t":
        return "there is a tab here; indent with spaces"
    if problem.startswith("found character") and problem.endswith("cannot start any token"):
        return f"no text can begin with {character!r} unquoted; quote it"
    if "sequence entries are not allowed" in problem:
        return f"{_to_quote(text, index, '- ')}; a list begins in a line of its own"
    if problem.startswith("mapping keys are not allowed"):
        return _to_quote(text, index, "? ")
    match context:
        case "while scanning an alias" | "while scanning an anchor":
            return "'*' and '&' begin aliases and anchors; quote the text"
        case "while parsing a flow node" if character in ("-", "?"):
            return _to_quote(text, index, f"{character} ")
        case "while parsing a flow node" | "while parsing a block node":
            where = f"before {character!r}" if character.strip() else "here"
            return f"a value is missing {where}; write it, or quote the text"
        case "while scanning a plain scalar":
            return "write a blank after ':', or quote the text"
        case "while parsing a block mapping" if character and character in "]}":
            return f"there is a {character!r} too many here; delete it, or quote the text that it belongs to"
        case "while parsing a block mapping":
            return f"this is no key of the block{since}; align it with the others, or quote the text that it belongs to"
        case "while parsing a block collection":
            return f"this is no item of the list{since}; begin it with '-', or align it with what it belongs to"
    return f"{problem} {context}{since}; quote the text, or compare the line with its neighbours".strip()


def _to_quote(text: str, index: int, sign: str) -> str:
    """Advice to quote the text that begins with a sign at this index, after the key that it belongs to."""
    key = _KEY.search(text[text.rfind("\n", 0, index) + 1 : index])
    before = f"{key[1]}: " if key else ""
    return f'a text that begins with {sign.strip()!r} needs quotes: {before}"{sign}…"'
