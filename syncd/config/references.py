"""`${NAME}` in syncd.yaml: what a reference stands for outside of the file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from syncd.config.document import Document, Place
from syncd.okr.words import count
from syncd.sdk import ConfigError, Problem
from syncd.sdk.redactor import SHORTEST_SECRET, Redactor, keys_in_address
from syncd.sdk.regular_files import read_regular

RESOLVED = Redactor()
"""Knows what this process resolved, whatever asked for it: no log and no error may show that."""

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PASSWORD_IN_URL = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[^/@\s:]*:([^/@\s]+)@|\S*[?&](?:ssl)?password=([^&\s]+))", re.IGNORECASE
)


class Resolver:
    """Replaces `${NAME}` by the environment variable NAME, or by the content of the file that NAME_FILE names."""

    def __init__(
        self,
        document: Document,
        environment: Mapping[str, str] = os.environ,
        within: Callable[[str], str] = lambda text: text,
    ) -> None:
        """`within` quotes a reference's value if the reference is a part of a longer text."""
        self.document = document
        self.environment = environment
        self.within = within
        self.problems: list[Problem] = []
        self.values: set[str] = set()

    def __call__(self, value: Any, place: Place) -> Any:
        """The value with all references resolved; each reference that is not set is added to `problems`."""
        if isinstance(value, dict):
            return {key: self(inner, (*place, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self(inner, (*place, index)) for index, inner in enumerate(value)]
        if not isinstance(value, str) or not _REFERENCE.search(value):
            return value
        values: list[str] = []

        def resolve(reference: re.Match[str]) -> str:
            values.append(self._value(reference[1], place))
            return values[-1] if reference[0] == value else self.within(values[-1])

        text = _REFERENCE.sub(resolve, value)
        self.values.update(values)
        RESOLVED.learn(secrets_of(text, values))
        return text

    def _value(self, name: str, place: Place) -> str:
        if value := _without_white_space(self.environment.get(name, "")):
            return value
        if path := self.environment.get(f"{name}_FILE"):
            try:
                value = _without_white_space(read_regular(path).decode())
                reason = "is empty"
            except (OSError, UnicodeDecodeError) as error:
                value, reason = "", getattr(error, "strerror", None) or "is not text"
            if not value:
                self.problems.append(self.document.problem(place, f"{name}_FILE names {path}: {reason.lower()}"))
            return value
        message = f"{name} is not set; set it in the environment, or name a file that holds it in {name}_FILE"
        self.problems.append(self.document.problem(place, message))
        return ""


def secrets_of(text: str, values: Iterable[str]) -> Iterator[str]:
    """What messages must not show of a text and the references in it: of an address its keys and not its host."""
    if "://" not in text:
        yield from values
        return
    yield from keys_in_address(text)
    try:
        host = (urlsplit(text).hostname or "").lower()
    except ValueError:  # half of an address in brackets
        host = ""
    yield from (value for value in values if value.lower() not in host and value != text)


def _without_white_space(value: str) -> str:
    """A value without what `echo`, an editor or a web page puts around it; no secret has any."""
    return re.sub(r"\A[\s\ufeff\u200b]+|[\s\ufeff\u200b]+\Z", "", value)


def password_in_url(text: str) -> bool:
    """Whether a URL contains a password that is not a reference."""
    match = _PASSWORD_IN_URL.search(text)
    return match is not None and not _REFERENCE.search(match[1] or match[2])


class ShortSecret(ConfigError):
    """A secret is too short to be told from any word of a message."""


def secret_at(document: Document, place: Place, name: str) -> str:
    """The secret that a place of a document refers to; messages call it `name`. Raises ConfigError if it is not set,
    and ShortSecret.
    """
    resolve = Resolver(document)
    secret: str = resolve(document.at(place), place)
    if resolve.problems:
        raise ConfigError(problems=resolve.problems)
    if len(secret) < SHORTEST_SECRET:
        raise ShortSecret(problems=[too_short(document, place, name, len(secret))])
    return secret


def too_short(document: Document, place: Place, name: str, length: int) -> Problem:
    """The problem of a secret that is too short to be masked."""
    message = (
        f"{name} has {count(length, 'character')}, too few to be masked in messages; make a new secret of at least "
        f"{SHORTEST_SECRET}"
    )
    return document.problem(place, message)
