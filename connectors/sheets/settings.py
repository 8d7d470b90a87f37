"""The YAML keys of a connection to Google Sheets, and the id of a spreadsheet."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from syncd.sdk import Seconds, Secret, WebAddress, WebSettings
from syncd.sdk.key_rules import text

GOOGLE = "https://sheets.googleapis.com"


def _id_alone(value: str) -> str:
    match = re.search(r"/spreadsheets/d/([\w-]+)", value)
    if match:
        raise ValueError(f"is an address; write its id alone: {match[1]}")
    if not re.fullmatch(r"[\w.-]+", value):
        raise ValueError(f"is {value!r}; write the id in the spreadsheet's address, between /d/ and /edit")
    return value


_ID = text(r"^[\w.-]+$", "write the id in the spreadsheet's address, between /d/ and /edit")
SpreadsheetId = Annotated[
    str,
    Field(min_length=1, description="The id of the spreadsheet: the part of its address between /d/ and /edit."),
    AfterValidator(_id_alone),
    WithJsonSchema(_ID),
]


class SheetsSettings(WebSettings):
    """A Google account with which the spreadsheets are shared."""

    asked = ("url", "credentials", "token")

    url: WebAddress = Field(GOOGLE, description="The address of the API, up to /v4/spreadsheets.")
    credentials: str | None = Field(
        None,
        description="The key file of a service account. Share the spreadsheets with the email address of the account.",
    )
    token: Secret | None = Field(None, description="An OAuth access token.")
    api_key: Secret | None = Field(None, description="An API key. With it, syncd can read only public spreadsheets.")
    allow: list[str] | None = Field(
        None,
        description="The ids of the spreadsheets that mappings may read; `*` stands for any text. By default all.",
    )
    timeout: Seconds = Field(
        60,
        description="How long to wait for a connection, and for each part of an answer: in seconds, or such as 30s.",
    )

    def credential_name(self) -> str | None:
        """The key file, as messages name it; None if the connection has none."""
        return None if self.credentials is None else f"key file {self.credentials}"

    @model_validator(mode="after")
    def _single_credential(self) -> SheetsSettings:
        given = [name for name in ("credentials", "token", "api_key") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"has {' and '.join(given)}; keep one of them" if given else "needs 'credentials', 'token' or 'api_key'"
            )
        return self
