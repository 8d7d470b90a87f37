"""What is in syncd beside its own code: the bill has all of the lock, and an audit is not green by silence."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from waiting import HANG

from supply_chain import audit
from supply_chain.audit import locked, verdict
from supply_chain.bill import LICENCES, LOCK, bill_of_materials
from supply_chain.licences import declared, licences
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
LICENSED = {"sqlite-utils==4.1": [{"id": "Apache-2.0"}], "tabulate==0.10": [{"expression": "MIT OR BSD-3-Clause"}]}


def small_bill() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(bill_of_materials(LINES, "1.2", LICENSED))
    return read


# -- the bill of materials; tests/system/test_container.py reads the one in a wheel


def test_the_bill_of_todays_lock_is_valid_by_the_schema_of_cyclonedx() -> None:
    licences = json.loads(LICENCES.read_text(encoding="utf-8"))
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(bill_of_materials(LOCK.read_text(encoding="utf-8"), "0.1.0", licences)) is None
    assert validator.validate_str(json.dumps(small_bill())) is None
    assert validator.validate_str(json.dumps(small_bill() | {"components": [{"name": "no type"}]})) is not None


def test_the_bill_is_of_the_version_that_is_built_and_has_no_time() -> None:
    assert small_bill()["metadata"] == {
        "component": {
            "type": "application",
            "bom-ref": "syncd",
            "name": "syncd",
            "version": "1.2",
            "purl": "pkg:pypi/syncd@1.2",
        }
    }
    assert bill_of_materials(LINES, "1.2", LICENSED) == bill_of_materials(LINES, "1.2", LICENSED)


def test_the_bill_names_what_requires_what_its_licence_and_its_system() -> None:
    read = small_bill()
    assert {entry["ref"]: entry["dependsOn"] for entry in read["dependencies"]} == {
        "syncd": ["sqlite-utils==4.1", "tabulate==0.10"],
        "sqlite-utils==4.1": ["tabulate==0.10"],
        "tabulate==0.10": [],
    }
    conditional, always = read["components"]
    assert conditional["licenses"] == [{"license": {"id": "Apache-2.0", "acknowledgement": "declared"}}]
    assert always["licenses"] == [{"expression": "MIT OR BSD-3-Clause", "acknowledgement": "declared"}]
    assert conditional["properties"] == [{"name": "syncd:environment-marker", "value": "python_version >= '3.12'"}]
    assert "properties" not in always


def test_the_noted_licences_are_those_that_the_installed_packages_declare() -> None:
    """Where this fails: `make licences`."""
    noted = json.loads(LICENCES.read_text(encoding="utf-8"))
    of_names = {package.partition("==")[0]: entries for package, entries in noted.items()}
    assert of_names["alembic"] == [{"id": "MIT"}]
    assert of_names["cryptography"] == [{"expression": "Apache-2.0 OR BSD-3-Clause"}]
    for package, entries in noted.items():
        assert list(declared(*package.split("=="))) in ([], entries), package
    without = [pin for pin in pins(LOCK.read_text(encoding="utf-8")) if not pin.marker and str(pin) not in noted]
    assert len(without) < 20, "run `make licences`: the bill of materials lacks many licences"


def test_a_licence_stays_while_its_version_does() -> None:
    assert licences(LINES, LICENSED) == LICENSED
    assert licences(LINES.replace("==4.1", "==4.2"), LICENSED) == {"tabulate==0.10": LICENSED["tabulate==0.10"]}


@pytest.mark.parametrize("line", ["-e ../own", "name @ https://host/name.whl", "name>=1 \\", "    --hash=md5:aa"])
def test_a_line_of_a_lock_that_is_not_understood_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="no package, hash or `via`"):
        pins(f"{LINES}{line}\n")


# -- the audit


def test_an_audit_covers_every_package_of_every_lock() -> None:
    assert len(LOCKS) == 5
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


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("sleep 60", "it did not answer within 0.2 s"),
        ("echo '{}'", "pip-audit printed no answer"),
        ("echo '{}'; echo 'half of it failed' >&2", "half of it failed"),
        ("echo '[]'", "pip-audit printed no answer"),
        ("""echo '{"dependencies": [{"version": "1.0"}]}'""", "does not know 1 of 1"),
        (
            """echo '{"dependencies": [{"version": "1.0", "vulns": []}]}'""",
            "pip-audit answered in a form that is not known here (KeyError('name'))",
        ),
    ],
)
def test_an_audit_that_gets_no_answer_ends_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], script: str, reason: str
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(audit, "_DEADLINE", 0.2 if "sleep" in script else 60.0)
    monkeypatch.setattr(audit, "locked", lambda: ["a==1.0"])
    assert audit.main() == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Not audited: ")
    assert reason in line


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
