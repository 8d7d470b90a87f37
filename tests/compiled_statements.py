"""The statements of ledgers, compiled once in a process.

Each ledger has an engine of its own, and would compile all of its statements anew: a third of a test's time.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, Engine, event


class _Statements(dict[Any, Any]):
    """By all of SQLAlchemy's key but the dialect, of which each engine has its own; those of a database are alike."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, statement: Any) -> None:
        super().__setitem__(key[1:], statement)


def share_compiled_statements() -> None:
    """From here on, every engine of this process takes what another of the same kind of database has compiled."""
    statements: defaultdict[str, _Statements] = defaultdict(_Statements)

    def share(connection: Connection) -> None:
        connection.execution_options(
            compiled_cache=statements[f"{connection.dialect.name} {connection.dialect.driver}"]
        )

    event.listen(Engine, "engine_connect", share)
