"""The settings of a connection to a database."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from connectors.sql.drivers import DRIVERS
from connectors.sql.statement import DATABASES
from syncd.sdk import ConnectionSettings, Seconds, Secret
from syncd.sdk.names import nearest_hint
from syncd.sdk.references import REFERENCE

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*){0,2}")


def _kind(value: str, info: ValidationInfo) -> re.Match[str] | None:
    """The kind of database and the driver that an address names. If the address begins with a reference, the reference
    is resolved first.
    """
    if REFERENCE.match(value):
        value_of: Callable[[str], str | None] = (info.context or {}).get("value_of", lambda _: None)
        value = value_of(value) or ""
    return re.match(r"(?P<kind>[a-z]+)(?:\+(?P<driver>[a-z0-9_]+))?://", value)


def _of_a_database(value: str, info: ValidationInfo) -> str:
    match = _kind(value, info)
    if match is None:
        unset = ", which is not set, or no address" if REFERENCE.match(value) else ""
        raise ValueError(
            f"is {value!r}{unset}; queries are checked by the kind of database: write the kind of database in front, "
            "such as postgresql://syncd@db.example/shop, or set the variable where this runs"
        )
    kind, driver = match["kind"], match["driver"]
    if kind not in DATABASES:
        raise ValueError(
            f"is of {kind!r}{nearest_hint(kind, DATABASES)}; queries can be checked for {', '.join(DATABASES)}"
        )
    taken = DRIVERS[kind].name.partition("+")[2]
    if driver is not None and driver != taken:
        longer = f" or {kind}+{taken}://" if taken else ""
        raise ValueError(f"has the driver {driver!r}; write {kind}://{longer}, which uses the driver of syncd")
    return value


class SqlSettings(ConnectionSettings):
    """A database."""

    asked = ("url", "password")

    url: Annotated[str, AfterValidator(_of_a_database)] = Field(
        description="The database, as a SQLAlchemy URL: postgresql://syncd@db.example/shop, sqlite:///shop.db."
    )
    password: Secret | None = Field(None, description="The password for `url`. Here the password needs no escapes.")
    timeout: Seconds = Field(
        30,
        description="The longest time for connecting and for a query, in seconds or as 30s. A slower query fails.",
    )
    max_rows: int = Field(
        100_000,
        strict=True,
        ge=1,
        le=1_000_000,
        description="The largest number of rows of a query. A query with more rows fails.",
    )
    functions: list[str] = Field(
        [],
        description="Your own functions, or functions of extensions, that queries may call. Functions that only "
        "compute are always allowed.",
    )
    _database: str = PrivateAttr("")

    @field_validator("functions")
    @classmethod
    def _are_names(cls, value: list[str]) -> list[str]:
        for name in value:
            if not _NAME.fullmatch(name):
                raise ValueError(f"has {name!r}; write names without brackets, such as fiscal_year or shop.fiscal_year")
        return value

    @model_validator(mode="after")
    def _keep_kind(self, info: ValidationInfo) -> SqlSettings:
        match = _kind(self.url, info)
        self._database = match["kind"] if match else ""  # _of_a_database refuses an address without a kind
        return self

    @property
    def database(self) -> str:
        """The kind of database, by SQLAlchemy's name."""
        return self._database
