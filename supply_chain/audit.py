"""Looks up every locked package in a database of known weaknesses: `make audit`.

Green means that each package was looked up. pip-audit by itself ends with 0 and "No known vulnerabilities found" if the
database knows none of the packages, as with an index that has no such database.

Exit codes: 0, no locked package has a known weakness. 1, a package has. 2, not every package could be looked up.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from supply_chain.locks import LOCKS, pins

_DEADLINE = 600.0  # seconds for the answers about all packages of a list
_RETRY = "Run `make audit` again where that database can be reached."


class NotAsked(Exception):
    """pip-audit could not ask its database; the text says why."""


def locked() -> Sequence[str]:
    """Each package of any lock as NAME==VERSION, whatever system it is for."""
    of_all = (pin for lock in LOCKS for pin in pins(lock.read_text(encoding="utf-8")))
    return sorted({str(pin) for pin in of_all})


def answers_about(packages: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """What pip-audit answers about each package: `vulns`, or a `skip_reason`. Raises NotAsked."""
    for versions in _without_repetition(packages):
        with TemporaryDirectory() as folder:
            requirements = Path(folder) / "requirements.txt"
            requirements.write_text("\n".join(versions), encoding="utf-8")
            options = ["--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
            try:
                done = subprocess.run(  # noqa: S603
                    [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), *options],
                    capture_output=True,
                    text=True,
                    timeout=_DEADLINE,
                )
            except subprocess.TimeoutExpired:
                raise NotAsked(f"it did not answer within {_DEADLINE:g} s") from None
        try:
            answers = json.loads(done.stdout)["dependencies"]
        except (ValueError, KeyError, TypeError):
            raise NotAsked((done.stderr.strip().splitlines() or ["pip-audit printed no answer"])[-1]) from None
        yield from answers


def _without_repetition(packages: Iterable[str]) -> Iterable[Sequence[str]]:
    """The packages in lists that name each package once, as pip-audit wants them: locks may hold several versions."""
    lists: defaultdict[int, list[str]] = defaultdict(list)
    seen = Counter[str]()
    for package in packages:
        name = package.partition("==")[0]
        lists[seen[name]].append(package)
        seen[name] += 1
    return lists.values()


def verdict(packages: Sequence[str], answers: Iterable[Mapping[str, Any]]) -> tuple[int, Sequence[str]]:
    """The exit code, and the lines to print. Raises NotAsked for an answer of another form."""
    try:
        return _verdict(packages, answers)
    except (KeyError, TypeError) as error:
        raise NotAsked(f"pip-audit answered in a form that is not known here ({error!r})") from None


def _verdict(packages: Sequence[str], answers: Iterable[Mapping[str, Any]]) -> tuple[int, Sequence[str]]:
    lines: list[str] = []
    missing = set(packages)
    for answer in answers:
        if "vulns" in answer:
            missing.discard(f"{answer['name']}=={answer['version']}")
        for weakness in answer.get("vulns", ()):
            mended = ", ".join(weakness["fix_versions"])
            lines.append(f"{answer['name']} {answer['version']}: {weakness['id']}, mended in {mended or 'no version'}")
    if missing:
        some = ", ".join(sorted(missing)[:3]) + (" and others" if len(missing) > 3 else "")
        unaudited = f"{len(missing)} of {len(packages)} locked packages ({some})"
        return 2, [*lines, f"Not audited: the database of known weaknesses does not know {unaudited}. {_RETRY}"]
    if lines:
        return 1, [*lines, "Take newer versions with `make lock UPGRADE=--upgrade`."]
    return 0, [f"None of {len(packages)} locked packages has a known weakness."]


def main() -> int:
    """Prints what was found; returns the exit code."""
    packages = locked()
    try:
        code, lines = verdict(packages, answers_about(packages))
    except NotAsked as error:
        code, lines = 2, [f"Not audited: the database of known weaknesses could not be asked: {error}. {_RETRY}"]
    sys.stdout.write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
