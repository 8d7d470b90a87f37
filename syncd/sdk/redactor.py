"""Masks secrets in texts from outside, in every form in which a server may repeat them.

Each connection has a redactor of its own, which knows also what its requests carried. What a process prints and logs
goes through all of them (`without_any_secret`): an error that nobody expected may name any secret.
"""

from __future__ import annotations

import re
import threading
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Iterator, Mapping
from html.entities import codepoint2name
from urllib.parse import parse_qsl, unquote, urlsplit
from weakref import WeakSet

SHORTEST_SECRET = 8
"""Characters: a shorter text could be any word of a message, so it cannot be masked, and is refused as a secret."""

MASK = "***"

SECRET_NAME = re.compile(r"auth|token|key|secret|cookie|password|assertion", re.IGNORECASE)
"""Matches the name of a header or of a form's field that holds a secret."""

_MOST_SENT = 100  # credentials of requests that are remembered: tokens that are fetched anew each hour
_ESCAPES = re.compile(r"[\\%&+<]")
_BY_BACKSLASH = {"\n": "n", "\r": "r", "\t": "t"}
_LONGEST_NAME = 16  # characters of a part of a path that is no key: the id of a project, the name of an API


class Redactor:
    """Knows each secret of one connection: those of its settings, and those that its requests carried.

    Threads share it. Call it on a text before anything is cut off: half of a secret is not recognized.
    """

    def __init__(self, secrets: Iterable[str] = (), *, shortest: int = SHORTEST_SECRET) -> None:
        self._shortest = shortest
        self._lock = threading.Lock()
        self._configured: set[str] = set()
        self._sent: dict[str, None] = {}
        self._patterns: dict[str, re.Pattern[str]] = {}
        self.learn(secrets)
        if shortest >= SHORTEST_SECRET:  # a shorter text may be masked where it is expected, and not everywhere
            with _lock:
                _redactors.add(self)

    def learn(self, secrets: Iterable[str]) -> None:
        """Remembers the secrets of settings, for good; of a key of several lines, each line too."""
        for secret in secrets:
            for text in {secret, *secret.splitlines()} if secret not in self._configured else ():
                if len(text) >= self._shortest:
                    with self._lock:
                        self._configured.add(text)

    @property
    def knows_nothing(self) -> bool:
        """Whether it knows no secret of settings."""
        return not self._configured

    def learn_sent(self, headers: Mapping[str, str], body: bytes | None) -> None:
        """Remembers the credentials that a request carries, also those that were derived or fetched."""
        for secret in _credentials(headers, body):
            if len(secret) >= self._shortest and secret not in self._configured and secret not in self._sent:
                with self._lock:
                    self._sent[secret] = None
                    while len(self._sent) > _MOST_SENT:
                        oldest = next(iter(self._sent))
                        del self._sent[oldest]
                        self._patterns.pop(oldest, None)

    def __call__(self, text: str) -> str:
        """The text with each secret masked, however its characters are escaped."""
        with self._lock:
            secrets = sorted({*self._configured, *self._sent}, key=len, reverse=True)
        if not secrets:
            return text
        for secret in secrets:
            text = text.replace(secret, MASK)
        if _ESCAPES.search(text):
            for secret in secrets:
                text = self._pattern(secret).sub(MASK, text)
        return text

    def is_in(self, text: str) -> bool:
        """Whether the text holds a secret as it is: a quick look at much that is decoded."""
        with self._lock:
            secrets = [*self._configured, *self._sent]
        return any(secret in text for secret in secrets)

    def _pattern(self, secret: str) -> re.Pattern[str]:
        pattern = self._patterns.get(secret)
        if pattern is None:
            pattern = self._patterns[secret] = re.compile("".join(map(_in_any_form, secret)))
        return pattern


_redactors: WeakSet[Redactor] = WeakSet()
_lock = threading.Lock()


def without_any_secret(text: str) -> str:
    """The text without the secrets that any redactor of this process knows."""
    with _lock:
        redactors = list(_redactors)
    for redactor in redactors:
        text = redactor(text)
    return text


def keys_in_address(url: str) -> Iterator[str]:
    """The parts of an address that may be secrets: a password, also as a header sends it, values of its query, long
    parts of its path.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # half of an address in brackets
        yield url
        return
    if parts.password:
        password, user = unquote(parts.password), unquote(parts.username or "")
        yield from (parts.password, password, b64encode(f"{user}:{password}".encode()).decode())
    yield from (value for _, value in parse_qsl(parts.query))
    for part in parts.path.split("/"):
        if len(part) >= _LONGEST_NAME and re.search(r"\d", part):
            yield from (part, unquote(part))


def _credentials(headers: Mapping[str, str], body: bytes | None) -> Iterator[str]:
    for name, value in headers.items():
        if SECRET_NAME.search(name):
            scheme, _, credential = value.partition(" ")
            yield from (value, credential.strip())
            if scheme.lower() == "basic":
                try:
                    yield b64decode(credential).decode().partition(":")[2]
                except (NotBase64, UnicodeDecodeError):
                    continue
    if body is not None and headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        yield from (value for name, value in parse_qsl(body.decode("utf-8", "replace")) if SECRET_NAME.search(name))


def _in_any_form(character: str) -> str:
    """A pattern for a character as itself, and as JSON, addresses and HTML write it, escaped once or several times."""
    number = ord(character)
    utf8 = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode("utf-8", "replace"))
    forms = [rf"\\+u{number:04x}", rf"\\+x{number:02x}", utf8, f"&(?:amp;)*#0*{number};", f"&(?:amp;)*#x0*{number:x};"]
    if number in codepoint2name:
        forms.append(f"&(?:amp;)*{codepoint2name[number]};")
    if character in _BY_BACKSLASH:
        forms.append(rf"\\+{_BY_BACKSLASH[character]}")
    elif not character.isalnum():
        forms.append(rf"\\+{re.escape(character)}")
    if character == " ":
        forms.append(r"\+")
    return f"(?:{re.escape(character)}|(?i:{'|'.join(forms)}))"
