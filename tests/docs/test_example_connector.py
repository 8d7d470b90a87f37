"""The connector of docs/add-a-connector.md, installed from the page as it stands and used against its service."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

PAGE = Path(__file__).parents[2] / "docs/add-a-connector.md"
TOKEN = "deploys-token-41c7"


def block(name: str) -> str:
    """The code block whose opening line ends with a name."""
    found = re.search(
        rf"^```\w+ {re.escape(name)}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert found, name
    return found[1]


def deploy(number: int, environment: str = "production", status: str = "succeeded") -> dict[str, object]:
    at = f"2026-11-{number:02}T10:00:00Z"
    finished = at if status == "succeeded" else None
    row = {"id": number, "number": number, "url": "https://x.example", "environment": environment, "status": status}
    return {**row, "created_at": at, "updated_at": at, "finished_at": finished}


class Service(BaseHTTPRequestHandler):
    """Two pages of deployments; the second is ill at first."""

    asked: list[str]
    ill = True

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        number = int(parse_qs(parts.query).get("page", ["1"])[0])
        self.asked.append(self.path)
        assert self.headers["Authorization"] == f"Bearer {TOKEN}"
        if number == 2 and type(self).ill:
            type(self).ill = False
            self.answer(503, {})
        elif number == 2:
            self.answer(200, {"deploys": [deploy(3), deploy(4, status="failed")], "next": None})
        else:
            self.answer(200, {"deploys": [deploy(1), deploy(2, "staging")], "next": 2})

    def answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Not to the tests' output."""


@pytest.fixture
def service() -> Iterator[str]:
    Service.asked, Service.ill = [], True
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.005,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_example_is_installed_and_counts(tmp_path: Path, service: str) -> None:
    package = tmp_path / "package"
    package.mkdir()
    for name in ("pyproject.toml", "acme_deploys.py"):
        (package / name).write_text(block(name), encoding="utf-8")
    for name in ("syncd.yaml", "okrs.yaml"):
        (tmp_path / name).write_text(block(f"deploys {name}"), encoding="utf-8")
    site = tmp_path / "site"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(site),
    ]
    subprocess.run([*pip, str(package)], check=True, timeout=120)

    def syncd(*arguments: str) -> str:
        variables = {
            "PYTHONPATH": os.pathsep.join([str(site), str(PAGE.parents[1])]),
            "DEPLOYS_URL": service,
            "DEPLOYS_TOKEN": TOKEN,
            "COLUMNS": "80",
        }
        done = subprocess.run(
            [sys.executable, "-m", "syncd", *arguments],
            cwd=tmp_path,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "deploys: deployments of Acme's deploy service" in syncd("connectors")
    syncd("sync")
    evidence = json.loads(syncd("explain", "deployments", "--json"))
    assert evidence["value"] == 2.0
    assert sorted(item["label"] for item in evidence["counted"]) == ["#1", "#3"]
    assert sorted(item["rule"] for item in evidence["left_out"]) == [
        "environment is staging, not as asked: environment is production",
        "failed",
    ]
    syncd("sync", "--reconcile")
    assert "updated_since=2026-11-04T09%3A58" in "".join(Service.asked)
    assert "reachable" in syncd("doctor")


def test_the_example_keeps_the_contract(tmp_path: Path, service: str) -> None:
    Service.ill = False
    for name in ("acme_deploys.py", "test_acme_deploys.py"):
        (tmp_path / name).write_text(block(name), encoding="utf-8")
    fixture = f'import pytest\n\n\n@pytest.fixture\ndef upstream():\n    return "{service}"\n'
    (tmp_path / "conftest.py").write_text(fixture, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(PAGE.parents[1])])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
