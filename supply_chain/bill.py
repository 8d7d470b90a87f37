"""The bill of materials that syncd's wheel carries: CycloneDX, made from requirements.lock.

It imports the standard library alone, because it runs while a wheel is built. A test checks the result by CycloneDX's
schema.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from supply_chain.locks import ROOT, Pin, pins

LOCK = ROOT / "requirements.lock"
LICENCES = ROOT / "supply_chain" / "licences.json"
Licence = Mapping[str, str]
"""A licence as CycloneDX has it: its SPDX `id`, an SPDX `expression`, or the `name` that the package gives."""


def bill_of_materials(lock: str, version: str, licences: Mapping[str, Sequence[Licence]]) -> str:
    """The bill of materials of a version of syncd, as JSON. The same arguments give the same text."""
    read = pins(lock)
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "syncd", **_named("syncd", version)}},
        "components": [_component(pin, licences.get(str(pin), ())) for pin in read],
        "dependencies": [_dependency("syncd", "syncd", read), *(_dependency(str(pin), pin.name, read) for pin in read)],
    }
    return json.dumps(document, indent=1) + "\n"


def _named(name: str, version: str) -> dict[str, str]:
    return {"name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"}


def _component(pin: Pin, licences: Sequence[Licence]) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": str(pin),
        **_named(pin.name, pin.version),
        "hashes": [{"alg": "SHA-256", "content": file} for file in pin.hashes],
    }
    if licences:
        component["licenses"] = [_licence(licence) for licence in licences]
    if pin.marker:
        component["properties"] = [{"name": "syncd:environment-marker", "value": pin.marker}]
    return component


def _licence(licence: Licence) -> dict[str, Any]:
    declared = {**licence, "acknowledgement": "declared"}
    return declared if "expression" in licence else {"license": declared}


def _dependency(reference: str, name: str, read: Sequence[Pin]) -> dict[str, Any]:
    return {"ref": reference, "dependsOn": [str(pin) for pin in read if name in pin.required_by]}
