"""The addresses of a recipient, and how a message is sent to each. The library apprise has a service for each type of
address.

apprise reports errors only as lines of its log. The log is captured and not passed on unmasked, because it names
addresses, which contain secrets. A separate process sends each message (`syncd.notifying.send_process`).
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncd.config import Config
from syncd.config.references import RESOLVED
from syncd.notifying.credentials import all_parts, credentials
from syncd.notifying.messages import length, shortened
from syncd.sdk import ConfigError
from syncd.sdk.redactor import Redactor

if TYPE_CHECKING:
    from apprise.plugins.base import NotifyBase

DEADLINE = 30.0
"""The timeout for sending a message, in seconds."""
LARGEST = 1_000_000_000
"""The memory limit of the process that sends a message, in bytes. Python and apprise need a fifth of this."""

_START = 30.0  # seconds for the process to start and to end
_WARNING = re.compile(r" - (?:WARNING|ERROR|CRITICAL) - (.*)")
_STATUS = re.compile(r" - (?:WARNING|ERROR) - .*\berror=(\d{3})\W*$", re.MULTILINE)
_BROKEN = re.compile(r" - DEBUG - Socket Exception\b(.*)")
_NEVER_LEFT = re.compile(
    r"\b(?:NewConnectionError|NameResolutionError|Connection refused|getaddrinfo failed|Name or service not known)\b"
)
_ARRIVED = " - INFO - Sent "  # apprise logs this for each target of a service that has several
_SHORTEST = 3  # characters: a shorter part of an address is not masked
_LONGEST_REASON = 160  # characters
_BETWEEN = 2  # characters that a service may put between a title and a text

Text = Callable[[int], str]
"""A function that returns the text of a message in at most the given number of characters."""


class NotSent(Exception):
    """Raised if a message was not accepted. With `doubt`, the message may have arrived nevertheless."""

    def __init__(self, why: str, *, doubt: bool) -> None:
        super().__init__(why)
        self.doubt = doubt


@dataclass(frozen=True, slots=True)
class Address:
    """An address. Its `name` is the name of its variable, such as `OKR_CHANNEL`, so that no secret is shown or stored.

    `service` is None if the address cannot be used; `problem` then says why. `hide` masks every part of the address,
    because even a host, a topic or a room may be the secret.
    """

    name: str
    service: NotifyBase | None = field(repr=False)
    problem: str = ""
    url: str = field(default="", repr=False)
    hide: Redactor = field(default_factory=Redactor, repr=False)

    def send(self, title: str, text: Text) -> None:
        """Sends a message, shortened to the service's limit. Raises NotSent, whose message does not contain the
        address.
        """
        if self.service is None:
            raise NotSent(self.problem, doubt=False)
        heading = shortened(title, _longest(self.service))
        body = text(_longest(self.service) - length(heading) - _BETWEEN)
        result, output = _sent(self.url, heading, body)
        if not result:
            reason = _WARNING.search(output)
            why = self.hide(reason[1] if reason else "no reason was given")[:_LONGEST_REASON]
            raise NotSent(why, doubt=_ARRIVED in output or not _was_refused(output))


def addresses(config: Config, recipient: str) -> Iterator[Address]:
    """Yields the addresses of a recipient of `notify:`. A variable may contain several addresses, separated by commas
    or blanks.
    """
    import apprise
    from apprise.utils.parse import parse_urls

    notify = config.settings.notify
    assert notify is not None
    logging.getLogger("apprise").propagate = False
    asset = apprise.AppriseAsset(app_id="syncd", app_desc="syncd", secure_logging=True)
    times: Counter[str] = Counter()
    for reference in notify.recipients[recipient]:
        name = "+".join(re.findall(r"\$\{(\w+)\}", reference))
        try:
            urls = parse_urls(config.address("notify", reference))
        except ConfigError as error:
            yield Address(name, None, "; ".join(problem.message for problem in error.problems) or str(error))
            continue
        for url in urls or [""]:
            times[name] += 1
            numbered = name if times[name] == 1 else f"{name} #{times[name]}"
            service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True) if url else None
            problem = "" if service else f"apprise does not know an address of {recipient!r}"
            RESOLVED.learn(credentials(url, service or None))
            yield Address(numbered, service or None, problem, url, Redactor(all_parts(url), shortest=_SHORTEST))


def _sent(url: str, title: str, text: str) -> tuple[bool, str]:
    """Sends a message in a separate process; returns whether it was accepted, and apprise's log.

    Raises NotSent if the process did not start or did not end normally.
    """
    command = [sys.executable, "-P", "-m", "syncd.notifying.send_process"]
    try:
        process = subprocess.run(  # noqa: S603
            command,
            input=json.dumps([url, title, text, DEADLINE, LARGEST]).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback would name the address
            timeout=DEADLINE + _START,
            env={**os.environ, "NETRC": os.devnull},  # no other credential may replace that of the address
            check=False,
        )
        accepted, log = json.loads(process.stdout)
    except subprocess.TimeoutExpired:
        raise NotSent(f"the service did not answer within {DEADLINE:g} s", doubt=True) from None
    except ValueError:
        raise NotSent("the service's answer could not be read", doubt=True) from None
    except OSError as error:
        raise NotSent(f"no process could be started: {error.strerror}", doubt=False) from None
    return accepted, log


def check(config: Config) -> Sequence[str]:
    """The problems of the addresses and owners in `notify:`, for `syncd doctor`. Sends nothing."""
    notify = config.settings.notify
    if notify is None:
        return []
    problems = [address.problem for recipient in notify.recipients for address in addresses(config, recipient)]
    return [*filter(None, problems), *(problem.message for problem in config.unknown_owners())]


def _longest(service: NotifyBase) -> int:
    """The largest number of characters of a title and a text together. Some services limit both together, even if
    apprise says that they limit only the text.
    """
    return int(service.body_maxlen)


def _was_refused(output: str) -> bool:
    """Whether it is certain, for every target of a service, that the message was refused or was never sent.

    After a status 5xx other than 503 this is not certain: the response may come from a server behind the server that
    accepted the message.
    """
    refused = [int(status) < 500 or status == "503" for status in _STATUS.findall(output)]
    refused += [_NEVER_LEFT.search(problem) is not None for problem in _BROKEN.findall(output)]
    return bool(refused) and all(refused)
