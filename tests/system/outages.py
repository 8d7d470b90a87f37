"""The faults of the matrix, by name: what each does to a service, and to which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from syncd.sandbox import Fault

HTTP = ("github", "gitlab", "jira", "jira-dc", "sheets", "metrics")
SERVICES = (*HTTP, "sql")
_PAGED = HTTP[:4]
_VENDORS = HTTP[:5]
_MANY_REQUESTS = ("github", "gitlab", "jira", "sheets")  # in each cycle; one of Data Center makes a single one


@dataclass(frozen=True)
class Outage:
    """What happens to one service: `faults` of the sandbox by their keys, another address in its place, or what befalls
    a database (`Warehouse.broken`).

    `rides_out` says that the policy gets over it within the cycle; `hangs`, that nothing ends it but our patience.
    """

    faults: Sequence[dict[str, Any]] = ()
    services: Sequence[str] = SERVICES
    rides_out: bool = False
    address: str | None = None
    database: str | None = None
    hangs: bool = False

    def of(self, service: str) -> list[Fault]:
        """Its faults for one service."""
        return [Fault(service, **keys) for keys in self.faults]  # type: ignore[arg-type]


def _at(services: Sequence[str], rides_out: bool = False, hangs: bool = False, **keys: Any) -> Outage:
    return Outage((keys,), services, rides_out, hangs=hangs)


def _of_database(trouble: str, rides_out: bool = False, hangs: bool = False) -> Outage:
    return Outage(services=("sql",), rides_out=rides_out, hangs=hangs, database=trouble)


SELF_SIGNED = "self-signed"

OUTAGES: dict[str, Outage] = {
    "500": _at(HTTP, status=500),
    "500 from the second request on": _at(_MANY_REQUESTS, status=500, after=1),
    "500 once": _at(_VENDORS, status=500, times=1, rides_out=True),
    "502 with HTML": _at(HTTP, kind="html"),
    "503": _at(_VENDORS, status=503, body="no backend"),
    "504": _at(_VENDORS, status=504),
    "429 without Retry-After": _at(_VENDORS, kind="too_many"),
    "429 for 7 s": _at(_VENDORS, kind="too_many", seconds=7),
    "429 until a date": _at(HTTP, kind="too_many", seconds=30, http_date=True),
    "429 once": _at(_VENDORS, kind="too_many", seconds=7, times=1, rides_out=True),
    "429 for an hour": _at(_VENDORS, kind="too_many", seconds=3600),
    "403 primary limit": _at(("github",), kind="primary_limit", seconds=1800),
    "403 secondary limit": _at(("github",), kind="secondary_limit"),
    "403 secondary limit for 30 s": _at(("github",), kind="secondary_limit", seconds=30),
    "403 secondary limit once": _at(("github",), kind="secondary_limit", seconds=30, times=1, rides_out=True),
    "403 for a lost permission": _at(_VENDORS, status=403, body='{"message": "no"}'),
    "404": _at(_VENDORS, status=404),
    "reset": _at(HTTP, kind="reset"),
    "reset once": _at(HTTP, kind="reset", times=1, rides_out=True),
    "truncated body": _at(HTTP, kind="truncate"),
    "truncated once": _at(_VENDORS, kind="truncate", times=1, rides_out=True),
    "malformed JSON": _at(HTTP, kind="malformed"),
    "wrong types": _at(_VENDORS, kind="wrong_types"),
    "rows of null": _at(_VENDORS, kind="wrong_types", form="null_rows"),
    "slow drip": _at(("sheets", "metrics"), kind="drip", rate=20_000, rides_out=True),
    "drip without an end": _at(("github", "sheets"), kind="drip", rate=20, hangs=True),
    "endless page loop": _at(_PAGED, kind="page_loop"),
    "endless new pages": _at(_PAGED, kind="page_flood"),
    "expired token": _at(HTTP, kind="unauthorized"),
    "token revoked between two pages": _at(_MANY_REQUESTS, kind="unauthorized", after=1),
    "expired token that sees an empty list": Outage(
        (
            {"status": 200, "body": '{"issues": [], "isLast": true}', "path": "search"},
            {"kind": "unauthorized", "path": "myself"},
        ),
        ("jira",),
    ),
    "headers ten minutes ahead": _at(_VENDORS, kind="skew", seconds=600, rides_out=True),
    "headers ten minutes behind": _at(_VENDORS, kind="skew", seconds=-600, rides_out=True),
    "a certificate that nobody signed": Outage(services=HTTP, address=SELF_SIGNED),
    "a name that is not there": Outage(address="http://nowhere.invalid"),
    "nobody listening": Outage(address="http://127.0.0.1:9"),
    "a database that resets": _of_database("reset"),
    "a database that resets once": _of_database("reset once", rides_out=True),
    "rows that break off": _of_database("cut"),
    "a database that says nothing": _of_database("silent", hangs=True),
    "a query that waits for a lock": _of_database("locked"),
    "a table that is gone": _of_database("table gone"),
    "a right that was taken away": _of_database("right taken"),
    "a login that is refused": _of_database("login refused"),
}
