"""What is in syncd beside its own code: the bill has all of the lock, and an audit is not green by silence."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tomllib
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from waiting import HANG

from supply_chain.audit import locked, verdict
from supply_chain.bill import BILL, LOCK, bill_of_materials
from supply_chain.locks import LOCKS, ROOT, pins

LINES = """\
sqlite-utils==4.1 ; python_version >= '3.12' \\
    --hash=sha256:{0} \\
    --hash=sha256:{1}
    # via syncd (pyproject.toml)
tabulate==0.10 \\
    --hash=sha256:{1}
    # via
    #   sqlite-utils
    #   syncd (pyproject.toml)
""".format("a" * 64, "b" * 64)
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def bill() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(BILL.read_text(encoding="utf-8"))
    return read


# -- the bill of materials


def test_the_bill_is_made_from_the_lock_of_today() -> None:
    """Where this fails: `make sbom`."""
    text = BILL.read_text(encoding="utf-8")
    assert bill_of_materials(LOCK.read_text(encoding="utf-8"), VERSION, text) == text, "run `make sbom`"


def test_the_bill_names_every_package_version_and_hash_of_the_lock() -> None:
    lock = LOCK.read_text(encoding="utf-8")
    wanted = {
        (name, version): set(re.findall("sha256:([0-9a-f]{64})", hashes))
        for name, version, hashes in re.findall(
            r"^(\S+)==(\S+)(?: ; .*)? \\\n((?:    --hash=.*\n)+)", lock, re.MULTILINE
        )
    }
    assert len(wanted) == lock.count("==") - lock.count(" == '")
    assert {
        (component["name"], component["version"]): {file["content"] for file in component["hashes"]}
        for component in bill()["components"]
    } == wanted


def test_the_bill_is_valid_by_the_schema_of_cyclonedx() -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(BILL.read_text(encoding="utf-8")) is None
    broken = bill() | {"components": [{"name": "no type"}]}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(broken)) is not None


def test_the_bill_names_the_licence_of_each_installed_package() -> None:
    components = bill()["components"]
    without = {component["name"] for component in components if not component.get("licenses")}
    elsewhere = {component["name"] for component in components if component.get("properties")}
    assert without <= elsewhere, "only a package for another system or Python is not installed here"
    by_name = {component["name"]: component["licenses"] for component in components if component.get("licenses")}
    assert by_name["alembic"] == [{"license": {"acknowledgement": "declared", "id": "MIT"}}]
    assert by_name["cryptography"][0]["expression"] == "Apache-2.0 OR BSD-3-Clause"


def test_the_same_lock_gives_the_same_bill_without_a_time() -> None:
    first = bill_of_materials(LINES, "1.2", None)
    assert bill_of_materials(LINES, "1.2", None) == first
    assert bill_of_materials(LINES, "1.2", first) == first
    assert "timestamp" not in json.loads(first)["metadata"]
    assert json.loads(first)["serialNumber"] != json.loads(bill_of_materials(LINES, "1.3", None))["serialNumber"]


def test_the_bill_says_what_requires_what_and_on_which_system() -> None:
    read = json.loads(bill_of_materials(LINES, "1.2", None))
    assert {entry["ref"]: entry.get("dependsOn", []) for entry in read["dependencies"]} == {
        "syncd": ["sqlite-utils==4.1", "tabulate==0.10"],
        "sqlite-utils==4.1": ["tabulate==0.10"],
        "tabulate==0.10": [],
    }
    (only_sometimes,) = (component for component in read["components"] if "properties" in component)
    assert only_sometimes["properties"] == [{"name": "syncd:environment-marker", "value": "python_version >= '3.12'"}]


def test_a_licence_stays_while_its_version_does() -> None:
    first = json.loads(bill_of_materials(LINES, "1.2", None))
    first["components"][0]["licenses"] = [{"license": {"id": "Apache-2.0", "acknowledgement": "declared"}}]
    again = json.loads(bill_of_materials(LINES, "1.2", json.dumps(first)))
    assert again["components"][0]["licenses"] == first["components"][0]["licenses"]
    newer = json.loads(bill_of_materials(LINES.replace("==4.1", "==4.2"), "1.2", json.dumps(first)))
    assert "licenses" not in newer["components"][0]


@pytest.mark.parametrize("line", ["-e ../own", "name @ https://host/name.whl", "name>=1 \\", "    --hash=md5:aa"])
def test_a_line_of_a_lock_that_is_not_understood_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="no package, hash or `via`"):
        pins(f"{LINES}{line}\n")


# -- the audit


def test_an_audit_covers_every_package_of_every_lock() -> None:
    assert len(LOCKS) == 4
    for lock in LOCKS:
        assert {f"{pin.name}=={pin.version}" for pin in pins(lock.read_text(encoding="utf-8"))} <= set(locked())


def test_an_audit_that_reaches_no_database_says_so_and_is_not_green() -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{nobody_listens.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "supply_chain.audit"],
            cwd=ROOT,
            env={**os.environ, "HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": "", "no_proxy": ""},
            capture_output=True,
            text=True,
            timeout=HANG,
        )
    assert (done.returncode, done.stderr) == (2, "")
    (line,) = done.stdout.splitlines()
    assert line.startswith("Not audited: the database of known weaknesses could not be asked: ")
    assert line.endswith("Run `make audit` again where that database can be reached.")


def answer(name: str, **answered: Any) -> dict[str, Any]:
    return {"name": name, **answered}


WEAK = {"id": "PYSEC-2026-1", "fix_versions": ["2.1", "3.0"], "aliases": [], "description": "…"}


def test_an_audit_by_a_database_that_does_not_know_a_package_is_not_green() -> None:
    skipped = answer("b", skip_reason="Dependency not found and could not be audited: b (1.0)")
    code, lines = verdict(["a==1.0", "b==1.0"], [answer("a", version="1.0", vulns=[]), skipped])
    assert code == 2
    assert lines == [
        "Not audited: the database of known weaknesses does not know 1 of 2 locked packages (b==1.0). "
        "Run `make audit` again where that database can be reached."
    ]
    assert verdict(["a==1.0"], [])[0] == 2


def test_an_audit_names_each_weakness_and_the_version_that_mends_it() -> None:
    code, lines = verdict(["a==2.0"], [answer("a", version="2.0", vulns=[WEAK, WEAK | {"fix_versions": []}])])
    assert code == 1
    assert lines == [
        "a 2.0: PYSEC-2026-1, mended in 2.1, 3.0",
        "a 2.0: PYSEC-2026-1, mended in no version",
        "Take newer versions with `make lock UPGRADE=--upgrade`.",
    ]
    assert verdict(["a==2.0"], [answer("a", version="2.0", vulns=[])]) == (
        0,
        ["None of 1 locked packages has a known weakness."],
    )
