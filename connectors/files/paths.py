"""Checks and resolves paths below a connection's root."""

from __future__ import annotations

from pathlib import Path

from syncd.sdk import SourceBroken


def checked(name: str, endings: tuple[str, ...], instead: str) -> str:
    """The name of a file as YAML gives it. Raises ValueError if its extension is not one of `endings`, or if the file
    lies outside the root.
    """
    if not name.lower().endswith(endings):
        raise ValueError(f"is {name!r}; write {instead}")
    if name.startswith(("/", "~")) or ".." in name.split("/"):
        raise ValueError(f"is {name!r}, which leads out of the connection's root; write a path below it")
    return name


def below(root: Path, name: str) -> Path:
    """The path of a file below the root, with links followed. Raises SourceBroken if the file lies outside the root."""
    try:
        path = (root / name).resolve()
    except (OSError, RuntimeError):
        raise SourceBroken(f"{name} cannot be read: its links lead in a circle, or out of reach") from None
    if not path.is_relative_to(root):
        raise SourceBroken(f"{name} leads out of the connection's root")
    return path
