"""The keys of `web:`: the address of the pages, how people log in, and what each person may do."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from syncd.sdk import Secret, WebAddress
from syncd.sdk.references import consists_of_references

ANYBODY = "*"
"""The entry that gives a role to everybody who has logged in."""

GROUP = "group:"
"""The prefix of an entry that gives a role to a group."""


_WIDEST = {4: 8, 6: 7}
"""The prefix lengths, by IP version, of the largest private networks: 10.0.0.0/8 and fc00::/7."""


def _network(text: str) -> str:
    try:
        network = ip_network(text)
    except ValueError:
        try:
            wide = ip_network(text, strict=False)
        except ValueError:
            raise ValueError(
                f"is {text!r}; write an address such as 10.1.2.3, or a network such as 10.1.2.0/24"
            ) from None
        raise ValueError(f"is {text!r}; write {wide} for the network, or {text.partition('/')[0]} alone") from None
    if network.prefixlen < _WIDEST[network.version]:
        raise ValueError(f"is {text!r}, so anybody could write the header; write the address of the proxy")
    return text


def _header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+", text):
        raise ValueError(f"is {text!r}; write the name of a header, such as X-Forwarded-Email")
    return text


def _entry(text: str) -> str:
    entry = text.strip()
    if not entry or entry.casefold() == GROUP:
        raise ValueError(f'is {text!r}; write a name, an address, "{GROUP}NAME" or "{ANYBODY}"')
    return entry


def _token(value: Any) -> Any:
    if isinstance(value, str | int | float) and not consists_of_references(str(value)):
        raise ValueError('is a secret written out; write "${SYNCD_TOKEN}" here and set SYNCD_TOKEN outside')
    return value


Header = Annotated[str, AfterValidator(_header)]
Entry = Annotated[str, AfterValidator(_entry)]


class OidcKeys(BaseModel):
    """The keys of `login: oidc:`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: WebAddress = Field(description="The URL of the provider, exactly as `issuer` in its discovery document.")
    client_id: str = Field(min_length=1, description="The id of syncd at the provider.")
    client_secret: Secret = Field(description='The secret of syncd at the provider: "${NAME}".')


class ProxyKeys(BaseModel):
    """The keys of `login: proxy:`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    header: Header = Field(description="The header in which the proxy names the person who is logged in.")
    trusted: list[Annotated[str, AfterValidator(_network)]] = Field(
        min_length=1,
        description="The addresses or networks of the proxy. syncd does not accept the header from other addresses.",
    )
    groups: Header | None = Field(None, description="The header with the person's groups, separated by commas.")


class LoginKeys(BaseModel):
    """The keys of `login:`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    oidc: OidcKeys | None = Field(None, description="People log in at an OpenID Connect provider.")
    proxy: ProxyKeys | None = Field(
        None, description="A proxy in front of syncd logs people in, and names them in a header."
    )
    tokens: dict[str, Annotated[Secret, BeforeValidator(_token)]] = Field(
        {}, description='Tokens for programs and people: the name of each, with its secret as "${NAME}".'
    )

    @model_validator(mode="after")
    def _has_a_way_in(self) -> LoginKeys:
        if self.oidc is not None and self.proxy is not None:
            raise ValueError("has oidc and proxy; keep one of them")
        if self.oidc is None and self.proxy is None and not self.tokens:
            raise ValueError("has no way to log in; write oidc, proxy or tokens")
        return self


class RoleKeys(BaseModel):
    """The keys of `roles:`. Each role includes the rights of the roles before it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    viewer: list[Entry] = Field([], description="Who may look at the pages.")
    editor: list[Entry] = Field([], description="Who may also check in.")
    operator: list[Entry] = Field(
        [], description="Who may also approve numbers, retry deliveries, and allow deliveries to overwrite content."
    )


class WebKeys(BaseModel):
    """The keys of `web:`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: WebAddress | None = Field(
        None, description="The address at which people open the dashboard. Check-ins link to it as their evidence."
    )
    login: LoginKeys | None = Field(None, description="How people and programs log in.")
    roles: RoleKeys = Field(
        RoleKeys(),
        description=f'Who has each role: names, email addresses, "{GROUP}NAME", or "{ANYBODY}" for all who log in.',
    )
    groups_claim: str = Field(
        "groups", min_length=1, description="The claim in which the issuer lists the groups of a person."
    )
    owners_check_in: bool = Field(
        False,
        strict=True,
        description="Whether people may check in on key results whose owner is their name or one of their groups.",
    )
    metrics_token: Secret | None = Field(None, description='The bearer token for `/metrics`: "${NAME}".')
    metrics: Literal["open"] | None = Field(
        None, description="`open` lets everybody who reaches the port read `/metrics`."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> WebKeys:
        if self.metrics is not None and self.metrics_token is not None:
            raise ValueError("has metrics and metrics_token; keep one of them")
        if self.login is not None and self.login.oidc is not None and self.address is None:
            raise ValueError(
                "needs address: where people open the dashboard; the issuer sends them back to ADDRESS/login/callback"
            )
        return self

    @property
    def leaves_others_unasked(self) -> bool:
        """Whether other machines can open the pages at `address` without a login."""
        host = urlsplit(self.address or "").hostname
        if self.login is not None or host is None or host == "localhost" or host.endswith(".localhost"):
            return False
        try:
            return not ip_address(host).is_loopback
        except ValueError:
            return True

    @property
    def token_names(self) -> Collection[str]:
        """The names of the tokens that can log in."""
        return self.login.tokens if self.login is not None else ()

    def warnings(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields each setting that is valid but probably wrong: its place below `web`, and a sentence."""
        has_roles = bool(self.roles.viewer or self.roles.editor or self.roles.operator)
        if self.login is not None and not has_roles:
            yield (
                ("login",),
                f'a login without roles lets nobody look; write roles: {{viewer: ["{ANYBODY}"]}}',
            )
        if self.leaves_others_unasked:
            yield (
                ("address",),
                f"{self.address} is where others get to the pages, and no login asks them who they are; "
                "write login, unless a proxy asks for a password there",
            )
        if self.login is None and has_roles:
            yield ("roles",), "roles without a login hold for nobody; write login"
        if self.login is not None and self.login.oidc is not None and self.login.oidc.issuer.startswith("http://"):
            yield (
                ("login", "oidc", "issuer"),
                "the issuer is asked without TLS; anybody on the way can log in as anyone",
            )
