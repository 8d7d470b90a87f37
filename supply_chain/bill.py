"""Writes syncd.cdx.json, the bill of materials that syncd's wheel carries, from requirements.lock.

Run `make sbom` when the lock has changed. It needs no network, and the same lock gives the same bytes. A
test fails if the file differs from what this script writes.

A licence is what the installed package declares. For a package that is not installed on this machine, because it is for
another system, the licence in the present file stays, unless the version has changed.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, metadata
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License, LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from supply_chain.locks import ROOT, Pin, pins

LOCK = ROOT / "requirements.lock"
BILL = ROOT / "syncd.cdx.json"


def bill_of_materials(lock: str, version: str, earlier: str | None) -> str:
    """The bill of materials of a version of syncd as JSON; `earlier` is the one to take licences from."""
    syncd = Component(
        name="syncd", version=version, type=ComponentType.APPLICATION, purl=PackageURL("pypi", None, "syncd", version)
    )
    syncd.bom_ref.value = "syncd"
    earlier_licences = dict(_earlier_licences(earlier)) if earlier else {}
    components = [(pin, _component(pin, earlier_licences)) for pin in pins(lock)]
    bom = Bom(
        components=[component for _, component in components],
        serial_number=uuid5(NAMESPACE_URL, f"syncd {version}\n{lock}"),
    )
    bom.metadata.component = syncd
    bom.metadata.timestamp = None  # the time would make other bytes of the same lock
    for requirer in (syncd, *(component for _, component in components)):
        bom.register_dependency(
            requirer, [component for pin, component in components if requirer.name in pin.required_by]
        )
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _component(pin: Pin, earlier: Mapping[tuple[str, str], Sequence[str]]) -> Component:
    licences = _declared(pin.name, pin.version) or earlier.get((pin.name, pin.version), ())
    component = Component(
        name=pin.name,
        version=pin.version,
        type=ComponentType.LIBRARY,
        purl=PackageURL("pypi", None, pin.name, pin.version),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=file) for file in pin.hashes],
        licenses=map(_licence, licences),
        properties=[Property(name="syncd:environment-marker", value=pin.marker)] if pin.marker else (),
    )
    component.bom_ref.value = f"{pin.name}=={pin.version}"
    return component


def _declared(name: str, version: str) -> Sequence[str]:
    """The licences that an installed package declares; none if this version is not installed."""
    try:
        declared = metadata(name)
    except PackageNotFoundError:
        return ()
    if declared["Version"] != version:
        return ()
    for key in ("License-Expression", "License"):
        text = declared.get(key, "").strip()
        if text and "\n" not in text:  # some packages have the whole text there
            return (text,)
    classifiers = (text.split(" :: ") for text in declared.get_all("Classifier", ()))
    return sorted({parts[-1] for parts in classifiers if parts[0] == "License" and parts[-1] != "OSI Approved"})


def _licence(text: str) -> License:
    return LicenseFactory().make_from_string(text, license_acknowledgement=LicenseAcknowledgement.DECLARED)


def _earlier_licences(bill: str) -> Iterator[tuple[tuple[str, str], Sequence[str]]]:
    for component in json.loads(bill)["components"]:
        licences = [entry.get("license", entry) for entry in component.get("licenses", ())]
        texts = [entry.get("id") or entry.get("name") or entry["expression"] for entry in licences]
        yield (component["name"], component["version"]), texts


def main() -> None:
    """Writes the file, if it differs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    earlier = BILL.read_text(encoding="utf-8") if BILL.exists() else None
    bill = bill_of_materials(LOCK.read_text(encoding="utf-8"), project["version"], earlier)
    if bill != earlier:
        BILL.write_text(bill, encoding="utf-8")
        sys.stdout.write(f"wrote {BILL.name}\n")


if __name__ == "__main__":
    main()
