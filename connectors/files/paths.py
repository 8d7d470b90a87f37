"""Paths below a connection's root."""

from __future__ import annotations

from pathlib import Path

from syncd.sdk import SourceBroken


def checked(name: str, endings: tuple[str, ...], instead: str) -> str:
    """A file's name as YAML gives it. ValueError where it is no such file, or leads out of the root."""
    if not name.lower().endswith(endings):
        raise ValueError(f"is {name!r}; write {instead}")
    if name.startswith(("/", "~")) or ".." in Path(name).parts:
        raise ValueError(f"is {name!r}, which leads out of the connection's root; write a path below it")
    return name


def below(root: Path, name: str) -> Path:
    """Where a file is, links followed: SourceBroken where one leads outside."""
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise SourceBroken(f"{name} leads out of the connection's root")
    return path
