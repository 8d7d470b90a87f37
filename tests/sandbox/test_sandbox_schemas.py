"""The sandbox's rows for GitHub fit GitHub's published OpenAPI description.

The description is npm's @octokit/openapi, fetched once into .venv/.cache. No package here ships such schemas for Jira
and Sheets; there the tests rely on the client libraries to read the responses.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from waiting import HANG

from syncd.sandbox import DEMO_NOW, Sandbox

VERSION = "23.0.2"
CACHE = Path(__file__).parents[2] / ".venv" / ".cache"
Check = Callable[[Any, str], None]


@pytest.fixture(scope="session")
def check() -> Check:
    """`check(content, "issue")` fails with the first part of the content that the schema `issue` does not allow."""
    schemas = json.loads(_schemas().read_text(encoding="utf-8"))

    def run(content: Any, name: str) -> None:
        root = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        for error in Draft202012Validator(root).iter_errors(content):
            place = "/".join(map(str, error.absolute_path))
            pytest.fail(f"{name} at {place}: {error.message[:300]}")

    return run


def _schemas() -> Path:
    """A file with the schemas of the package's 13 MB, made JSON Schema and kept for the next run."""
    kept = CACHE / f"github-schemas-{VERSION}.json"
    if kept.exists():
        return kept
    npm = shutil.which("npm")
    if npm is None:
        if os.environ.get("CI") == "true":
            pytest.fail("npm is missing, and with it the check of GitHub's rows against its schemas")
        pytest.skip("npm is missing")
    CACHE.mkdir(parents=True, exist_ok=True)
    # Made in a folder of its own and moved at the end, since several test processes may do this at once.
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        command = [npm, "pack", "--silent", f"@octokit/openapi@{VERSION}"]
        subprocess.run(command, cwd=scratch, check=True, capture_output=True, timeout=HANG)
        (archive,) = Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as package:
            file = package.extractfile("package/generated/api.github.com.json")
            assert file is not None
            schemas = json.load(file)["components"]["schemas"]
        made = Path(scratch) / kept.name
        made.write_text(json.dumps(_as_json_schema(schemas)), encoding="utf-8")
        made.replace(kept)
    return kept


def _as_json_schema(node: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema, which has no `nullable` and lists null among the types instead."""
    if isinstance(node, list):
        return [_as_json_schema(part) for part in node]
    if not isinstance(node, dict):
        return node
    made = {key: _as_json_schema(value) for key, value in node.items() if key not in ("example", "examples")}
    if made.pop("nullable", None) is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made


@pytest.fixture(scope="module")
def get(shared_box: Sandbox) -> Callable[[str], Any]:
    secret = {"Authorization": f"Bearer {shared_box.credentials['github']}"}
    return lambda path: httpx.get(shared_box.github_url + path, headers=secret).raise_for_status().json()


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/repos/acme/web/pulls?state=all&per_page=100", "pull-request-simple"),
        ("/repos/acme/search/pulls?state=all&per_page=100", "pull-request-simple"),
        ("/repos/acme/web/issues?state=all&per_page=100&page=3", "issue"),
        ("/repos/acme/checkout/issues?state=all&per_page=100", "issue"),
        ("/repos/acme/checkout/releases", "release"),
        ("/orgs/acme/repos", "minimal-repository"),
    ],
)
def test_rows_of_lists_fit_their_schema(get: Callable[[str], Any], check: Check, path: str, schema: str) -> None:
    rows = get(path)
    assert rows
    for row in rows[::7] if len(rows) > 20 else rows:
        check(row, schema)


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/repos/acme/web", "full-repository"),
        ("/repos/acme/search/pulls/1", "pull-request"),
        ("/orgs/acme", "organization-full"),
        ("/rate_limit", "rate-limit-overview"),
        ("/user", "public-user"),
    ],
)
def test_single_objects_fit_their_schema(get: Callable[[str], Any], check: Check, path: str, schema: str) -> None:
    check(get(path), schema)


def test_rows_of_deliveries_fit_their_schema(box: Sandbox, check: Check) -> None:
    code, here = box.world.github, "/repos/acme/web"
    pull = code.add_pull("acme/web", committed=[DEMO_NOW, DEMO_NOW])
    code.merge_pull("acme/web", pull.number)
    deployment, run = code.deploy("acme/web"), code.add_run("acme/web")
    code.rerun("acme/web", run.id)
    for annotated in (True, False):
        code.tag("acme/web", f"v{annotated}", annotated=annotated)
    typed = code.add_issue("acme/web", type="Bug")
    secret = {"Authorization": f"Bearer {box.credentials['github']}"}

    def get(path: str) -> Any:
        return httpx.get(f"{box.github_url}{here}{path}", headers=secret).raise_for_status().json()

    check(get("/deployments")[0], "deployment")
    check(get(f"/deployments/{deployment.id}/statuses")[0], "deployment-status")
    runs = get("/actions/runs?created=>=2026-10-01T00:00:00Z")
    assert runs["total_count"] == len(runs["workflow_runs"]) == 1
    check(runs["workflow_runs"][0], "workflow-run")
    check(get(f"/actions/runs/{run.id}"), "workflow-run")
    refs = get("/git/matching-refs/tags")
    assert sorted(ref["object"]["type"] for ref in refs) == ["commit", "tag"]
    for ref in refs:
        check(ref, "git-ref")
        kind = ref["object"]["type"]
        check(get(f"/git/{kind}s/{ref['object']['sha']}"), {"tag": "git-tag", "commit": "git-commit"}[kind])
    rows = get("/pulls?state=closed&sort=created&direction=asc")
    first = next(row["merge_commit_sha"] for row in rows if row["merged_at"])
    comparison = get(f"/compare/{first}...{deployment.sha}")
    assert comparison["status"] == "ahead"
    check(comparison, "commit-comparison")
    for commit in get(f"/pulls/{pull.number}/commits"):
        check(commit, "commit")
    check(get(f"/issues/{typed.number}"), "issue")


def test_responses_to_writes_fit_their_schema(box: Sandbox, check: Check) -> None:
    secret = {"Authorization": f"Bearer {box.credentials['github']}"}
    here = f"/repos/acme/web/issues/{box.world.github.add_issue('acme/web', labels=['bug']).number}"
    with httpx.Client(base_url=box.github_url, headers=secret) as client:
        check(client.patch(here, json={"body": "New"}).json(), "issue")
        comment = client.post(f"{here}/comments", json={"body": "One"}).json()
        check(comment, "issue-comment")
        edited = client.patch(f"/repos/acme/web/issues/comments/{comment['id']}", json={"body": "Two"}).json()
        check(edited, "issue-comment")
        (listed,) = client.get(f"{here}/comments").json()
        check(listed, "issue-comment")
        for label in client.post(f"{here}/labels", json={"labels": ["okr"]}).json():
            check(label, "label")
        check(client.get(here).json(), "issue")
        check(client.patch(here, json={"title": ""}).json(), "validation-error")
        check(client.get(f"{here}/comments/7").json(), "basic-error")


def test_check_notices_a_missing_field(get: Callable[[str], Any], check: Check) -> None:
    row = get("/repos/acme/checkout/releases")[0]
    del row["tag_name"]
    with pytest.raises(pytest.fail.Exception, match="tag_name"):
        check(row, "release")
