"""A YAML file as plain data, with the line of every key and item, and its size bounded before it is built.

YAML 1.2: `yes` and `on` are texts. Refused: duplicate keys, tags, more than one document, a file over 1 MB, and
aliases that would expand to more than 100,000 nodes or to themselves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from syncd.sdk import ConfigError, Problem

MAX_BYTES = 1_000_000
MAX_NODES = 100_000

Place = tuple[str | int, ...]
"""Where in a document: the keys and indices from its root."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file's data; `lines` gives the line of each place, counted from 1."""

    file: str
    data: Any
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest one that holds it."""
        for length in range(len(place), -1, -1):
            if (line := self.lines.get(place[:length])) is not None:
                return line
        return 1

    def problem(self, place: Place, message: str) -> Problem:
        """A problem at a place."""
        return Problem(self.file, self.line(place), message)


def read_document(path: Path, shown: str) -> Document:
    """The document in a file; `shown` is what messages call it. ConfigError where it cannot be read."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ConfigError(
                problems=[
                    Problem(shown, 0, f"is {size / 1e6:.1f} MB; a file may have 1 MB: split it, or name the right one")
                ]
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            problems=[Problem(shown, 0, f"cannot be read: {(error.strerror or str(error)).lower()}")]
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(problems=[Problem(shown, 0, "is not UTF-8 text; save it as UTF-8")]) from None
    return parse_document(text, shown)


def parse_document(text: str, shown: str) -> Document:
    """The document that a text holds."""
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"is not YAML here: {error.problem or error.context}"
        raise ConfigError(problems=[Problem(shown, mark.line + 1 if mark else 0, message)]) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(problems=[Problem(shown, 0, f"is not YAML: {str(error).splitlines()[0]}")]) from None
    if root is None:
        return Document(shown, None, {(): 1})
    _refuse_explosion(root, shown)
    return _Builder(shown).document(root)


def _refuse_explosion(root: Node, shown: str) -> None:
    """Counts what the document would be with every alias written out, without writing it out."""
    sizes: dict[int, int] = {}
    pending: list[tuple[Node, bool]] = [(root, False)]
    open_nodes: set[int] = set()
    while pending:
        node, leaving = pending.pop()
        children = [child for pair in node.value for child in pair] if isinstance(node, MappingNode) else None
        if isinstance(node, SequenceNode):
            children = list(node.value)
        if leaving:
            open_nodes.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(child)] for child in children or ())
            if sizes[id(node)] > MAX_NODES:
                message = f"its aliases expand to more than {MAX_NODES:,} values; write out what is meant"
                raise ConfigError(problems=[Problem(shown, node.start_mark.line + 1, message)])
            continue
        if id(node) in sizes:
            continue
        if id(node) in open_nodes:
            message = "an alias here stands for something that contains it; write out what is meant"
            raise ConfigError(problems=[Problem(shown, node.start_mark.line + 1, message)])
        open_nodes.add(id(node))
        pending.append((node, True))
        pending.extend((child, False) for child in children or ())


class _Builder:
    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.lines: dict[Place, int] = {}
        self.problems: list[Problem] = []

    def document(self, root: Node) -> Document:
        data = self.build(root, ())
        if self.problems:
            raise ConfigError(problems=self.problems)
        return Document(self.shown, data, self.lines)

    def build(self, node: Node, place: Place) -> Any:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return self.mapping(node, place)
        if isinstance(node, SequenceNode):
            return [self.build(child, (*place, index)) for index, child in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return self.scalar(node)

    def mapping(self, node: MappingNode, place: Place) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self.problems.append(Problem(self.shown, line, "a key must be a text"))
                continue
            key = key_node.value
            if key == "<<":
                self.problems.append(Problem(self.shown, line, "'<<' merges are not supported; write the keys out"))
                continue
            if key in built:
                first = self.lines[(*place, key)]
                message = f"{key!r} stands here a second time (first in line {first}); keep one of them"
                self.problems.append(Problem(self.shown, line, message))
                continue
            self.lines[(*place, key)] = line
            built[key] = self.build(value_node, (*place, key))
        return built

    def scalar(self, node: ScalarNode) -> Any:
        kind = str(node.tag).rpartition(":")[2]
        text: str = node.value
        if node.style in ("'", '"', "|", ">") or kind == "str":
            return text
        plain = text.replace("_", "")
        try:
            if kind == "null":
                return None
            if kind == "bool":
                return text.lower() == "true"
            if kind == "int":
                return int(plain, 0) if re.match(r"[+-]?0[xo]", plain) else int(plain)
            if kind == "float":
                number = float(plain.replace(".inf", "inf").replace(".Inf", "inf").replace(".nan", "nan"))
                return number if math.isfinite(number) else text
        except ValueError:
            return text
        return text  # a date stays the text that was written: the models read it
