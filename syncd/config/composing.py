"""Reads YAML text into plain data, with the line of every key and item. Limits the size and depth of the data.

The parser is libyaml, or PyYAML's own parser where PyYAML was built without libyaml.

The dialect is YAML 1.2: `yes` and `on` are texts. The reader refuses tags, a second document, invisible characters,
duplicate keys, merges, more than 100 levels of nesting, texts of more than 20,000 characters, and aliases that expand
to more than 100,000 values or to themselves.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import yaml

from syncd.config.scalars import plain_scalar
from syncd.config.syntax_problems import syntax_problem
from syncd.sdk import ConfigError, Problem

MAX_VALUES = 100_000
MAX_DEPTH = 100
MAX_TEXT = 20_000

_BEGINS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)

Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

# Characters that YAML 1.2 does not print, and characters that are text in YAML 1.2 but line breaks in libyaml (YAML
# 1.1).
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class Lines:
    """The line of a list or block, and the lines of its entries by index or key. Lines of nested entries are nested
    too.

    `written` has the texts of numbers and truth values. YAML reads `1.10` as 1.1, but the author may mean the text.
    """

    line: int
    inside: dict[str | int, int | Lines] = field(default_factory=dict)
    written: dict[str | int, str] = field(default_factory=dict)


def line_of(entry: int | Lines) -> int:
    """The line of an entry, which is a scalar, a list or a block."""
    return entry if isinstance(entry, int) else entry.line


def compose(text: str, shown: str) -> tuple[Any, Lines]:
    """The data of a YAML text, and its lines. Raises ConfigError if the text is not YAML, or uses a part of YAML that
    this reader refuses.
    """
    if invisible := _INVISIBLE.search(text):
        message = f"the invisible character U+{ord(invisible[0]):04X} is here; delete it"
        raise ConfigError(problems=[Problem(shown, text.count("\n", 0, invisible.start()) + 1, message)])
    composer = _Composer(text, shown)
    try:
        composer.read(Loader(text))
    except yaml.MarkedYAMLError as error:
        raise ConfigError(problems=[syntax_problem(error, text, shown)]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(problems=[Problem(shown, 0, f"is not YAML: {str(error).splitlines()[0]}")]) from None
    if composer.problems:
        raise ConfigError(problems=composer.problems)
    return composer.data, composer.lines


@dataclass(slots=True)
class _Scalar:
    """A scalar with an anchor. `plain` says that it is written without quotes."""

    line: int
    text: str
    plain: bool


@dataclass(slots=True)
class _Collection:
    """A list or block that is being filled. If `wants_key` is true, the next scalar becomes a key of the block.

    `in_braces` says that the block is written as `{key: value}`. The next value belongs to `key`; if there is no `key`,
    the value is dropped. `size` is the number of keys and values with every alias expanded. `depth` is the level of
    their nesting.
    """

    line: int
    data: Any
    is_block: bool
    in_braces: bool = False
    lines: dict[str | int, int | Lines] = field(default_factory=dict)
    written: dict[str | int, str] = field(default_factory=dict)
    key: str | None = None
    key_line: int = 0
    size: int = 1
    depth: int = 1
    wants_key: bool = field(init=False)

    def __post_init__(self) -> None:
        self.wants_key = self.is_block

    def put(self, data: Any, line: int, inside: _Collection | None = None, text: str = "") -> None:
        """Adds the next item, or the value of the current key. The value gets the line of its key.

        `inside` is the item itself if the item is a collection. `text` is a scalar as it is written in the file.
        """
        key: str | int
        if not self.is_block:
            key = len(self.data)
            self.data.append(data)
        else:
            self.wants_key = True
            if self.key is None:
                return
            key, line, self.key = self.key, self.key_line, None
            self.data[key] = data
        self.lines[key] = line if inside is None else Lines(line, inside.lines, inside.written)
        if type(data) is not str and inside is None and data is not None:
            self.written[key] = text


class _Composer:
    """Builds data from the events of a YAML parser.

    PyYAML's own composer recurses in C without a limit: a file of 30,000 opening brackets would crash the process.
    """

    def __init__(self, text: str, shown: str) -> None:
        self.text = text
        self.shown = shown
        self._last_end = 0  # the place where the last scalar ends
        self.data: Any = None
        self.lines = Lines(1)
        self.problems: list[Problem] = []
        self._documents = 0
        self._open: list[_Collection] = []
        self._anchors: dict[str, _Scalar | _Collection] = {}

    def read(self, parser: Any) -> None:
        """Reads all events of a parser."""
        next_event, scalar = parser.get_event, yaml.ScalarEvent
        while (event := next_event()) is not None:
            kind = type(event)  # faster than match: a file has hundreds of events
            if kind is scalar:
                line, text, plain = event.start_mark.line + 1, event.value, not event.style
                if not plain or len(text) > MAX_TEXT:  # a plain text has no escapes to check
                    self._check_text(text, line)
                if event.tag is not None or event.anchor is not None:
                    self._keep_anchor(event, _Scalar(line, text, plain), line)
                if not text and plain:
                    self._check_colon(event.start_mark.index)
                self._attach_scalar(line, text, plain=plain)
                self._last_end = event.end_mark.index
            elif kind in _BEGINS:
                self._begin(event, is_block=kind is yaml.MappingStartEvent)
            elif kind in _ENDS:
                collection = self._open.pop()
                self._check_size(collection)
                self._attach(collection, collection.data)
            elif kind is yaml.AliasEvent:
                self._repeat(event.anchor or "", event.start_mark.line + 1)
            elif kind is yaml.DocumentStartEvent:
                self._documents += 1
                if self._documents == 2:
                    message = "a second document begins here; put it into a file of its own"
                    raise self._refuse(event.start_mark.line + 1, message)

    def _begin(self, event: Any, *, is_block: bool) -> None:
        line = event.start_mark.line + 1
        collection = _Collection(line, {} if is_block else [], is_block, in_braces=is_block and event.flow_style)
        self._keep_anchor(event, collection, line)
        self._open.append(collection)
        self._check_depth(line, len(self._open))

    def _keep_anchor(self, event: Any, anchored: _Scalar | _Collection, line: int) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")[:40]
            raise self._refuse(line, f"the tag {tag!r} is not supported; leave it out, or quote the text")
        if event.anchor is not None:
            self._anchors[event.anchor] = anchored

    def _repeat(self, anchor: str, line: int) -> None:
        anchored = self._anchors.get(anchor)
        if anchored is None:
            message = f"the alias *{anchor[:40]} has no anchor before it; quote it if it is a text"
            raise self._refuse(line, message)
        if isinstance(anchored, _Scalar):
            self._attach_scalar(anchored.line, anchored.text, plain=anchored.plain)
        elif any(anchored is holder for holder in self._open):
            message = "this alias stands for a block or list that contains it; write out what you mean"
            raise self._refuse(line, message)
        else:
            self._attach(anchored, deepcopy(anchored.data))

    def _attach_scalar(self, line: int, text: str, *, plain: bool) -> None:
        if not self._open:
            self.data, self.lines = plain_scalar(text) if plain else text, Lines(line)
            return
        holder = self._open[-1]
        holder.size += 1
        if holder.wants_key:
            self._key(holder, text, line)
        else:
            holder.put(plain_scalar(text) if plain else text, line, text=text)

    def _attach(self, collection: _Collection, data: Any) -> None:
        if not self._open:
            self.data, self.lines = data, Lines(collection.line, collection.lines, collection.written)
            return
        holder = self._open[-1]
        if collection.depth >= holder.depth:
            holder.depth = 1 + collection.depth
            self._check_depth(holder.line, holder.depth)
        holder.size += collection.size
        self._check_size(holder)
        if holder.wants_key:
            self._skip(holder, collection.line, "a key must be a text")
        else:
            holder.put(data, collection.line, collection)

    def _key(self, holder: _Collection, key: str, line: int) -> None:
        if key == "<<":
            self._skip(holder, line, "'<<' merges are not supported; write the keys out")
        elif key in holder.data:
            first = line_of(holder.lines[key])
            self._skip(holder, line, f"{key!r} is here a second time (first in line {first}); keep one of them")
        else:
            holder.key, holder.key_line, holder.wants_key = key, line, False

    def _skip(self, holder: _Collection, line: int, message: str) -> None:
        self.problems.append(Problem(self.shown, line, message))
        holder.wants_key = False

    def _check_size(self, holder: _Collection) -> None:
        if holder.size > MAX_VALUES:
            message = f"holds more than {MAX_VALUES:,} values with its aliases expanded; write fewer, or split the file"
            raise self._refuse(holder.line, message)

    def _check_text(self, text: str, line: int) -> None:
        """Refuses a text that is too long, and an invisible character from an escape in double quotes, such as
        `\\0`.
        """
        if len(text) > MAX_TEXT:
            raise self._refuse(line, f"holds a text of {len(text):,} characters; write at most {MAX_TEXT:,}")
        if not text.isprintable() and (invisible := _INVISIBLE.search(text)):
            message = f"an escape stands for the invisible character U+{ord(invisible[0]):04X}; leave it out"
            raise self._refuse(line, message)

    def _check_colon(self, index: int) -> None:
        """Refuses a key within braces that has no colon. YAML gives it the value null, but it is part of a text with
        a comma, or it lacks the blank after its colon.
        """
        holder = self._open[-1] if self._open else None
        if holder is None or not holder.in_braces or holder.key is None or ":" in self.text[self._last_end : index]:
            return
        key = holder.key[:40]
        if key[:1].isdigit():  # the end of a number such as 4,000, which is reported with its beginning
            return
        name, colon, value = key.partition(":")
        advice = f"the key {key!r} has no value; write {key}: and its value, or quote the text that contains the ','"
        if colon and value:  # the value is not shown, because it may be a secret
            advice = f"a blank is missing after '{name}:'; write it between {name}: and its value"
        self.problems.append(Problem(self.shown, holder.key_line, advice))

    def _check_depth(self, line: int, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._refuse(line, f"nests lists or blocks more than {MAX_DEPTH} levels deep; flatten it")

    def _refuse(self, line: int, message: str) -> ConfigError:
        return ConfigError(problems=[Problem(self.shown, line, message)])
