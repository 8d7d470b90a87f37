"""The statements of ledgers, compiled once in a process.

Each ledger has an engine of its own, and would compile all of its statements anew: a third of a test's time.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event


class _Statements(dict[Any, Any]):
    """By all of SQLAlchemy's key but the dialect, of which each engine has its own; those of SQLite are alike."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, statement: Any) -> None:
        super().__setitem__(key[1:], statement)


def share_compiled_statements() -> None:
    """From here on, every SQLite engine of this process takes what another has compiled."""
    statements = _Statements()

    def share(connection: Connection) -> None:
        if connection.dialect.name == "sqlite":
            connection.execution_options(compiled_cache=statements)

    event.listen(Engine, "engine_connect", share)
