"""Logging in at a provider that others wrote: npm's oidc-provider."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from csv_project import CsvProject
from npm_package import NODE, npm_package
from test_door import door, model, project
from test_single_sign_on import begin

__all__ = ["model", "project"]
SCRIPT = Path(__file__).with_name("provider_of_npm.mjs")
SECRET = "a secret + of % the client"
CALLBACK = "http://localhost/login/callback"


@pytest.fixture
def issuer() -> Iterator[str]:
    folder = npm_package("oidc-provider", "9.13.3")
    command = [NODE, SCRIPT, folder, CALLBACK, SECRET]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def logged_in(address: str, person: str) -> str:
    """Where the provider sends a browser back to, after its own pages to log in and to consent."""
    with httpx.Client(trust_env=False) as browser:
        answer = browser.get(address)
        for _ in range(12):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if target.startswith(CALLBACK):
                    return target
                answer = browser.get(target)
                continue
            (action,) = re.findall(r'<form[^>]* action="([^"]+)"', answer.text)
            fields = dict(re.findall(r'name="(prompt)" value="([^"]+)"', answer.text))
            answer = browser.post(action, data={**fields, "login": person, "password": "any"})
    raise AssertionError(answer.text)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("person", "page"), [("ann@acme.example", 200), ("ben@acme.example", 200), ("eve@x.example", 403)]
)
def test_people_log_in_at_a_provider_that_others_wrote(
    project: CsvProject, monkeypatch: pytest.MonkeyPatch, issuer: str, person: str, page: int
) -> None:
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    keys = f'{{issuer: "{issuer}", client_id: syncd, client_secret: "${{OIDC_SECRET}}"}}'
    roles = "roles: {editor: ['group:okr'], operator: [ann@acme.example]}"
    client = door(project, f"{{address: http://localhost, login: {{oidc: {keys}}}, {roles}}}")
    answer = client.get(logged_in(begin(client), person))
    assert (answer.status_code, answer.headers["location"]) == (303, "/sources?period=2026-Q4")
    shown = client.get("/")
    assert shown.status_code == page
    assert person in shown.text
