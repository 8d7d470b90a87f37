"""Checks and resolves the address of a ledger in `ledger:`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote, urlsplit

from syncd.config.document import Document
from syncd.config.references import RESOLVED, Resolver
from syncd.sdk import ConfigError, Problem
from syncd.sdk.credentials import keys_in_address, secret_in_url
from syncd.sdk.references import REFERENCE

_SQLITE, _POSTGRESQL = "sqlite:///", "postgresql+psycopg://"
_EXAMPLES = "write sqlite:///syncd.db or postgresql+psycopg://user@host/db"
_WORKSPACE, _SHARD = "{workspace}", "{shard}"
OF_CONTROL = "0"
"""The shard whose database has the queue of the workers."""


def ledger_problems(url: str, document: Document) -> Iterator[Problem]:
    """The problems of an address that show before its references are resolved, each with the place of `ledger:`."""
    if secret_in_url(url):
        message = "ledger holds a password written out; write postgresql+psycopg://user:${LEDGER_PASSWORD}@host/db"
        yield document.problem(("ledger",), message)
    elif not (url.startswith((_SQLITE, _POSTGRESQL)) or REFERENCE.match(url)):
        yield document.problem(("ledger",), f"ledger is {url!r}; {_EXAMPLES}")
    else:
        yield from _unkept(url, document)


def _unkept(url: str, document: Document) -> Iterator[Problem]:
    """The problem of an address of SQLite that names no file. Such a ledger would end with the process."""
    if url.startswith(_SQLITE) and url.removeprefix(_SQLITE).partition("?")[0] in ("", ":memory:"):
        yield document.problem(("ledger",), f"ledger is {url!r}, which names no file; {_EXAMPLES}")


def shared_ledger_problems(url: str, document: Document) -> Iterator[Problem]:
    """The problems of an address that cannot give each workspace of a deployment its own ledger."""
    if url.startswith(_SQLITE) and _WORKSPACE not in url:
        message = "ledger is one SQLite file for all workspaces; write {workspace} into its name, such as "
        yield document.problem(("ledger",), f"{message}sqlite:///ledgers/{_WORKSPACE}.db")
    elif url.startswith(_POSTGRESQL) and "schema=" in url.partition("?")[2]:
        message = "ledger names a schema, and each workspace has one of its own, ws_NAME; leave out schema="
        yield document.problem(("ledger",), message)


def workers_ledger_problems(url: str, document: Document) -> Iterator[Problem]:
    """The problems of an address whose ledgers workers of several machines cannot share."""
    if REFERENCE.match(url):  # it is checked again when the reference is resolved
        return
    if not url.startswith(_POSTGRESQL) or _WORKSPACE in url:
        message = "runner: procrastinate needs one PostgreSQL database for all workspaces, or sixteen; write "
        example = "postgresql+psycopg://user@host/db"
        yield document.problem(("runner",), f"{message}ledger: {example}, or {example}_{_SHARD}")


def shard_of(workspace: str) -> str:
    """The shard that a workspace belongs to, `0` to `f`. The shard depends only on the workspace's name."""
    return blake2b(workspace.encode(), digest_size=1).hexdigest()[0]


def is_in_shards(url: str) -> bool:
    """Whether the address stands for sixteen databases."""
    return _SHARD in url


def of_shard(url: str, shard: str = OF_CONTROL) -> str:
    """The address of the database of a shard; an address without shards is returned unchanged."""
    return url.replace(_SHARD, shard)


def schema_of(workspace: str) -> str:
    """The name of the PostgreSQL schema with the ledger of a workspace."""
    return f"ws_{workspace.replace('-', '_')}"


@dataclass(frozen=True, slots=True)
class LedgerAddress:
    """The value of `ledger:` in a document. A relative SQLite path starts at `folder`. In a deployment, `workspace` is
    the name of the workspace that the ledger belongs to; in a project it is None.
    """

    url: str
    document: Document
    folder: Path
    workspace: str | None = None

    def resolved(self, environment: Mapping[str, str] = os.environ) -> str:
        """The URL with its references resolved. Raises ConfigError if a reference is not set, if workspaces would share
        a ledger, or if the ledger would be in memory only.
        """
        resolver = Resolver(self.document, environment, within=partial(quote, safe=""))
        url: str = resolver(self.url, ("ledger",))
        if problems := resolver.problems or list(_unkept(url, self.document)):
            raise ConfigError(problems=problems)
        RESOLVED.learn(keys_in_address(url))
        if self.workspace is not None:
            url = self._of_workspace(url, self.workspace)
        if url.startswith(_SQLITE) and not url.startswith(_SQLITE + "/"):
            return _SQLITE + str(self.folder / url.removeprefix(_SQLITE))
        return url

    def _of_workspace(self, url: str, name: str) -> str:
        """The address of the ledger of a workspace: a file or database with the workspace's name, or else a schema with
        its name. The schema is in the database of all workspaces, or in that of the workspace's shard.
        """
        if problems := list(shared_ledger_problems(url, self.document)):
            raise ConfigError(problems=problems)
        is_apart = url.startswith(_SQLITE) or _WORKSPACE in urlsplit(url).path
        url = url.replace(_WORKSPACE, name).replace(_SHARD, shard_of(name))
        if is_apart:
            return url
        return f"{url}{'&' if '?' in url else '?'}schema={schema_of(name)}"
