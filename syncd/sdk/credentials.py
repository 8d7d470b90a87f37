"""Finds the secrets in addresses and requests.

The parts of an address that are names (hosts, databases, paths, and users that have a password) are secrets only if
they look like a key.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from syncd.sdk.references import REFERENCE, consists_of_references

SHORTEST_SECRET = 8
"""The minimal length of a secret, in characters. A shorter text could be any word of a message, so syncd cannot mask
it. syncd refuses such a secret.
"""

SECRET_NAME = re.compile(
    r"auth|token|key|secret|cookie|passw|pwd|assertion|credential|signature|session|access", re.IGNORECASE
)
"""Matches the names of headers and form fields that hold secrets."""

_QUERY_NAME = re.compile(
    r"auth(?!or)|token|secret|cookie|passw|pwd|assertion|credential|signature|key$|^(sig|code|pass)$", re.IGNORECASE
)
_SURE_NAME = re.compile(
    r"^(x[-_]?)?(api|app|application|access|auth|private|secret|subscription|license|developer|consumer)[-_]?key$"
    r"|^((api|access|auth|bearer|refresh|id|private|user|session|security)[-_]?)?token$"
    r"|secret|cookie|passw|pwd|credential|signature|^auth(orization)?$",
    re.IGNORECASE,
)
_SHORT_NAME = re.compile(r"^(key|sig|code|pass|assertion)$|auth(?!or)", re.IGNORECASE)
_DATABASE_QUERY_NAME = re.compile(r"password$", re.IGNORECASE)  # `sslkey` and `passfile` name files
_USER = re.compile(r"[\w.+-]+://(?P<user>[^:/@?#]*)(?::(?P<password>[^@]*))?@")  # as SQLAlchemy reads it
_SHORTEST_KEY = 16  # characters of a text that looks like a key
_WORDS_AND_NUMBERS = re.compile(r"([A-Za-z]+|\d+)([-_.+~ ]([A-Za-z]+|\d+))*")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def looks_like_key(text: str, shortest: int = _SHORTEST_KEY) -> bool:
    """Whether a text seems to be a key, not the name of something: it is long, and has digits and letters."""
    return (
        len(text) >= shortest
        and bool(re.search(r"\d", text))
        and bool(re.search(r"[A-Za-z]", text))
        and "@" not in text  # the address of a mailbox
    )


def _is_key_among_names(text: str) -> bool:
    """Whether a part of a path or a value of a query looks like a key.

    A name such as `platform-team-2026` and a time such as `2026-10-01T00:00` do not look like a key.
    """
    return looks_like_key(text) and not _DAY.match(text) and not _WORDS_AND_NUMBERS.fullmatch(text)


def is_web_address(url: str) -> bool:
    """Whether an address is an HTTP or HTTPS address."""
    return re.match(r"https?://", url, re.IGNORECASE) is not None


def keys_in_address(url: str) -> Iterator[str]:
    """Yields the parts of an address that may be secrets.

    A password, a user without a password, a key in the query, and a part of the path that looks like a key may be
    secrets. The user and password are also returned as a header encodes them. In a database's address, only passwords
    are secrets.
    """
    if not is_web_address(url):
        yield from _passwords(url)
        return
    try:
        parts = urlsplit(url)
    except ValueError:  # half of an address in brackets
        yield from (url, *_passwords(url))
        return
    yield from keys_of_user(parts.username or "", parts.password or "")
    yield from keys_in_query(parts.query)
    for part in parts.path.split("/"):
        if _is_key_among_names(part):
            yield from (part, unquote(part))


def keys_of_user(user: str, password: str) -> Iterator[str]:
    """The secrets in the user and password of an address, both as the address writes them and as a header encodes
    them.
    """
    plain_user, plain_password = unquote(user), unquote(password)
    yield from (password, plain_password)
    if is_key(plain_user, plain_password):
        yield from (user, plain_user)
    elif not password:
        return
    both = f"{plain_user}:{plain_password}"
    for octets in (both.encode(), both.encode("latin-1", "replace")):  # libraries differ in the encoding
        yield b64encode(octets).decode()


def is_key(user: str, password: str) -> bool:
    """Whether a user is a secret: the user's password is empty or short, or the user looks like a key."""
    return bool(user) and "@" not in user and (len(password) < SHORTEST_SECRET or looks_like_key(user))


def keys_in_query(query: str) -> Iterator[str]:
    """The values in the query of an address that look like a key, or whose parameter has the name of a secret."""
    for name, value in parse_qsl(query):
        if _QUERY_NAME.search(name) or _is_key_among_names(value):
            yield value


def secret_in_url(url: str) -> str | None:
    """The kind of a secret that an address holds in plain text: `password` or `key`. None if the address holds no
    secret in plain text.

    A `key` is a token in the place of the user name, or a value in the address's query whose name shows that the value
    is a secret. A password and a token consist of references only.
    """
    if (match := _USER.match(url)) and match["password"] and not consists_of_references(match["password"]):
        return "password"
    is_web = is_web_address(url)
    if is_web and match and not match["password"] and match["user"] and not consists_of_references(match["user"]):
        return "key"
    for name, value in re.findall(r"[?&]([^=&\s#]+)=([^&\s#]+)", url):
        if not REFERENCE.search(value) and (_QUERY_NAME if is_web else _DATABASE_QUERY_NAME).search(name):
            return "password" if _DATABASE_QUERY_NAME.search(name) else "key"
    return None


def is_written_secret(name: str, value: str) -> bool:
    """Whether a parameter of a request is a secret in plain text: its name is the name of a secret, or its name is
    short and its value looks like a key. Any other parameter with `key` or `token` in its name is not a secret:
    `project_key` names a project, and `page_token` a page.
    """
    if not value.strip():
        return False
    return bool(_SURE_NAME.search(name) or (_SHORT_NAME.search(name) and looks_like_key(value)))


def credentials(headers: Mapping[str, str], body: bytes | None) -> Iterator[str]:
    """The secrets that a request carries. The names of the headers are in lower case."""
    for name, value in headers.items():
        if SECRET_NAME.search(name):
            scheme, _, credential = value.partition(" ")
            yield from (value, credential.strip())
            if scheme.lower() == "basic":
                user, _, password = _decoded(credential).partition(":")
                yield password
                if is_key(user, password):
                    yield user
    if body is not None and headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        yield from (value for name, value in parse_qsl(body.decode("utf-8", "replace")) if SECRET_NAME.search(name))


def _decoded(credential: str) -> str:
    try:
        octets = b64decode(credential)
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")
    except NotBase64:
        return ""


def _passwords(url: str) -> Iterator[str]:
    """The passwords in a database's address. A password may hold characters such as / and #."""
    if (match := _USER.match(url)) and match["password"]:
        yield from (match["password"], unquote(match["password"]))
    for name, value in parse_qsl(url.partition("?")[2]):
        if _DATABASE_QUERY_NAME.search(name):
            yield value
