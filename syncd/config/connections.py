"""Reads the connections of syncd.yaml, and opens them with their references resolved."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from pydantic import ValidationError

from syncd.config.catalogue import (
    RECONCILE,
    SHRINK,
    BrokenConnector,
    connection_model,
    connector,
    connector_types,
    is_connector_type,
)
from syncd.config.document import Document, Place, texts
from syncd.config.messages import nearest, validation_problems
from syncd.config.references import RESOLVED, Resolver, ShortSecret, secret_at, too_short
from syncd.sdk import (
    ConfigError,
    ConnectionSettings,
    Connector,
    Context,
    Problem,
    Publisher,
    PublishKeys,
    ReadingKeys,
    Source,
    all_measure_keys,
    can_publish,
    can_pull,
)
from syncd.sdk.credentials import SHORTEST_SECRET, keys_in_address, secret_in_url
from syncd.sdk.quota import Credential
from syncd.sdk.redactor import Redactor

T = TypeVar("T")

_WEBHOOK_SECRET = "webhook_secret"  # noqa: S105 - the name of a key
_SHORTEST_SHOWN = 3  # a message about a wrong setting hides each value of at least this many characters
_LONGEST_NAME = 255  # characters: a longer text, or one of several lines, is a key where the name of its file should be


_opening_lock = threading.Lock()
"""The lock for opening a source. Opening imports client libraries and makes no request.

Some of these libraries have circular imports. Two threads that start such imports at different modules would each see a
half-loaded module.
"""


@dataclass(frozen=True, slots=True)
class Connection:
    """Configured access to an external system. References (`${NAME}`) are resolved when the connection is opened."""

    name: str
    kind: str
    connector: type[Connector]
    settings: ConnectionSettings
    place: Place
    document: Document
    redactor: Redactor = field(default_factory=Redactor, compare=False, repr=False)

    def page(self, part: str) -> str | None:
        """The address of the page where a person sees a part of a stream of readings; None if there is no such page."""
        models = all_measure_keys(self.connector) if can_pull(self.connector) else ()
        for model in models:
            if issubclass(model, ReadingKeys):
                with suppress(ValidationError):  # the part is of another connector, which once had this name
                    return model.of_part(part).page()
        return None

    @property
    def reconcile(self) -> timedelta:
        """The time between two censuses of the connection's records."""
        return getattr(self.settings, "reconcile", RECONCILE)

    @property
    def shrink(self) -> float:
        """The largest share of a list's records that may disappear at once, from 0 to 1."""
        share: str = getattr(self.settings, "shrink", SHRINK)
        return float(share.rstrip("% ")) / 100

    def resolved(self) -> ConnectionSettings:
        """The settings with all references resolved.

        Raises ConfigError with every reference that is not set. Raises ShortSecret if a secret is too short.
        """
        resolve = Resolver(self.document, quotes_logins=True)
        keys = self.document.data["connections"][self.name]
        # If only the secret of webhooks is missing, only webhooks are refused.
        data = resolve({key: value for key, value in keys.items() if key != _WEBHOOK_SECRET}, self.place)
        if resolve.problems:
            raise ConfigError(problems=resolve.problems)
        try:
            settings = connection_model(self.kind, self.connector).model_validate(data, context={"resolved": True})
        except ValidationError as error:
            # The value came from outside the file and may be a secret, so the message does not repeat it.
            hide = Redactor((value for values in resolve.values.values() for value in values), shortest=_SHORTEST_SHOWN)
            places = {".".join(str(part) for part in item["loc"]) or "its keys": item["msg"] for item in error.errors()}
            reasons = "; ".join(
                f"{place}: {hide(message.removeprefix('Value error, '))}" for place, message in places.items()
            )
            raise ConfigError(
                problems=[
                    self.document.problem(self.place, f"is not valid once its references are resolved: {reasons}")
                ]
            ) from None
        secrets = set(self._secrets_of(settings, data, resolve))
        self.redactor.learn(secrets)
        RESOLVED.learn(secrets)
        short = [(key, len(value)) for key, value in settings.secrets() if len(value) < SHORTEST_SECRET]
        if short:
            raise ShortSecret(problems=(self._too_short(*secret) for secret in short))
        return settings

    def _secrets_of(self, settings: ConnectionSettings, data: Any, resolve: Resolver) -> Iterator[str]:
        for key, value in settings.secrets():
            yield value
            yield from resolve.values.get(self._place_of(key), ())
        for _, text in texts(data, self.place):
            if "://" in text:
                yield from keys_in_address(text)
        for values in resolve.values.values():
            yield from (value for value in values if len(value) > _LONGEST_NAME or "\n" in value)
        with suppress(ConfigError):
            yield self.webhook_secret() or ""

    def _place_of(self, key: str) -> Place:
        return (*self.place, *key.split(".", 1))

    def _too_short(self, key: str, length: int) -> Problem:
        return too_short(self.document, self._place_of(key), key, length)

    def webhook_secret(self) -> str | None:
        """The secret that webhooks are signed with; None if no webhooks are expected.

        Raises ConfigError if the secret's reference is not set. Raises ShortSecret if the secret is too short.
        """
        place = (*self.place, _WEBHOOK_SECRET)
        if self.document.at(place) is None:
            return None
        return secret_at(self.document, place, _WEBHOOK_SECRET)

    def without_secrets(self, text: str) -> str:
        """The text with every secret of the connection masked, because a server may repeat the secrets of a request."""
        if not self.redactor.has_learned:  # the connection was not opened yet
            with suppress(ConfigError):
                self.resolved()
        return self.redactor(text)

    def open(self, context: Context) -> Source:
        """Opens the source, with references resolved. Raises ConfigError with the line of each reference that is not
        set.
        """
        assert can_pull(self.connector)  # config refuses measures from other connections
        return self._opened(partial(self.connector.open, self._resolved_for(context), self._hiding(context)))

    def publisher(self, context: Context, keys: PublishKeys) -> Publisher:
        """Opens the publisher of an entry of `publish:`, in the same way as a source."""
        assert can_publish(self.connector)  # config refuses entries for other connections
        return self._opened(partial(self.connector.publisher, self._resolved_for(context), self._hiding(context), keys))

    def _resolved_for(self, context: Context) -> ConnectionSettings:
        """The settings with all references resolved. Requests with these settings count against the quota of their
        credential.
        """
        settings = self.resolved()
        account = settings.credential_name()
        secret = () if account is not None else tuple(value for _, value in settings.secrets())
        credential = Credential(self.kind, str(getattr(settings, "url", "")), account, secret)
        context.retry.budget.quota = context.retry.quotas.of(credential)
        return settings

    def _hiding(self, context: Context) -> Context:
        return replace(context, hide=self.redactor)

    def _opened(self, opening: Callable[[], T]) -> T:
        try:
            with _opening_lock:
                return opening()
        except ConfigError as error:
            if error.problems:
                raise
            raise ConfigError(problems=[self.document.problem(self.place, str(error))]) from None


def short_secrets(connections: Iterable[Connection]) -> Iterator[Problem]:
    """A problem for each secret that is set but too short. The problem names the secret's key."""
    for connection in connections:
        for resolve in (connection.resolved, connection.webhook_secret):
            try:
                resolve()
            except ShortSecret as error:
                yield from error.problems
            except ConfigError:
                continue  # a missing secret fails only its own connection


def read_connections(document: Document, raw: Mapping[str, Any]) -> Iterator[Connection | Problem]:
    """Yields each connection of syncd.yaml, or the problems of the connection."""
    for name, keys in raw.items():
        place: Place = ("connections", name)
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            yield document.problem(place, f"connection {name!r}: write letters, digits, '-' and '_' only")
            continue
        kind = keys.get("type")
        if kind is None:
            yield document.problem(
                place, f"connection {name!r} has no type; known here: {', '.join(connector_types())}"
            )
            continue
        if not is_connector_type(kind):
            message = f"there is no connector {kind!r}{nearest(str(kind), connector_types())}"
            yield document.problem((*place, "type"), message)
            continue
        try:
            connector_class = connector(kind)
        except BrokenConnector as error:
            yield document.problem((*place, "type"), str(error))
            continue
        connection_problems = [
            document.problem(
                where, f"{where[-1]} holds a {secret} written out; write ${{NAME}} there and set NAME outside"
            )
            for where, text in texts(keys, place)
            if (secret := secret_in_url(text))
        ]
        try:
            context = {"value_of": partial(_value_of, document)}
            settings = connection_model(kind, connector_class).model_validate(keys, context=context)
        except ValidationError as error:
            model = connection_model(kind, connector_class)
            connection_problems.extend(validation_problems(error, model, document, place))
        if connection_problems:
            yield from connection_problems
        else:
            yield Connection(name, kind, connector_class, settings, place, document)


def _value_of(document: Document, text: str) -> str | None:
    resolve = Resolver(document, quotes_logins=True)
    resolved: str = resolve(text, ())
    return None if resolve.problems else resolved
