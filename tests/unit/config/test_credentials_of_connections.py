"""Which connections share a quota: those with one credential, as it is configured."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from syncd.config.connections import Connection, read_connections
from syncd.config.document import parse_document
from syncd.sdk import Context, RetryPolicy
from syncd.sdk.quota import Credential, Quota

FILE = """\
connections:
  first: {type: github, token: "${TOKEN}"}
  second: {type: github, token: "${SAME}"}
  third: {type: github, token: "${ANOTHER}"}
  elsewhere: {type: github, url: "https://github.acme.example/api/v3", token: "${TOKEN}"}
  app: {type: github, app_id: 7, installation_id: 8, private_key: one.pem}
  app-with-a-new-key: {type: github, app_id: 7, installation_id: 8, private_key: two.pem}
  other-installation: {type: github, app_id: 7, installation_id: 9, private_key: one.pem}
"""


class Noted:
    """Quotas that note whose they were asked for."""

    def __init__(self) -> None:
        self.credentials: list[Credential] = []

    def of(self, credential: Credential) -> Quota:
        self.credentials.append(credential)
        return Any  # type: ignore[return-value]


def test_connections_share_what_their_credential_may_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, token in (("TOKEN", "a-long-token"), ("SAME", "a-long-token"), ("ANOTHER", "another-token")):
        monkeypatch.setenv(name, token)
    monkeypatch.chdir(tmp_path)
    document = parse_document(FILE, "syncd.yaml")
    credentials: dict[str, Credential] = {}
    for connection in read_connections(document, document.data["connections"]):
        assert isinstance(connection, Connection)
        quotas = Noted()
        connection._resolved_for(Context(RetryPolicy(quotas=quotas), ZoneInfo("UTC")))
        (credentials[connection.name],) = quotas.credentials
    of = {name: list(credentials.values()).index(credential) for name, credential in credentials.items()}
    assert of["first"] == of["second"]
    assert of["app"] == of["app-with-a-new-key"]
    assert len(set(of.values())) == 5
