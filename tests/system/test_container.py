"""The container without Docker: its build steps run here, and what they make runs as the container would.

What only Docker can show is listed in docs/untested.md.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from waiting import HANG

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
USER = "10001"


# -- what the files say


def instructions(stage: int) -> Iterator[tuple[str, str]]:
    """Each instruction of a stage of the Dockerfile: its word and the rest, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    current = -1
    for word, _, rest in (line.partition(" ") for line in lines if line.strip()):
        current += word == "FROM"
        if current == stage:
            yield word, rest


def of_image(word: str) -> list[str]:
    return [rest for name, rest in instructions(1) if name == word]


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([BIN / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, timeout=HANG)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_as_a_fixed_user_with_the_documented_command() -> None:
    assert of_image("USER") == [f"{USER}:{USER}"]
    assert json.loads(of_image("ENTRYPOINT")[0]) == ["syncd"]
    assert json.loads(of_image("CMD")[0]) == ["run", "--config", "/etc/syncd/syncd.yaml", "--listen", "0.0.0.0:8321"]
    assert of_image("FROM") == ["${PYTHON_IMAGE}"]
    assert not any(word in rest for rest in of_image("RUN") for word in ("pip ", "apt", "gcc"))


def test_only_what_the_image_is_built_from_is_sent_to_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line[1:].rstrip("/") for line in lines if line.startswith("!")}
    copied = {name.rstrip("/") for word, rest in instructions(0) if word == "COPY" for name in rest.split()[:-1]}
    assert "*" in lines
    assert sent == copied


def test_base_images_are_arguments_so_that_a_digest_can_be_given() -> None:
    assert [rest for word, rest in instructions(-1) if word == "ARG"] == ["PYTHON_IMAGE=python:3.12-slim-bookworm"]
    assert [rest for word, rest in instructions(0) if word == "FROM"] == ["${PYTHON_IMAGE} AS build"]
    services = compose()["services"]
    given = {"PYTHON_IMAGE": "${PYTHON_IMAGE:-python:3.12-slim-bookworm}"}
    assert services["syncd"]["build"] == {"context": ".", "args": given}
    assert services["db"]["image"] == "${POSTGRES_IMAGE:-postgres:18-bookworm}"


def test_compose_confines_every_service() -> None:
    for name, service in compose()["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "/tmp" in service["tmpfs"], name
        assert (service["mem_limit"], service["pids_limit"]) == ("1g", 256), name
        assert not any("token" in value.lower() for key, value in environment(service) if not key.endswith("_FILE"))


def test_compose_serves_on_loopback_alone_and_mounts_the_configuration_read_only() -> None:
    service = compose()["services"]["syncd"]
    assert service["ports"] == ["127.0.0.1:8321:8321"]
    (mount,) = service["volumes"]
    assert (mount["target"], mount["read_only"]) == ("/etc/syncd", True)
    assert ["syncd", *service["command"]][:6] == ["syncd", *json.loads(of_image("CMD")[0])]
    assert service["depends_on"]["db"]["condition"] == "service_healthy"


def test_compose_makes_a_role_for_the_ledger_and_keeps_the_administrators_password_from_syncd() -> None:
    services = compose()["services"]
    mounts = {volume["target"]: volume["source"] for volume in services["db"]["volumes"]}
    file = mounts["/docker-entrypoint-initdb.d/ledger.sql"]
    assert (ROOT / file).is_file()
    assert not {"POSTGRES_USER", "POSTGRES_DB"} & services["db"]["environment"].keys()
    assert services["db"]["environment"]["LEDGER_PASSWORD_FILE"] == "/run/secrets/ledger_password"
    assert "postgres_password" not in services["syncd"]["secrets"]


def test_compose_hands_every_secret_over_as_a_file_that_it_has() -> None:
    document = compose()
    for service in document["services"].values():
        for key, value in environment(service):
            if key.endswith("_FILE"):
                secret = value.removeprefix("/run/secrets/")
                assert secret in service["secrets"]
                assert secret in document["secrets"]


def compose() -> dict[str, Any]:
    document = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def environment(service: Mapping[str, Any]) -> list[tuple[str, str]]:
    return list(service.get("environment", {}).items())


# -- what the build makes


@dataclass(frozen=True)
class Built:
    """An environment in which syncd is installed from its wheel."""

    environment: Path

    def run(self, home: Path, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """A command in an empty folder, with nothing of ours in its environment."""
        variables = self.variables(home)
        return subprocess.run(
            command, cwd=cwd or home, env=variables, capture_output=True, text=True, encoding="utf-8", timeout=HANG
        )

    def variables(self, home: Path) -> dict[str, str]:
        return {"PATH": f"{self.environment}/bin:/usr/bin:/bin", "HOME": str(home), "COLUMNS": "80", "LANG": "C.UTF-8"}


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The environment that the build stage makes: all that the lock names, which takes its time."""
    with once(tmp_path_factory, "image") as folder:
        if not folder.exists():
            build(folder)
    return Built(folder / "opt/syncd")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The wheel in an environment of its own, which finds the libraries in that of the tests."""
    with once(tmp_path_factory, "wheel") as folder:
        environment = folder / "environment"
        if not folder.exists():
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
            wheels = ["--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT]
            subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", *wheels], check=True)
            pip = [sys.executable, "-m", "pip", "--python", environment / "bin/python"]
            subprocess.run([*pip, "install", "--quiet", "--no-deps", *folder.glob("*.whl")], check=True)
            (packages,) = environment.glob("lib/python3*/site-packages")
            libraries = [path for path in sys.path if path.endswith("site-packages")]
            (packages / "libraries.pth").write_text("\n".join(libraries), encoding="utf-8")
    return Built(environment)


@contextmanager
def once(factory: pytest.TempPathFactory, name: str) -> Iterator[Path]:
    """A folder that all workers share; who comes first fills it, and the others wait."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield shared / name


@pytest.fixture(params=["wheel", pytest.param("image", marks=pytest.mark.nightly)])
def built(request: pytest.FixtureRequest) -> Built:
    """The wheel in every run; the whole build stage, too, in the nightly one."""
    made: Built = request.getfixturevalue(request.param)
    return made


def build(folder: Path) -> None:
    """Every COPY and RUN of the build stage, its paths moved below a folder."""
    cwd = folder
    for word, rest in instructions(0):
        moved = re.sub(r"(?<![\w.])/(?=(?:opt|src|wheels)\b)", f"{folder}/", rest)
        if word == "WORKDIR":
            cwd = Path(moved)
        elif word == "COPY":
            *names, target = moved.split()
            for name in names:
                copy(ROOT / name, cwd / target)
        elif word == "RUN":
            variables = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
            variables.pop("PYTHONPATH", None)
            done = subprocess.run(
                ["sh", "-euc", moved], cwd=cwd, env=variables, capture_output=True, text=True, timeout=HANG
            )
            assert done.returncode == 0, done.stderr


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def test_the_demo_runs_from_an_empty_folder(built: Built, tmp_path: Path) -> None:
    done = built.run(tmp_path, "syncd", "demo")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2026-Q4   day 52 of 92" in done.stdout
    assert re.search(r"✗ calls +1,092  1,200 → 600 calls/week +18 %", done.stdout)


@pytest.mark.nightly
def test_first_files_are_written_checked_synced_and_shown(built: Built, tmp_path: Path) -> None:
    done = built.run(tmp_path, "sh", "-euc", "syncd init && syncd validate && syncd sync && syncd status")
    assert done.returncode == 0, done.stderr
    assert "valid: 1 connection, 1 objective, 3 key results, 0 warnings" in done.stdout
    assert "Customers find answers without calling us" in done.stdout
    assert built.run(tmp_path, "syncd", "explain", "calls").returncode == 0


def test_migrations_templates_and_mappings_travel_in_the_wheel(built: Built) -> None:
    (package,) = built.environment.glob("lib/python3*/site-packages/syncd")
    for inside in ("ledger/migrations/env.py", "web/templates", "review/templates", "mappings"):
        wanted = ROOT / (inside if inside == "mappings" else f"syncd/{inside}")
        files = (
            [wanted] if wanted.is_file() else [file for file in wanted.rglob("*") if file.suffix in (".html", ".yaml")]
        )
        assert files
        for file in files:
            there = package / inside / (file.relative_to(wanted) if wanted.is_dir() else "")
            assert there.read_bytes() == file.read_bytes()
    assert sorted(path.name for path in (package / "ledger/migrations/versions").glob("*.py")) == sorted(
        path.name for path in (ROOT / "syncd/ledger/migrations/versions").glob("*.py")
    )


def test_the_bill_of_materials_travels_in_the_wheel(built: Built) -> None:
    (carried,) = built.environment.glob("lib/python3*/site-packages/syncd-*.dist-info/sboms/*")
    assert carried.name == "syncd.cdx.json"
    bill = json.loads(carried.read_text(encoding="utf-8"))
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.findall(r"^(\S+)==(\S+)(?: ; .*)? \\\n((?:    --hash=.*\n)+)", lock, re.MULTILINE)
    assert {
        (component["name"], component["version"]): {file["content"] for file in component["hashes"]}
        for component in bill["components"]
    } == {(name, version): set(re.findall("sha256:([0-9a-f]{64})", hashes)) for name, version, hashes in blocks}
    assert len(bill["components"]) == len(blocks) > 50
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    assert bill["metadata"]["component"]["version"] == carried.parts[-3].removeprefix("syncd-").partition(".dist")[0]


def test_the_server_for_assistants_is_an_extra_of_the_wheel(built: Built) -> None:
    (metadata,) = built.environment.glob("lib/python3*/site-packages/syncd-*.dist-info/METADATA")
    text = metadata.read_text(encoding="utf-8")
    assert "Provides-Extra: mcp\n" in text
    assert re.search(r"^Requires-Dist: mcp.*; extra == 'mcp'$", text, re.MULTILINE)


@pytest.mark.nightly
def test_the_environment_holds_no_pip_and_is_compiled(image: Built) -> None:
    assert not (image.environment / "bin/pip").exists()
    (package,) = image.environment.glob("lib/python3*/site-packages/syncd")
    assert list((package / "cli/__pycache__").glob("app.*.pyc"))


def test_the_service_runs_on_a_read_only_root_and_stops_cleanly(built: Built, tmp_path: Path) -> None:
    """Only the ledger's folder can be written to, where the kernel lets us arrange it; nothing else is, anywhere."""
    etc, ledger = tmp_path / "etc", tmp_path / "ledger"
    ledger.mkdir()
    assert built.run(tmp_path, "syncd", "init", str(etc)).returncode == 0
    project = etc / "syncd.yaml"
    project.write_text(
        project.read_text(encoding="utf-8").replace("sqlite:///syncd.db", f"sqlite:///{ledger}/syncd.db"),
        encoding="utf-8",
    )
    before = sorted(path for path in tmp_path.rglob("*") if ledger not in path.parents)
    command = ["syncd", "run", "--config", str(project), "--listen", "127.0.0.1:0", "--log-format", "json"]
    service = subprocess.Popen(
        confined(ledger, tmp_path, command),
        cwd=etc,
        env={**built.variables(etc), "PYTHONDONTWRITEBYTECODE": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert service.stderr is not None
        port = port_of(service.stderr)
        probe = health_probe(built, port)
        assert built.run(tmp_path, *probe).returncode == 0
        for line in service.stderr:
            if json.loads(line)["event"] == "cycle ended":
                break
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=HANG) == 0
        assert built.run(tmp_path, *probe).returncode != 0
    finally:
        service.kill()
        service.wait()
    assert (ledger / "syncd.db").exists()
    assert sorted(path for path in tmp_path.rglob("*") if ledger not in path.parents) == before


def confined(writable: Path, around: Path, command: Sequence[str]) -> list[str]:
    """The command under a read-only root without any capability, as compose.yaml has it; as it is where we may not."""
    script = (
        'mount --make-rprivate / && mount --bind "$1" "$1" && mount --bind "$0" "$0" '
        '&& mount -o remount,bind,ro "$1" && mount -o remount,bind,ro / && shift && '
        'exec setpriv --bounding-set -all --inh-caps -all --no-new-privs -- "$@"'
    )
    own = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    prefix = ["unshare", "--mount", *own, "sh", "-c", script, str(writable), str(around)]
    try:
        probe = ["sh", "-c", f'test ! -w "{around}" && test -w "{writable}"']
        possible = subprocess.run([*prefix, *probe], capture_output=True, timeout=HANG).returncode == 0
    except OSError:
        possible = False
    return [*prefix, *command] if possible else list(command)


def port_of(lines: Iterator[str]) -> int:
    for line in lines:
        entry = json.loads(line)
        if entry["event"] == "listening":
            return int(entry["at"].rstrip("/").rpartition(":")[2])
    raise AssertionError("the service ended before it listened")


def health_probe(built: Built, port: int) -> list[str]:
    """The image's own HEALTHCHECK, at our port."""
    (rest,) = of_image("HEALTHCHECK")
    command: list[str] = json.loads(rest.partition("CMD ")[2])
    assert ":8321/healthz" in command[-1]
    return [part.replace(":8321/", f":{port}/") for part in command]
