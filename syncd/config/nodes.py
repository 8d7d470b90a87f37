"""A YAML text as nodes with their lines, its size and depth bounded while it is read.

libyaml reads it, and PyYAML's own parser where that was built without.

Refused: tags, more than one document, invisible characters, blocks more than 100 deep in each other, and
aliases that would expand to more than 100,000 nodes or to themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from syncd.sdk import ConfigError, Problem

MAX_NODES = 100_000
MAX_DEPTH = 100

Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

_BEGINS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)

# What YAML 1.2 does not print, and what it takes for text where libyaml, of 1.1, takes it for the end of a line.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class Text:
    """A scalar: what is written, and whether it stands without quotes."""

    line: int
    text: str
    plain: bool


@dataclass(slots=True)
class Collection:
    """A list's items, or a block's keys and values in turn.

    `size` counts all nodes with every alias written out, `depth` how deep they lie in each other.
    """

    line: int
    block: bool
    children: list[Node] = field(default_factory=list)
    size: int = 1
    depth: int = 1

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Each key of a block and its value."""
        return zip(self.children[::2], self.children[1::2], strict=True)


Node = Text | Collection


def compose(text: str, shown: str) -> Node | None:
    """The node that a text holds, None where it holds none. ConfigError says where it is no YAML that we take."""
    if unseen := _UNSEEN.search(text):
        message = f"the invisible character U+{ord(unseen[0]):04X} stands here; delete it"
        raise ConfigError(problems=[Problem(shown, text.count("\n", 0, unseen.start()) + 1, message)])
    composer = _Composer(shown)
    try:
        for event in yaml.parse(text, Loader=Loader):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(problems=[_said(error, text, shown)]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(problems=[Problem(shown, 0, f"is not YAML: {str(error).splitlines()[0]}")]) from None
    return composer.root


class _Composer:
    """Puts together the nodes that a parser's events tell of.

    PyYAML's own recurses in C, without a bound: a file of 30,000 brackets would end the process.
    """

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.root: Node | None = None
        self.open: list[Collection] = []
        self.anchors: dict[str, Node] = {}

    def take(self, event: Any) -> None:
        """The next event of a parser."""
        kind = type(event)  # a file has hundreds of events, and a match asks each for its class several times
        if kind is yaml.ScalarEvent:
            node = Text(event.start_mark.line + 1, event.value, not event.style)
            if event.tag is not None or event.anchor is not None:
                self._name(event, node)
            self._attach(node)
        elif kind in _BEGINS:
            collection = Collection(event.start_mark.line + 1, kind is yaml.MappingStartEvent)
            self._name(event, collection)
            self.open.append(collection)
            self._bounded(collection, len(self.open))
        elif kind in _ENDS:
            self._attach(self.open.pop())
        elif kind is yaml.AliasEvent:
            self._attach(self._named(event.anchor or "", event.start_mark.line + 1))
        elif kind is yaml.DocumentStartEvent and self.root is not None:
            line = event.start_mark.line + 1
            raise self._refused(line, "a second document begins here; put it into a file of its own")

    def _name(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, node: Node) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")[:40]
            raise self._refused(node.line, f"the tag {tag!r} is not supported; leave it out, or quote the text")
        if event.anchor is not None:
            self.anchors[event.anchor] = node

    def _named(self, anchor: str, line: int) -> Node:
        node = self.anchors.get(anchor)
        if node is None:
            message = f"*{anchor[:40]} is an alias of nothing that stands before it; quote it if it is a text"
            raise self._refused(line, message)
        if any(node is holder for holder in self.open):
            message = "an alias here stands for something that contains it; write out what is meant"
            raise self._refused(line, message)
        return node

    def _attach(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        holder = self.open[-1]
        holder.children.append(node)
        if isinstance(node, Text):
            holder.size += 1
        else:
            holder.size += node.size
            holder.depth = max(holder.depth, 1 + node.depth)
            self._bounded(holder, holder.depth)
        if holder.size > MAX_NODES:
            message = f"holds more than {MAX_NODES:,} values, aliases written out; write fewer, or split the file"
            raise self._refused(holder.line, message)

    def _bounded(self, node: Collection, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._refused(node.line, f"nests more than {MAX_DEPTH} lists or blocks in each other; flatten it")

    def _refused(self, line: int, message: str) -> ConfigError:
        return ConfigError(problems=[Problem(self.shown, line, message)])


def _said(error: yaml.MarkedYAMLError, text: str, shown: str) -> Problem:
    """A parser's complaint, at its line, with what to write instead where that is known."""
    mark, began = error.problem_mark or error.context_mark, error.context_mark
    if mark is None:
        return Problem(shown, 0, f"is not YAML: {error.problem or error.context}")
    if error.context == "while scanning a simple key" and began is not None:  # the mark is where the next key begins
        return Problem(shown, began.line + 1, "is not YAML here: the ':' after a key is missing")
    line = min(mark.line, text.rstrip().count("\n")) + 1  # not behind the last one
    since = f" that begins in line {began.line + 1}" if began is not None and began.line + 1 < line else ""
    said = _sentence(error.problem or "", error.context or "", text[mark.index : mark.index + 1], since)
    return Problem(shown, line, f"is not YAML here: {said}")


def _sentence(problem: str, context: str, character: str, since: str) -> str:
    """In our words what is often written, in the parser's own what is not."""
    if problem.startswith("mapping values are not allowed"):
        return "no key can stand here; quote a text that holds ': ', or align the key with its neighbours"
    if character == "\t":
        return "a tab stands here; indent with spaces"
    if problem == "found character that cannot start any token":
        return f"nothing begins with {character!r}; quote the text"
    match context:
        case "while scanning an alias" | "while scanning an anchor":
            return "'*' and '&' begin aliases and anchors; quote the text"
        case "while parsing a block mapping":
            return f"this is no key of the block{since}; align it with the others, or quote the text that it belongs to"
        case "while parsing a block collection":
            return f"this is no item of the list{since}; begin it with '-', or align it with what it belongs to"
    return f"{problem} {context}{since}".strip()
