"""Makes Jira's JSON for issues, fields, projects, the account and the server."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from syncd.sandbox.http import compact_json
from syncd.sandbox.jira.ticket import CATEGORIES, STATUSES, Account, Comment, CustomField, Project, Ticket, Value
from syncd.sandbox.jira.tickets import Tickets

_FIELDS = {
    "summary": ("Summary", "string"), "issuetype": ("Issue Type", "issuetype"), "project": ("Project", "project"),
    "status": ("Status", "status"), "resolution": ("Resolution", "resolution"),
    "resolutiondate": ("Resolved", "datetime"), "created": ("Created", "datetime"), "updated": ("Updated", "datetime"),
    "labels": ("Labels", "array"), "components": ("Components", "array"), "fixVersions": ("Fix versions", "array"),
    "priority": ("Priority", "priority"), "assignee": ("Assignee", "user"), "reporter": ("Reporter", "user"),
    "description": ("Description", "string"), "comment": ("Comment", "comments-page"),
    "statuscategorychangedate": ("Status Category Changed", "datetime"),
}  # fmt: skip
_NOT_NAVIGABLE = ("description", "comment")


def time_text(site: Tickets, moment: datetime | None) -> str | None:
    """A time in Jira's format, in the account's time zone, without a colon in the offset:
    `2026-11-03T14:31:18.495+0100`.
    """
    if moment is None:
        return None
    local = moment.astimezone(site.zone)
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"


def wanted_fields(site: Tickets, text: str) -> list[str]:
    """The ids that the parameter `fields` selects: `*all`, `*navigable`, names, and `-name` to leave a field out.

    If every name has a `-`, all other fields are selected.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or all(name.startswith("-") for name in names):
        names.append("*all")
    wanted: list[str] = []
    for name in names:
        if name == "*all":
            wanted += [*_FIELDS, *site.fields]
        elif name == "*navigable":
            wanted += [field for field in (*_FIELDS, *site.fields) if field not in _NOT_NAVIGABLE]
        elif not name.startswith("-"):
            wanted.append(name)
    left_out = {name[1:] for name in names if name.startswith("-")} | site.left_out
    return [name for name in dict.fromkeys(wanted) if name not in left_out]


def issue(site: Tickets, ticket: Ticket, base: str, wanted: list[str], version: int) -> dict[str, Any]:
    """An issue with the wanted fields. Like Jira, it omits unknown fields without an error."""
    fields = _fields_of(site, ticket, base, version)
    return {
        "expand": "operations,changelog,renderedFields",
        "id": str(ticket.id),
        "self": f"{base}/rest/api/{version}/issue/{ticket.id}",
        "key": ticket.key,
        "fields": {name: fields[name] for name in wanted if name in fields},
    }


def issue_bytes(site: Tickets, ticket: Ticket, base: str, wanted: list[str], version: int) -> bytes:
    """`issue` as JSON, cached until the issue changes. If only the id is wanted, the JSON has only the id."""
    key = (base, *wanted, version)
    row = ticket.rows.get(key)
    if row is None:
        made = issue(site, ticket, base, wanted, version) if wanted != ["id"] else {"id": str(ticket.id)}
        row = ticket.rows[key] = compact_json(made)
    return row


def _fields_of(site: Tickets, ticket: Ticket, base: str, version: int) -> dict[str, Any]:
    api = f"{base}/rest/api/{version}"
    comments = [comment(site, ticket, written, base, version) for written in ticket.comments]
    fields: dict[str, Any] = {
        "summary": ticket.summary,
        "issuetype": {"id": id_of(site.TYPES, ticket.type), "name": ticket.type, "subtask": False},
        "project": project(site.projects[ticket.project], base),
        "status": status(ticket.status, api),
        "resolution": ticket.resolution
        and {"id": id_of(site.RESOLUTIONS, ticket.resolution), "name": ticket.resolution},
        "resolutiondate": time_text(site, ticket.resolved),
        "created": time_text(site, ticket.created),
        "updated": time_text(site, ticket.updated),
        "labels": ticket.labels,
        "components": [{"id": str(10_400 + number), "name": name} for number, name in enumerate(ticket.components)],
        "fixVersions": [{"id": str(10_500 + number), "name": name} for number, name in enumerate(ticket.fix_versions)],
        "priority": {"id": id_of(site.PRIORITIES, ticket.priority), "name": ticket.priority},
        "assignee": ticket.assignee and user(site, ticket.assignee, base),
        "reporter": user(site, ticket.reporter, base),
        "description": rich(ticket.description, version),
        "comment": {"comments": comments, "maxResults": len(comments), "total": len(comments), "startAt": 0},
    }
    if site.cloud:
        fields["statuscategorychangedate"] = time_text(site, ticket.category_changed_at)
    return fields | {own.id: _custom(site, own, ticket.custom.get(own.id), api) for own in site.fields.values()}


def _custom(site: Tickets, own: CustomField, value: Value, api: str) -> Any:
    match own.kind, value:
        case _, None:
            return None
        case "option", str():
            return option(own, value, api)
        case "string", str():
            return rich(value, 3 if api.endswith("/3") else 2)
        case "array", text if site.cloud:
            return [{"id": 1, "name": text, "state": "active", "boardId": 1}]
        case "array", text:  # Data Center shows a sprint as the text of a Java object
            sprint = (
                f"id=1,rapidViewId=1,state=ACTIVE,name={text},startDate=2026-10-01T00:00:00.000Z,sequence=1,goal=A, b"
            )
            return [f"com.atlassian.greenhopper.service.sprint.Sprint@1f[{sprint}]"]
        case _, number:
            return number


def option(own: CustomField, value: str, api: str) -> dict[str, Any]:
    """An option of a select field."""
    number = own.option_id(value)
    return {"self": f"{api}/customFieldOption/{number}", "value": value, "id": number}


def rich(text: str, version: int) -> Any:
    """A text in the form of an API version: plain text in version 2; in version 3, an Atlassian document with a
    paragraph for each line.
    """
    if version != 3:
        return text
    lines = [[{"type": "text", "text": line}] if line else [] for line in text.split("\n")]
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": line} for line in lines]}


def comment(
    site: Tickets, ticket: Ticket, written: Comment, base: str, version: int, expand: str = ""
) -> dict[str, Any]:
    """A comment in an issue or in a page of comments. `expand` may name its properties."""
    public = not (written.internal and site.projects[ticket.project].has_customers)
    kept = [{"key": "sd.public.comment", "value": {"internal": True}}] if written.internal else []
    author = user(site, written.author, base)
    return {
        "self": f"{base}/rest/api/{version}/issue/{ticket.id}/comment/{written.id}",
        "id": str(written.id),
        "author": author,
        "body": rich(written.body, version),
        "updateAuthor": author,
        "created": time_text(site, written.created),
        "updated": time_text(site, written.updated),
        **({"jsdPublic": public} if site.cloud else {}),
        **({"visibility": dict(zip(("type", "value"), written.visibility, strict=True))} if written.visibility else {}),
        **({"properties": kept} if "properties" in expand.split(",") else {}),
    }


def id_of(names: tuple[str, ...], name: str) -> str:
    """The id of a value of a site: 10000 plus its position in `names`. A value that is not in `names` has the id
    `10999`.
    """
    return str(10_000 + names.index(name)) if name in names else "10999"


def status(name: str, api: str) -> dict[str, Any]:
    """A status with its category, for issues and `/status`. `api` is the address up to and including the version."""
    number, key = CATEGORIES[STATUSES[name]]
    category = {"self": f"{api}/statuscategory/{number}", "id": number, "key": key, "name": STATUSES[name]}
    return {"id": id_of(tuple(STATUSES), name), "name": name, "statusCategory": category}


def user(site: Tickets, account: Account, base: str) -> dict[str, Any]:
    """An account. Cloud identifies it by its id, Data Center by its name."""
    who = {"displayName": account.name, "active": True, "emailAddress": account.email, "timeZone": site.zone.key}
    if site.cloud:
        return {
            "self": f"{base}/rest/api/2/user?accountId={account.id}",
            "accountId": account.id,
            "accountType": "atlassian",
            **who,
        }
    name = account.email.split("@")[0]
    return {"self": f"{base}/rest/api/2/user?username={name}", "name": name, "key": name, **who}


def project(kept: Project, base: str) -> dict[str, Any]:
    """A project in lists and issues."""
    return {
        "self": f"{base}/rest/api/2/project/{kept.id}",
        "id": str(kept.id),
        "key": kept.key,
        "name": kept.name,
        "projectTypeKey": "service_desk" if kept.has_customers else "software",
        "simplified": False,
    }


def fields(site: Tickets) -> list[dict[str, Any]]:
    """The fields for `/field`. Data Center has no field for the date when the status category changed."""
    listed: list[dict[str, Any]] = [
        {
            "id": field,
            "key": field,
            "name": name,
            "custom": False,
            "orderable": True,
            "navigable": field not in _NOT_NAVIGABLE,
            "searchable": True,
            "clauseNames": [field],
            "schema": {"type": kind, "system": field},
        }
        for field, (name, kind) in _FIELDS.items()
        if site.cloud or field != "statuscategorychangedate"
    ]
    flags = {"custom": True, "orderable": True, "navigable": True, "searchable": True}
    for own in site.fields.values():
        names = {"name": own.name, "clauseNames": [f"cf[{own.number}]", own.name]}
        listed.append({"id": own.id, "key": own.id, **flags, **names, "schema": schema(own)})
    return listed


def schema(own: CustomField) -> dict[str, Any]:
    """The type of a custom field's values, and the plugin that stores them."""
    types = "com.atlassian.jira.plugin.system.customfieldtypes:"
    sprints = "com.pyxis.greenhopper.jira:gh-sprint"
    plugin = {"number": types + "float", "option": types + "select", "string": types + "textarea", "array": sprints}
    items = {"items": "json"} if own.kind == "array" else {}
    return {"type": own.kind, **items, "custom": plugin[own.kind], "customId": own.number}


def myself(site: Tickets, base: str) -> dict[str, Any]:
    """The requesting account; Jira reads JQL dates in its time zone."""
    return user(site, site.me, base) | {"locale": "en_US", "groups": {"size": 0, "items": []}}


def server_info(site: Tickets, base: str, now: datetime) -> dict[str, Any]:
    """The response of `/serverInfo`. Clients distinguish Cloud from Data Center by its `deploymentType`."""
    common = {
        "baseUrl": base,
        "serverTime": time_text(site, now),
        "serverTitle": "Acme",
        "buildDate": "2026-09-01T00:00:00.000+0000",
    }
    if site.cloud:
        return {
            **common,
            "version": "1001.0.0-SNAPSHOT",
            "versionNumbers": [1001, 0, 0],
            "deploymentType": "Cloud",
            "buildNumber": 100290,
        }
    return {
        **common,
        "version": "10.3.2",
        "versionNumbers": [10, 3, 2],
        "deploymentType": "Server",
        "buildNumber": 10030002,
    }
