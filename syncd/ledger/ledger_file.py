"""The file of a SQLite ledger, and whether it is still the file that was opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite ledger; None for a ledger that is no file."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database not in (None, ":memory:") else None


def open_existing(_: object, __: object, arguments: list[Any], keywords: dict[str, Any]) -> None:
    """Lets SQLite open only an existing file, so that no empty file replaces a ledger that was deleted in use."""
    if keywords.get("uri"):  # the address of a user who may only read the file
        return
    arguments[0] = f"{Path(arguments[0]).absolute().as_uri()}?mode=rw"
    keywords["uri"] = True


def on_disk(engine: Engine) -> tuple[int, int] | None:
    """The device and inode of a SQLite ledger's file, or (0, 0) if there is no file. None if the ledger is not
    a file.
    """
    file = sqlite_file(engine.url)
    if file is None:
        return None
    try:
        status = file.stat()
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino
