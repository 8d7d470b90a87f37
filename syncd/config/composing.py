"""A YAML text as plain data, with the line of every key and item, its size and depth bounded while it is read.

libyaml reads it, and PyYAML's own parser where that was built without.

YAML 1.2: `yes` and `on` are texts. Refused: tags, more than one document, invisible characters, duplicate keys, merges,
blocks more than 100 deep in each other, and aliases that would expand to more than 100,000 values or to themselves.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import yaml

from syncd.config.scalars import plain_scalar
from syncd.sdk import ConfigError, Problem

MAX_VALUES = 100_000
MAX_DEPTH = 100

_BEGINS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)

Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

# What YAML 1.2 does not print, and what it takes for text where libyaml, of 1.1, takes it for the end of a line.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class Lines:
    """Where a list or block stands: its line, and by index or key those of its entries, with what is in them."""

    line: int
    inside: dict[str | int, int | Lines] = field(default_factory=dict)


def line_of(entry: int | Lines) -> int:
    """The line of an entry, whether it holds more or not."""
    return entry if isinstance(entry, int) else entry.line


def compose(text: str, shown: str) -> tuple[Any, Lines]:
    """What a text holds, and where. ConfigError says where it is no YAML that we take."""
    if unseen := _UNSEEN.search(text):
        message = f"the invisible character U+{ord(unseen[0]):04X} stands here; delete it"
        raise ConfigError(problems=[Problem(shown, text.count("\n", 0, unseen.start()) + 1, message)])
    composer = _Composer(shown)
    try:
        composer.take(Loader(text))
    except yaml.MarkedYAMLError as error:
        raise ConfigError(problems=[_said(error, text, shown)]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(problems=[Problem(shown, 0, f"is not YAML: {str(error).splitlines()[0]}")]) from None
    if composer.problems:
        raise ConfigError(problems=composer.problems)
    return composer.data, composer.lines


@dataclass(slots=True)
class _Scalar:
    """A scalar that has an anchor."""

    line: int
    text: str
    data: Any


@dataclass(slots=True)
class _Collection:
    """A list or block that is being filled; the next value of a block belongs to `key`, or is to be `skipped`.

    `size` counts its values and keys with every alias written out, `depth` how deep they lie in each other.
    """

    line: int
    data: Any
    is_block: bool
    lines: dict[str | int, int | Lines] = field(default_factory=dict)
    key: str | None = None
    key_line: int = 0
    skipped: bool = False
    size: int = 1
    depth: int = 1

    @property
    def wants_key(self) -> bool:
        """Whether a key comes next."""
        return self.is_block and self.key is None and not self.skipped

    def put(self, data: Any, line: int, inside: dict[str | int, int | Lines] | None = None) -> None:
        """The next item, or the value of the key, which stands where the key does."""
        key: str | int
        if self.key is not None:
            key, line, self.key = self.key, self.key_line, None
            self.data[key] = data
        elif self.skipped:
            self.skipped = False
            return
        else:
            key = len(self.data)
            self.data.append(data)
        self.lines[key] = line if inside is None else Lines(line, inside)


class _Composer:
    """Puts together what a parser's events tell of.

    PyYAML's own recurses in C, without a bound: a file of 30,000 brackets would end the process.
    """

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.data: Any = None
        self.lines = Lines(1)
        self.problems: list[Problem] = []
        self._documents = 0
        self._open: list[_Collection] = []
        self._anchors: dict[str, _Scalar | _Collection] = {}

    def take(self, parser: Any) -> None:
        """Everything that a parser tells."""
        while (event := parser.get_event()) is not None:
            kind = type(event)  # a file has hundreds of events, and a match asks each for its class several times
            if kind is yaml.ScalarEvent:
                line, text = event.start_mark.line + 1, event.value
                data = text if event.style else plain_scalar(text)
                if event.tag is not None or event.anchor is not None:
                    self._name(event, _Scalar(line, text, data), line)
                self._attach_scalar(line, text, data)
            elif kind in _BEGINS:
                self._begin(event, is_block=kind is yaml.MappingStartEvent)
            elif kind in _ENDS:
                done = self._open.pop()
                self._attach(done, done.data)
            elif kind is yaml.AliasEvent:
                self._repeat(event.anchor or "", event.start_mark.line + 1)
            elif kind is yaml.DocumentStartEvent:
                self._documents += 1
                if self._documents == 2:
                    message = "a second document begins here; put it into a file of its own"
                    raise self._refused(event.start_mark.line + 1, message)

    def _begin(self, event: Any, *, is_block: bool) -> None:
        line = event.start_mark.line + 1
        collection = _Collection(line, {} if is_block else [], is_block)
        self._name(event, collection, line)
        self._open.append(collection)
        self._bounded(line, len(self._open))

    def _name(self, event: Any, named: _Scalar | _Collection, line: int) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")[:40]
            raise self._refused(line, f"the tag {tag!r} is not supported; leave it out, or quote the text")
        if event.anchor is not None:
            self._anchors[event.anchor] = named

    def _repeat(self, anchor: str, line: int) -> None:
        """Puts what an alias stands for."""
        named = self._anchors.get(anchor)
        if named is None:
            message = f"*{anchor[:40]} is an alias of nothing that stands before it; quote it if it is a text"
            raise self._refused(line, message)
        if isinstance(named, _Scalar):
            self._attach_scalar(named.line, named.text, named.data)
        elif any(named is holder for holder in self._open):
            message = "an alias here stands for something that contains it; write out what is meant"
            raise self._refused(line, message)
        else:
            self._attach(named, deepcopy(named.data))

    def _attach_scalar(self, line: int, text: str, data: Any) -> None:
        if not self._open:
            self.data, self.lines = data, Lines(line)
            return
        holder = self._open[-1]
        self._grow(holder, 1)
        if holder.wants_key:
            self._key(holder, text, line)
        else:
            holder.put(data, line)

    def _attach(self, collection: _Collection, data: Any) -> None:
        if not self._open:
            self.data, self.lines = data, Lines(collection.line, collection.lines)
            return
        holder = self._open[-1]
        holder.depth = max(holder.depth, 1 + collection.depth)
        self._bounded(holder.line, holder.depth)
        self._grow(holder, collection.size)
        if holder.wants_key:
            self._skip(holder, collection.line, "a key must be a text")
        else:
            holder.put(data, collection.line, collection.lines)

    def _key(self, holder: _Collection, key: str, line: int) -> None:
        if key == "<<":
            self._skip(holder, line, "'<<' merges are not supported; write the keys out")
        elif key in holder.data:
            first = line_of(holder.lines[key])
            self._skip(holder, line, f"{key!r} stands here a second time (first in line {first}); keep one of them")
        else:
            holder.key, holder.key_line = key, line

    def _skip(self, holder: _Collection, line: int, message: str) -> None:
        self.problems.append(Problem(self.shown, line, message))
        holder.skipped = True

    def _grow(self, holder: _Collection, size: int) -> None:
        holder.size += size
        if holder.size > MAX_VALUES:
            message = f"holds more than {MAX_VALUES:,} values, aliases written out; write fewer, or split the file"
            raise self._refused(holder.line, message)

    def _bounded(self, line: int, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._refused(line, f"nests more than {MAX_DEPTH} lists or blocks in each other; flatten it")

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
