"""What `make` installs is what the locks say, whatever is published after them.

An index on loopback serves a few tiny packages that this module makes. The Makefile's own recipes install from it, with
the pip that each Python brings. The gate tries the Python that it runs on; the nightly run tries every other one, too.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest
from waiting import HANG

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock", "requirements-bench.lock")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


# -- tiny packages and their index


def write_wheel(folder: str, name: str, version: str, requires: list[str], extras: list[str], module: str = "") -> str:
    """A wheel of one module; returns its file name. The tiny build backend has this function too."""
    file = f"{name}-{version}-py3-none-any.whl"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    metadata += [f"Provides-Extra: {extra}" for extra in extras]
    with zipfile.ZipFile(f"{folder}/{file}", "w") as archive:
        archive.writestr(f"{name}.py", module)
        archive.writestr(f"{name}-{version}.dist-info/METADATA", "\n".join(metadata) + "\n")
        archive.writestr(f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{name}-{version}.dist-info/RECORD", "")
    return file


BACKEND = f"""
import tomllib
import zipfile

{inspect.getsource(write_wheel)}

def build_wheel(folder, settings=None, metadata=None):
    with open("pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    return write_wheel(folder, project["name"], project["version"], project["dependencies"], [])

build_editable = build_wheel
"""


def pyproject(name: str, *requires: str) -> str:
    return f"""
[build-system]
requires = ["backend"]
build-backend = "backend"
[project]
name = "{name}"
version = "1.0"
dependencies = {list(requires)}
"""


def write_source(folder: Path, name: str) -> None:
    """A package that has no wheel, so pip builds it."""
    files = {"PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "pyproject.toml": pyproject(name)}
    with tarfile.open(folder / f"{name}-1.0.tar.gz", "w:gz") as archive:
        for file, text in files.items():
            member = tarfile.TarInfo(f"{name}-1.0/{file}")
            member.size = len(text.encode())
            archive.addfile(member, BytesIO(text.encode()))


class Index:
    """Packages in a folder each, whose listing is what pip reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def publish(self, name: str, version: str, *, requires: str = "", extra: str = "", module: str = "") -> None:
        lists = [[item] if item else [] for item in (requires, extra)]
        write_wheel(str(self.package(name)), name, version, *lists, module)

    def publish_source(self, name: str) -> None:
        write_source(self.package(name), name)

    def package(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def lock(self, *names: str) -> str:
        """What a lock says of these packages: the version that is published now, with its hash."""
        lines = []
        for name in names:
            (file,) = (self.folder / name).iterdir()
            version = re.split("[-.]tar|-py3", file.name.removeprefix(f"{name}-"))[0]
            lines.append(f"{name}=={version} --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n")
        return "".join(lines)


class Quiet(SimpleHTTPRequestHandler):
    """The folder's files and listings, without a line for each request."""

    def log_message(self, *_: object) -> None:
        """Not to the tests' output."""


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """What is published when the project is locked. `tool` asks for an extra of `colors`, as pytest-cov of coverage."""
    index = Index(tmp_path / "index")
    index.folder.mkdir()
    index.publish("backend", "1.0", module=BACKEND)
    index.publish("colors", "1.0", extra="toml")
    index.publish("tool", "1.0", requires="colors[toml]>=1.0")
    index.publish_source("source")
    return index


@pytest.fixture
def address(index: Index) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(index.folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.005,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    """A project with the files that the Makefile installs from."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(pyproject("project", "tool"), encoding="utf-8")
    packages = (("colors", "tool"), ("backend",), ("backend", "colors", "source", "tool"), ("colors", "tool"))
    for lock, names in zip(LOCKS, packages, strict=True):
        (folder / lock).write_text(index.lock(*names), encoding="utf-8")
    return folder


# -- the recipes


def make(project: Path, address: str, python: str, *targets: str) -> subprocess.CompletedProcess[str]:
    """The Makefile's recipes in a project, with nothing to install from but the index."""
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(project),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": address,
        "PIP_CACHE_DIR": str(project / "cache"),
    }
    command = ["make", "--makefile", str(ROOT / "Makefile"), f"PYTHON={python}", *targets]
    return subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True, timeout=HANG)


def installed(environment: Path) -> set[str]:
    """What an environment holds, as NAME-VERSION; pip and setuptools may come with Python."""
    packages = {path.name.removesuffix(".dist-info") for path in environment.glob("lib/*/site-packages/*.dist-info")}
    return {package for package in packages if not package.startswith(("pip-", "setuptools-"))}


def python_of(version: str) -> str | None:
    """A Python of this version that can make an environment, if there is one."""
    candidates = [sys.executable if version == RUNNING else "", shutil.which(f"python{version}") or ""]
    candidates += sorted(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))
    for candidate in filter(None, candidates):
        check = f"import ensurepip, sys; sys.exit(sys.version_info[:2] != ({version.replace('.', ', ')}))"
        if subprocess.run([candidate, "-c", check], capture_output=True, timeout=HANG).returncode == 0:
            return candidate
    return None


VERSIONS = [
    pytest.param(version, marks=() if version == RUNNING else pytest.mark.nightly)
    for version in sorted({"3.11", "3.12", "3.13", RUNNING})
]


@pytest.mark.nightly
@pytest.mark.parametrize("version", VERSIONS)
def test_a_later_publication_changes_no_environment(version: str, index: Index, address: str, project: Path) -> None:
    python = python_of(version)
    if python is None:
        pytest.skip(f"there is no Python {version} with ensurepip")
    index.publish("colors", "1.1", extra="toml")
    index.publish("backend", "2.0", module="raise ImportError('published after the lock was made')")
    done = make(project, address, python, ".venv/.installed-dev")
    assert done.returncode == 0, done.stdout + done.stderr
    assert installed(project / ".venv") == {"backend-1.0", "colors-1.0", "project-1.0", "source-1.0", "tool-1.0"}


@pytest.mark.nightly
def test_a_later_publication_changes_no_benchmark(index: Index, address: str, project: Path) -> None:
    index.publish("colors", "1.1", extra="toml")
    done = make(project, address, sys.executable, ".venv-bench/.installed")
    assert done.returncode == 0, done.stdout + done.stderr
    assert installed(project / ".venv-bench") == {"colors-1.0", "tool-1.0"}


@pytest.mark.nightly
def test_a_lock_that_lacks_a_package_is_refused(index: Index, address: str, project: Path) -> None:
    (project / "requirements.lock").write_text(index.lock("tool"), encoding="utf-8")
    done = make(project, address, sys.executable, ".venv/.installed")
    assert done.returncode != 0
    assert "tool 1.0 requires colors, which is not installed." in done.stdout


@pytest.mark.nightly
def test_a_new_lock_leaves_nothing_of_the_old(index: Index, address: str, project: Path) -> None:
    assert make(project, address, sys.executable, ".venv/.installed").returncode == 0
    (project / "pyproject.toml").write_text(pyproject("project", "colors"), encoding="utf-8")
    (project / "requirements.lock").write_text(index.lock("colors"), encoding="utf-8")
    assert make(project, address, sys.executable, ".venv/.installed").returncode == 0
    assert installed(project / ".venv") == {"backend-1.0", "colors-1.0", "project-1.0"}


# -- the locks themselves


def pins(lock: str) -> set[str]:
    return set(re.findall(r"^[^\s#]+==\S+(?: ; [^\\\n]+)?", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock"])
def test_the_dev_lock_holds_every_version_that_it_is_installed_over(lock: str) -> None:
    assert len(pins(lock)) > 4
    assert pins(lock) - pins("requirements-dev.lock") == set()


def test_every_locked_package_has_a_hash_and_no_lock_names_an_index() -> None:
    for lock in (*LOCKS, "requirements-uv.lock"):
        text = (ROOT / lock).read_text(encoding="utf-8")
        assert len(re.findall(r"^\S+==.*\\\n    --hash=sha256:", text, re.MULTILINE)) == len(pins(lock)), lock
        assert not re.search(r"^--|://", text, re.MULTILINE), lock


def test_the_makefile_installs_nothing_without_a_hash() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    installs = [line for line in lines if re.search(r"^[^#]*(call install,|pip install)", line)]
    (_, pip), (own,) = ([line for line in installs if text in line] for text in ("$(2)", ".venv-lock/bin/pip"))
    assert pip.startswith("\t|| "), "uv and pip get the same arguments"
    assert own.endswith("--require-hashes -r requirements-uv.lock")
    called = [line.partition("$(call install,")[2] for line in installs if "$(call install," in line]
    assert len(installs) == len(called) + 3
    assert [line for line in called if "--require-hashes" not in line] == [".venv,--editable .)"]
