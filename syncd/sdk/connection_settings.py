"""The YAML keys of a connection, such as its secrets and its address."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo

from syncd.sdk.facts import Json
from syncd.sdk.references import REFERENCE, consists_of_references


def _by_reference(value: Any, info: ValidationInfo) -> Any:
    """Refuses a secret that is not references only. Accepts any text once `context` says that references are
    resolved.
    """
    resolved = bool(info.context and info.context.get("resolved"))
    if isinstance(value, str | int | float) and not consists_of_references(str(value)) and not resolved:
        name = (info.field_name or "secret").upper()
        raise ValueError(f'is a secret written out; write "${{{name}}}" here and set {name}, or {name}_FILE, outside')
    if isinstance(value, str) and resolved and not re.fullmatch(r"[\x20-\x7e\xa0-\xff]*", value):
        raise ValueError("holds a line break or another character that no header can hold; set it again without")
    return value


Secret = Annotated[SecretStr, BeforeValidator(_by_reference)]
"""A secret, which is never shown. YAML holds a reference to the secret (`${GITHUB_TOKEN}`), and no text beside it. The
reference is resolved when the connection is opened.
"""


def _web_address(value: str) -> str:
    if not (re.match(r"https?://", value) or REFERENCE.match(value)):
        raise ValueError(f"is {value!r}; write it with https:// in front")
    return value.rstrip("/")


WebAddress = Annotated[str, AfterValidator(_web_address)]
"""A server's address that begins with http:// or https:// and ends without a slash, or a reference to such an
address.
"""


class ConnectionSettings(BaseModel):
    """The keys of a connection. Texts may hold references (`${NAME}`), which are resolved when the connection is
    opened.

    syncd adds `reconcile` to the connections of every connector that pulls records. A connector declares `reconcile`
    itself only to give it another default.
    """

    model_config = ConfigDict(defer_build=True, extra="forbid", frozen=True, allow_inf_nan=False)

    asked: ClassVar[Sequence[str]] = ()
    """The keys that `syncd init` asks for, in this order. If empty, `syncd init` asks for the required keys."""

    type: str = Field(description="The connector for this system.")

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Shows only the type of the connection, because an address or a header with resolved references may hold a
        secret.
        """
        yield "type", self.type

    def warnings(self) -> Iterator[tuple[str, str]]:
        """The warnings of `syncd validate`: each key whose value is valid but probably wrong, with a sentence.
        References are not resolved.
        """
        return iter(())

    def work_lists(self) -> Iterator[Mapping[str, Json]]:
        """The keys of a measure for each list that `work:` names. The records of these lists count as work, even if no
        mapping measures them.
        """
        return iter(())

    def credential_name(self) -> str | None:
        """A name of the connection's credential that holds no secret, such as an App and its installation. None if only
        the secret identifies the credential. References are resolved.
        """
        return None

    def secrets(self) -> Iterator[tuple[str, str]]:
        """The key and the value of each secret in the settings. References are resolved."""
        for key in type(self).model_fields:
            value = getattr(self, key)
            if isinstance(value, SecretStr):
                yield key, value.get_secret_value()
            elif isinstance(value, Mapping):
                inner = ((f"{key}.{name}", part) for name, part in value.items())
                yield from ((name, part.get_secret_value()) for name, part in inner if isinstance(part, SecretStr))
