"""Checks the signatures of webhooks."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Webhook:
    """The names of two headers of a system's webhooks, in lower case.

    The header `signature` holds `sha256=` and the HMAC of the body in hexadecimal digits. The header `delivery` holds
    an id that stays the same if the webhook is sent again.
    """

    signature: str
    delivery: str

    def is_signed(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        """Whether the body was signed with this secret. The `headers` have lower-case names. The check takes the same
        time for every wrong signature.
        """
        expected = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
        return hmac.compare_digest(expected.encode(), headers.get(self.signature, "").strip().encode())
