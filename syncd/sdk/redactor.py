"""Masks secrets in texts from outside, in every form in which a server may repeat them.

Each connection has its own redactor, which also masks the secrets in the connection's requests. All redactors are
applied to everything that a process prints and logs (`without_any_secret`), because an unexpected error may name any
secret.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from weakref import WeakSet

from syncd.sdk.credentials import SHORTEST_SECRET, credentials
from syncd.sdk.escapes import Unescaped, may_be_escaped

MASK = "***"

_MOST_SENT = 100  # remembered credentials of requests; tokens may be renewed each hour


class Redactor:
    """Masks the secrets of one connection: the secrets in its settings, and the secrets in its requests.

    Threads may share a redactor. Call it before a text is cut, because half of a secret is not recognized.
    """

    def __init__(self, secrets: Iterable[str] = (), *, shortest: int = SHORTEST_SECRET) -> None:
        self._shortest = shortest
        self._lock = threading.RLock()  # the garbage collector may log, and so mask, a line while a line is masked
        # Each secret with its unescaped form, which is searched in unescaped texts.
        self._configured: dict[str, str] = {}
        self._sent: dict[str, str] = {}
        self.has_learned = False
        """Whether `learn` has been called, even with no secrets."""
        self._remember(secrets)
        if shortest >= SHORTEST_SECRET:  # a shorter secret is masked only by its own redactor, not everywhere
            with _lock:
                _redactors.add(self)

    def learn(self, secrets: Iterable[str]) -> None:
        """Remembers secrets of the settings permanently. If a secret has several lines, each line is a secret too."""
        self._remember(secrets)
        self.has_learned = True

    def _remember(self, secrets: Iterable[str]) -> None:
        for secret in secrets:
            if secret in self._configured or len(secret) < self._shortest:
                continue
            for line in {secret, *secret.splitlines()}:
                for text in _read(line) if len(line) >= self._shortest else ():
                    plain = Unescaped(text).plain
                    with self._lock:
                        self._configured[text] = plain

    def learn_sent(self, headers: Mapping[str, str], body: bytes | None) -> None:
        """Remembers the credentials in a request, including derived and fetched credentials."""
        for secret in credentials(headers, body):
            if len(secret) >= self._shortest and secret not in self._configured and secret not in self._sent:
                with self._lock:
                    self._sent.update((text, Unescaped(text).plain) for text in _read(secret))
                    while len(self._sent) > _MOST_SENT:
                        del self._sent[next(iter(self._sent))]

    def __call__(self, text: str) -> str:
        """The text with each secret masked, however its characters are escaped."""
        return _masked(text, dict(sorted(self.secrets().items(), key=_length, reverse=True)), self._shortest)

    def secrets(self) -> Mapping[str, str]:
        """A mapping from each secret to its unescaped form."""
        with self._lock:
            return self._sent | self._configured


def _read(secret: str) -> set[str]:
    """The texts that a secret may become when a server decodes a header. The encoding of a header is not declared."""
    if secret.isascii():
        return {secret}
    return {secret, secret.encode().decode("latin-1"), secret.encode("latin-1", "replace").decode("utf-8", "replace")}


_redactors: WeakSet[Redactor] = WeakSet()
_lock = threading.RLock()


def without_any_secret(text: str) -> str:
    """The text without the secrets that any redactor of this process knows."""
    return _masked(text, _every_secret(), SHORTEST_SECRET)


def masking_any_secret() -> Callable[[str], str]:
    """Returns a function that masks all secrets that this process knows now. Use it for a document with many texts."""
    secrets = _every_secret()
    return cache(lambda text: _masked(text, secrets, SHORTEST_SECRET))


def _every_secret() -> Mapping[str, str]:
    with _lock:
        redactors = list(_redactors)
    secrets: dict[str, str] = {}
    for redactor in redactors:
        secrets.update(redactor.secrets())
    return dict(sorted(secrets.items(), key=_length, reverse=True))


def _length(secret: tuple[str, str]) -> int:
    return len(secret[0])


def _masked(text: str, secrets: Mapping[str, str], shortest: int) -> str:
    """The text without these secrets, which are sorted longest first. The text is unescaped once for all secrets."""
    longest_first = list(secrets)
    if longest_first and may_be_escaped(text):
        unescaped = Unescaped(text)
        places = sorted(
            place for secret in longest_first for place in _escaped_places(unescaped, secret, secrets[secret], shortest)
        )
        pieces, last = [], 0
        for first, end in places:
            if first >= last:
                pieces += [text[last:first], MASK]
            last = max(last, end)
        text = "".join([*pieces, text[last:]])
    for secret in longest_first:
        text = text.replace(secret, MASK)
    return text


def _escaped_places(unescaped: Unescaped, secret: str, plain: str, shortest: int) -> Iterator[tuple[int, int]]:
    """The places where the text holds a secret, however it is escaped.

    A secret that consists mostly of escapes may become any short word when it is unescaped. The place of such a secret
    must have at least as many characters as the secret, because an escape is never shorter than its text.
    """
    if not plain:
        return
    for first, end in unescaped.places(plain, before=not secret[0].isalnum(), after=secret.endswith("\\")):
        if len(plain) >= shortest or end - first >= len(secret):
            yield first, end
