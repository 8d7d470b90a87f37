"""Masks secrets in texts from outside, in every form in which a server may repeat them.

Each connection has a redactor of its own, which knows also what its requests carried. What a process prints and logs
goes through all of them (`without_any_secret`): an error that nobody expected may name any secret.
"""

from __future__ import annotations

import re
import threading
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit
from weakref import WeakSet

from syncd.sdk.escapes import Unescaped

SHORTEST_SECRET = 8
"""Characters: a shorter text could be any word of a message, so it cannot be masked, and is refused as a secret."""

MASK = "***"

SECRET_NAME = re.compile(r"auth|token|key|secret|cookie|password|assertion", re.IGNORECASE)
"""Matches the name of a header or of a form's field that holds a secret."""

_MOST_SENT = 100  # credentials of requests that are remembered: tokens that are fetched anew each hour
_ESCAPES = re.compile(r"[\\%&+]")
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
        self._plain: dict[str, Sequence[str]] = {}
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
                        self._plain.pop(oldest, None)

    def __call__(self, text: str) -> str:
        """The text with each secret masked, however its characters are escaped."""
        with self._lock:
            secrets = sorted({*self._configured, *self._sent}, key=len, reverse=True)
        if secrets and _ESCAPES.search(text):
            text = self._without_escaped(text, secrets)
        for secret in secrets:
            text = text.replace(secret, MASK)
        return text

    def _without_escaped(self, text: str, secrets: Sequence[str]) -> str:
        unescaped = Unescaped(text)
        places = sorted(
            place
            for secret in secrets
            for plain in self._plain_forms(secret)
            for place in unescaped.places(plain, before=not secret[0].isalnum(), after=secret.endswith("\\"))
        )
        pieces, last = [], 0
        for first, end in places:
            if first >= last:
                pieces += [text[last:first], MASK]
            last = max(last, end)
        return "".join([*pieces, text[last:]])

    def is_in(self, text: str) -> bool:
        """Whether the text holds a secret as it is: a quick look at much that is decoded."""
        with self._lock:
            secrets = [*self._configured, *self._sent]
        return any(secret in text for secret in secrets)

    def _plain_forms(self, secret: str) -> Sequence[str]:
        """The secret as it is looked for among what is not escaped; none if it consists of little but escapes."""
        forms = self._plain.get(secret)
        if forms is None:
            plain = Unescaped(secret).plain
            forms = self._plain[secret] = (plain,) if len(plain) >= self._shortest // 2 else ()
        return forms


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
