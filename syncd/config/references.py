"""Resolves references `${NAME}` in syncd.yaml. The value of a reference comes from outside the file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from syncd.config.document import Document, Place, texts
from syncd.okr.words import count
from syncd.sdk import ConfigError, Problem
from syncd.sdk.credentials import SHORTEST_SECRET
from syncd.sdk.redactor import Redactor
from syncd.sdk.references import REFERENCE, has_malformed_reference
from syncd.sdk.regular_files import read_regular

RESOLVED = Redactor()
"""Masks every secret that was resolved in this process. Logs and errors must not show such a secret."""

_LOGIN = re.compile(r"(?!https?://)[a-z][a-z0-9+]*://[^/?#@]*@", re.IGNORECASE)


class Resolver:
    """Replaces `${NAME}` by the environment variable NAME, or by the content of the file that NAME_FILE names."""

    def __init__(
        self,
        document: Document,
        environment: Mapping[str, str] = os.environ,
        within: Callable[[str], str] = lambda text: text,
        *,
        quotes_logins: bool = False,
    ) -> None:
        """`within` is applied to a reference's value if the reference is part of a longer text, to quote the value.

        With `quotes_logins`, a value before the `@` of a database's address is quoted. Without quotes, the part of a
        password after an `@` would be read as a host.
        """
        self.document = document
        self.environment = environment
        self.within = within
        self.quotes_logins = quotes_logins
        self.problems: list[Problem] = []
        self.values: dict[Place, Sequence[str]] = {}
        """The values of the references at each place. Most values are not secret, such as a team's name. The caller
        must decide which values are secret.
        """

    def __call__(self, value: Any, place: Place) -> Any:
        """Returns the value with all references resolved. Adds a problem to `problems` for each reference that is
        malformed or not set.
        """
        if isinstance(value, dict):
            return {key: self(inner, (*place, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self(inner, (*place, index)) for index, inner in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        if has_malformed_reference(value):
            self.problems.append(_malformed(self.document, place))
            return value
        values: list[str] = []
        login = _LOGIN.match(value) if self.quotes_logins else None

        def resolve(reference: re.Match[str]) -> str:
            values.append(self._value(reference[1], place))
            if login and reference.start() < login.end():
                values.append(quote(values[-1], safe=""))  # no message may show the quoted form either
                return values[-1]
            return values[-1] if reference[0] == value else self.within(values[-1])

        text = REFERENCE.sub(resolve, value)
        self.values[place] = values
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


def _without_white_space(value: str) -> str:
    """A value without white space at its start and end, which `echo`, an editor or a web page may add. No secret begins
    or ends with white space.
    """
    return re.sub(r"\A[\s\ufeff\u200b]+|[\s\ufeff\u200b]+\Z", "", value)


def malformed_references(document: Document) -> Iterator[Problem]:
    """A problem for each text of a syncd.yaml with a `${` that begins no reference."""
    for place, text in texts(document.data):
        # A template of `publish:` may write `${{ value }}`, an amount of dollars.
        if has_malformed_reference(text.replace("${{", "{{") if place[:1] == ("publish",) else text):
            yield _malformed(document, place)


def _malformed(document: Document, place: Place) -> Problem:
    """The problem of a malformed reference. The message does not repeat the text, which may hold a secret."""
    key = str(next((part for part in reversed(place) if isinstance(part, str)), "reference"))
    name = re.sub(r"\W+", "_", key, flags=re.ASCII).upper()
    message = (
        f'{key} has a "${{" that begins no reference; write a name alone, as "${{{name}}}", '
        f"and set {name}, or {name}_FILE, outside"
    )
    return document.problem(place, message)


class ShortSecret(ConfigError):
    """A secret is so short that it may equal an ordinary word of a message."""


def secret_at(document: Document, place: Place, name: str) -> str:
    """The secret that a place of a document refers to. Messages call the secret `name`.

    Raises ConfigError if the secret is not set. Raises ShortSecret if it is too short.
    """
    resolve = Resolver(document)
    secret: str = resolve(document.at(place), place)
    if resolve.problems:
        raise ConfigError(problems=resolve.problems)
    RESOLVED.learn([secret])
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
