"""The settings of a connection to a database."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from connectors.sql.statement import DATABASES
from syncd.sdk import ConnectionSettings, Secret
from syncd.sdk.names import nearest_hint

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*){0,2}")


def _of_a_database(value: str) -> str:
    match = re.match(r"([a-z]+)(?:\+[a-z0-9_]+)?://", value)
    if match is None:
        raise ValueError(
            f"is {value!r}; write the kind of database in front, such as postgresql://syncd@db.example/shop, even if "
            "the rest is a reference: queries are checked by it"
        )
    if match[1] not in DATABASES:
        raise ValueError(
            f"is of {match[1]!r}{nearest_hint(match[1], DATABASES)}; queries can be checked for {', '.join(DATABASES)}"
        )
    return value


class SqlSettings(ConnectionSettings):
    """A database."""

    url: Annotated[str, AfterValidator(_of_a_database)] = Field(
        description="The database, as an SQLAlchemy address: postgresql://syncd@db.example/shop, sqlite:///shop.db."
    )
    password: Secret | None = Field(None, description="The password of the address, in which it would need escapes.")
    timeout: float = Field(
        30, gt=0, le=3600, description="Seconds that connecting may take, and a query; a slower query fails."
    )
    max_rows: int = Field(
        100_000, ge=1, le=1_000_000, description="The most rows of a query; one with more of them fails."
    )
    functions: list[str] = Field(
        [],
        description="Functions that queries may call, beside those that only compute: your own, or of an extension.",
    )

    @field_validator("functions")
    @classmethod
    def _are_names(cls, value: list[str]) -> list[str]:
        for name in value:
            if not _NAME.fullmatch(name):
                raise ValueError(f"has {name!r}; write names without brackets, such as fiscal_year or shop.fiscal_year")
        return value

    @property
    def database(self) -> str:
        """Which database it is, by SQLAlchemy's name."""
        return re.split(r"[+:]", self.url, maxsplit=1)[0]
