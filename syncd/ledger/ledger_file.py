"""The file of a SQLite ledger, and whether it is still the file that was opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite ledger; None for a ledger in PostgreSQL or in memory."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database not in (None, ":memory:") else None


def open_existing(_: object, __: object, arguments: list[Any], keywords: dict[str, Any]) -> None:
    """Lets SQLite open only an existing file. Otherwise, SQLite would create an empty file if the ledger was deleted in
    use.
    """
    if keywords.get("uri"):  # the address of a user who may only read the file
        return
    arguments[0] = f"{Path(arguments[0]).absolute().as_uri()}?mode=rw"
    keywords["uri"] = True


def on_disk(engine: Engine) -> tuple[int, int] | None:
    """The device and inode of a SQLite ledger's file; (0, 0) if the file does not exist. None for a ledger in
    PostgreSQL or in memory.
    """
    file = sqlite_file(engine.url)
    if file is None:
        return None
    try:
        status = file.stat()
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino
