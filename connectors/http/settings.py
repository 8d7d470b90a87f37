"""How a web API is reached."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import Field, ValidationInfo, field_validator

from syncd.sdk import ConnectionSettings, Secret, WebAddress

if TYPE_CHECKING:
    import httpx

SECRET_HEADER = re.compile(r"auth|token|key|secret|cookie|password", re.IGNORECASE)
"""What the name of a header that holds a secret looks like."""


class HttpSettings(ConnectionSettings):
    """A web API."""

    url: WebAddress = Field(description="What every path is put behind.")
    headers: dict[str, str] = Field({}, description="Sent with every request; secrets as ${NAME}.")
    token: Secret | None = Field(None, description="Sent as `Authorization: Bearer`.")
    timeout: float = Field(30, gt=0, description="Seconds to wait for an answer.")

    @field_validator("headers")
    @classmethod
    def _secrets_by_reference(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if not (info.context or {}).get("resolved"):
            for name, text in value.items():
                if SECRET_HEADER.search(name) and "${" not in text:
                    variable = re.sub(r"\W+", "_", name).upper()
                    raise ValueError(
                        f'has {name} written out, a secret by its name; write "${{{variable}}}" and set it outside'
                    )
        return value

    def request_headers(self) -> httpx.Headers:
        """What goes with every request."""
        import httpx

        headers = httpx.Headers({"Accept": "application/json", "User-Agent": "syncd"})
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token.get_secret_value()}"
        headers.update(self.headers)
        return headers
