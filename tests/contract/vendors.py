"""Each vendor through its real client library, for tests of what all of them have in common."""

from __future__ import annotations

from contextlib import closing
from typing import Any, Literal

from connectors.github import GitHub
from connectors.gitlab import GitLab
from connectors.http import Http
from connectors.jira import Jira
from connectors.quantive import Quantive
from connectors.sheets import Sheets
from connectors.tability import Tability
from syncd.sdk import Connector, Context, SourceError, Stream
from syncd.sdk.testing import statement

Vendor = Literal["github", "gitlab", "jira", "jira-dc", "sheets", "metrics", "tability", "quantive", "http-publisher"]
READERS: tuple[Vendor, ...] = ("github", "gitlab", "jira", "jira-dc", "sheets", "metrics")
WRITERS: tuple[Vendor, ...] = ("tability", "quantive", "http-publisher")
EVERY = READERS + WRITERS
SECRET = "hunter2-secret-of-forty-characters-or-so"


def ask(vendor: Vendor, url: str, context: Context, **more: Any) -> SourceError | None:
    """The error that the first request of a pull, or the sending of a check-in, ends in."""
    if vendor in WRITERS:
        return _write(vendor, url, context, **more)
    connector: Any
    if vendor == "github":
        connector, keys, stream = GitHub, {"token": SECRET}, Stream("releases of acme/web", "records")
    elif vendor == "gitlab":
        connector, keys, stream = GitLab, {"token": SECRET}, Stream("releases of acme/web", "records")
    elif vendor == "jira":
        connector, keys, stream = (
            Jira,
            {"email": "bot@acme.example", "token": SECRET},
            Stream("project = KB", "records"),
        )
    elif vendor == "jira-dc":
        connector, keys, stream = Jira, {"token": SECRET}, Stream("project = KB", "records")
    elif vendor == "sheets":
        part = Sheets.Measure.model_validate({"spreadsheet": "book", "cell": "A1"}).part()
        connector, keys, stream = Sheets, {"token": SECRET}, Stream("book", "readings", frozenset({part}))
    else:
        measure = Http.Measure.model_validate({"path": "/x", "json": "v"})
        connector, keys = Http, {"headers": {"Authorization": f"Bearer {SECRET}"}}
        stream = Stream(measure.streams()[0], "readings", frozenset({measure.part()}))
    settings = _settings(connector, url, {**keys, **more})
    with closing(connector.open(settings, context)) as source:
        try:
            list(source.pull(stream, None))
        except SourceError as error:
            return error
    return None


def _write(vendor: Vendor, url: str, context: Context, **more: Any) -> SourceError | None:
    connector: Any
    if vendor == "tability":
        connector, keys, publish = Tability, {"personal_api_token": SECRET, "outcomes": {"calls": "outcome-93ab"}}, {}
    elif vendor == "quantive":
        connector, keys, publish = Quantive, {"account": "5be2", "token": SECRET}, {"metrics": {"calls": "5e8c"}}
    else:
        connector, keys = Http, {"headers": {"Authorization": f"Bearer {SECRET}"}}
        publish = {"path": "/in", "body": {"value": "{{ value }}"}}
    publisher = connector.publisher(
        _settings(connector, url, {**keys, **more}), context, connector.Publish.model_validate(publish)
    )
    with closing(publisher):
        try:
            publisher.write({"calls": publisher.content(statement("calls"))})
        except SourceError as error:
            return error
    return None


def _settings(connector: type[Connector], url: str, keys: dict[str, Any]) -> Any:
    return connector.Settings.model_validate({"type": "tested", "url": url, **keys}, context={"resolved": True})
