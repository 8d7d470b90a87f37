"""The sandbox's GitLab: pages, redirects, refusals, limits; and its rows against schemas that others published.

The schemas are those of Airbyte's source for GitLab (PyPI: airbyte-source-gitlab, MIT), fetched once into .venv/.cache
by its digest. They say which keys a row may have and of which types they are, and require none: which keys must be
there is said by the connector's tests.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from jsonschema import Draft7Validator
from waiting import HANG

from syncd.sandbox import Fault, Sandbox

PACKAGE, VERSION = "airbyte-source-gitlab", "4.3.7"
DIGEST = "62480da34965a8aced27e69ee06692adca5e5bb528bcaad069733b182335b354"
CACHE = Path(__file__).parents[2] / ".venv" / ".cache"
APP = "/api/v4/projects/acme%2Fapps%2Fmobile"


@pytest.fixture
def client(box: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=box.gitlab_url, headers={"PRIVATE-TOKEN": box.credentials["gitlab"]}, timeout=HANG
    ) as opened:
        yield opened


@pytest.fixture(scope="session")
def schemas() -> Callable[[str], Any]:
    """The published schema of a list's rows."""
    kept = CACHE / f"{PACKAGE}-{VERSION}.whl"
    if not kept.exists():
        problem = _download(kept)
        if problem is not None:
            message = f"{PACKAGE} cannot be had here: {problem}"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == DIGEST
    return lambda name: json.loads(ZipFile(kept).read(f"source_gitlab/schemas/{name}.json"))


def _download(kept: Path) -> str | None:
    """Why the wheel could not be downloaded; None if it was. Nothing of it is installed or run."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", f"{PACKAGE}=={VERSION}"]
        try:
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=HANG)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode != 0:
            return done.stderr.strip().splitlines()[-1]
        (wheel,) = Path(scratch).glob("*.whl")
        wheel.replace(kept)
    return None


@pytest.mark.parametrize("kind", ["merge_requests", "issues", "releases", "deployments", "projects"])
def test_rows_fit_the_published_schemas(client: httpx.Client, schemas: Callable[[str], Any], kind: str) -> None:
    listed = "/api/v4/groups/acme%2Fapps/projects?include_subgroups=true" if kind == "projects" else f"{APP}/{kind}"
    rows = client.get(listed).json()
    schema = schemas(kind)
    assert len(rows) >= 2
    for row in rows:
        assert row.keys() <= schema["properties"].keys()
        # Airbyte keeps the ids of milestones where GitLab sends objects.
        flat = row | ({"milestones": [one["id"] for one in row["milestones"]]} if "milestones" in row else {})
        problems = [
            f"{list(error.absolute_path)}: {error.message}" for error in Draft7Validator(schema).iter_errors(flat)
        ]
        assert problems == []


def test_check_notices_a_wrong_type(schemas: Callable[[str], Any]) -> None:
    assert not Draft7Validator(schemas("issues")).is_valid({"iid": "7"})


def test_lists_have_pages_by_number_and_issues_by_keyset(box: Sandbox, client: httpx.Client) -> None:
    numbered = client.get(f"{APP}/issues", params={"per_page": 2, "order_by": "created_at", "sort": "asc"})
    assert numbered.headers["X-Total"] == "4"
    assert httpx.URL(numbered.links["next"]["url"]).params["page"] == "2"
    seen: list[int] = []
    address: str | None = f"{APP}/issues?pagination=keyset&per_page=2&order_by=updated_at&sort=desc"
    while address is not None:
        page = client.get(address)
        seen += [row["iid"] for row in page.json()]
        if len(seen) == 2:
            box.world.gitlab.edit("acme/apps/mobile", seen[-1], title="Edited")  # moves to the head, and no other row
        address = page.links.get("next", {}).get("url")
    assert len(seen) == len(set(seen)) == 4
    assert "X-Total" not in page.headers


def test_former_path_redirects_to_the_id(box: Sandbox, client: httpx.Client) -> None:
    box.world.gitlab.move_project("acme/apps/mobile", "acme/apps/app")
    project = box.world.gitlab.project("acme/apps/app")
    answer = client.get(f"{APP}/issues?state=all")
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"{box.gitlab_url}/api/v4/projects/{project.id}/issues?state=all"
    assert client.get("/api/v4/projects/acme%2Fapps%2Fapp").json()["id"] == project.id


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/api/v4/projects/acme%2Fnone", 404, "404 Project Not Found"),
        ("/api/v4/groups/none/projects", 404, "404 Group Not Found"),
        ("/api/v4/projects/acme%2Fapps%2Ftools%2Fui-kit/issues", 403, "403 Forbidden"),
    ],
)
def test_refusals(box: Sandbox, client: httpx.Client, path: str, status: int, message: str) -> None:
    box.world.gitlab.set_project("acme/apps/tools/ui-kit", off=["issues"])
    answer = client.get(path)
    assert (answer.status_code, answer.json()["message"]) == (status, message)


def test_tokens_have_scopes_and_a_quota(box: Sandbox, client: httpx.Client) -> None:
    token = client.get("/api/v4/personal_access_tokens/self")
    assert token.json()["scopes"] == ["read_api"]
    assert int(token.headers["RateLimit-Remaining"]) == int(token.headers["RateLimit-Limit"]) - 1
    narrow = {"PRIVATE-TOKEN": "", "Authorization": f"Bearer {box.credentials['gitlab_narrow']}"}
    assert client.get(APP, headers=narrow).json()["error"] == "insufficient_scope"
    box.fault(Fault("gitlab", "too_many", seconds=9))
    limited = client.get(APP)
    assert (limited.status_code, limited.text.strip(), limited.headers["Retry-After"]) == (429, "Retry later", "9")


def test_changes_by_http(box: Sandbox, client: httpx.Client) -> None:
    change = {"do": "add_release", "path": "acme/apps/mobile", "tag": "v0.10", "at": "2026-11-20T10:00:00+01:00"}
    assert httpx.post(f"{box.url}/control/change", json=change).status_code == 200
    assert [row["tag_name"] for row in client.get(f"{APP}/releases").json()] == ["v1.0", "v0.10", "v0.9"]
    assert httpx.get(f"{box.url}/truth").json()["key_results"]["mobile-releases"]["value"] == 1
    assert httpx.post(f"{box.url}/control/change", json={"do": "move_project", "repo": "acme/web"}).status_code == 400
