"""Reads the locks that `make lock` writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
_PIN = re.compile(r"(?P<name>\S+)==(?P<version>\S+)(?: ; (?P<marker>.+?))? \\")
_HASH = re.compile(r"    --hash=sha256:(?P<hash>[0-9a-f]{64})(?: \\)?")
_VIA = re.compile(r"    #(?: via|  ) (?P<name>\S+)(?: .*)?")


@dataclass(slots=True)
class Pin:
    """A package of a lock: the SHA-256 of each of its files, and the packages that require it.

    `marker` says on which systems and Pythons it is installed; None if on all.
    """

    name: str
    version: str
    marker: str | None
    hashes: list[str] = field(default_factory=list)
    required_by: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def pins(lock: str) -> Sequence[Pin]:
    """The packages of a lock's text. ValueError for a line of no known form: what it adds would be missing."""
    read: list[Pin] = []
    for line in lock.splitlines():
        if pin := _PIN.fullmatch(line):
            read.append(Pin(pin["name"], pin["version"], pin["marker"]))
        elif file := _HASH.fullmatch(line):
            read[-1].hashes.append(file["hash"])
        elif via := _VIA.fullmatch(line):
            read[-1].required_by.append(via["name"])
        elif line and line.strip() != "# via" and not line.startswith("# "):
            raise ValueError(f"a lock has a line that is no package, hash or `via`: {line!r}")
    return read
