"""Writes supply_chain/licences.json: the licence that each installed package declares. Run by `make licences`.

The bill of materials takes licences from this file, for a build environment holds none of the packages. A package that
is not installed on this machine, because it is for another system, keeps its entry; one that no lock names loses it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.license import LicenseExpression

from supply_chain.bill import LICENCES, LOCK, Licence
from supply_chain.locks import pins


def declared(name: str, version: str) -> Sequence[Licence]:
    """The licences that an installed package declares; none if this version is not installed."""
    try:
        package = metadata(name)
    except PackageNotFoundError:
        return ()
    if package["Version"] != version:
        return ()
    for key in ("License-Expression", "License"):
        text = (package[key] or "").strip() if key in package else ""
        if text and "\n" not in text:  # some packages have the whole text there
            return (_licence(text),)
    classifiers = [text.split(" :: ") for text in package.get_all("Classifier") or ()]
    names = {parts[-1] for parts in classifiers if parts[0] == "License" and parts[-1] != "OSI Approved"}
    return [_licence(name) for name in sorted(names)]


def _licence(text: str) -> Licence:
    licence = LicenseFactory().make_from_string(text)
    if isinstance(licence, LicenseExpression):
        return {"expression": licence.value}
    return {"id": licence.id} if licence.id else {"name": text}


def licences(lock: str, earlier: dict[str, Sequence[Licence]]) -> dict[str, Sequence[Licence]]:
    """The licences of the packages of a lock, by NAME==VERSION; `earlier` has those of packages not installed here."""
    of_all = {str(pin): declared(pin.name, pin.version) or earlier.get(str(pin), ()) for pin in pins(lock)}
    return {package: entries for package, entries in sorted(of_all.items()) if entries}


def main(file: Path = LICENCES) -> None:
    """Writes the file, a line for each package."""
    earlier = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    entries = licences(LOCK.read_text(encoding="utf-8"), earlier)
    lines = ",\n".join(f" {json.dumps(package)}: {json.dumps(entry)}" for package, entry in entries.items())
    file.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    sys.stdout.write(f"{file.name}: {len(entries)} packages\n")


if __name__ == "__main__":
    main()
