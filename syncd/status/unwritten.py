"""Deliveries and messages that need a person, with the reason why they were not written and the next step. Similar
failures are grouped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from syncd.ledger import Ledger
from syncd.ledger.outbox import OPEN, STUCK, State
from syncd.sdk.figures import whole
from syncd.sdk.language import gettext as _
from syncd.sdk.language import marked, original
from syncd.status.document_types import TroubleDocument

_NAMED = 3
_LISTED = 5  # groups that are listed for people, for each connection and state
_SIGNS: dict[State, str] = {"waiting": "…", "dead": "✗", "unsure": "?", "refused": "!", "absent": "–"}
_WORDS: dict[State, str] = {
    "waiting": marked("not written yet"),
    "dead": marked("not written"),
    "unsure": marked("perhaps written"),
    "refused": marked("left alone"),
    "absent": marked("nowhere to write"),
}
_ORDER: tuple[State, ...] = ("dead", "unsure", "waiting", "refused", "absent")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Deliveries through one connection that failed for the same reason. `key_results` is empty for deliveries of a
    whole period.
    """

    connection: str
    state: State
    reason: str
    targets: Sequence[str]
    key_results: Sequence[str]

    @property
    def sign(self) -> str:
        """The character that stands before a `Trouble` in a list."""
        return _SIGNS[self.state]

    @property
    def sentence(self) -> str:
        """Names the delivery that was not written, its target, the reason, and the command to type."""
        return f"{self.connection}: {self._whose}: {_(_WORDS[self.state])}: {original(self.reason)}{self._instead}"

    @property
    def _whose(self) -> str:
        names = list(self.key_results) or list(self.targets)
        listed = ", ".join(names[:_NAMED])
        if len(names) <= _NAMED:
            return listed
        return _("%(names)s and %(num)s more", names=listed, num=whole(len(names) - _NAMED))

    @property
    def _instead(self) -> str:
        match self.state:
            case "dead":
                return f"; {_('once that is mended: `syncd publish --retry`')}"
            case "unsure":
                return f"; {_('look there, and `syncd publish --retry` sends it again where it is missing')}"
            case "waiting":
                return f"; {_('it is tried again with the next sync')}"
        return ""


def troubles(ledger: Ledger | None) -> Sequence[Trouble]:
    """The problems in a ledger, the worst first. An open delivery that was never tried is not a problem."""
    return gathered([*_unwritten(ledger), *_unsent(ledger)]) if ledger else ()


def unwritten_check_ins(ledger: Ledger) -> Sequence[Trouble]:
    """The `troubles` with deliveries alone, without messages."""
    return gathered(_unwritten(ledger))


def _unwritten(ledger: Ledger) -> Iterator[tuple[str, State, str, str, str]]:
    for delivery in (delivery.shown for delivery in ledger.outbox.in_state((*OPEN, *STUCK))):
        if delivery.state != "waiting" or delivery.reason:
            yield delivery.connection, delivery.state, delivery.reason or "", delivery.target, delivery.key_result


def _unsent(ledger: Ledger) -> Iterator[tuple[str, State, str, str, str]]:
    for message in ledger.events.newest_messages():
        if message.reason and message.state in ("waiting", "unsure", "dead"):
            yield "notify", message.state, message.reason, f"{message.recipient} ({message.address})", ""


def gathered(failed: Iterable[tuple[str, State, str, str, str]]) -> Sequence[Trouble]:
    """Groups failures by connection, state and reason; a failure is (connection, state, reason, target, key result)."""
    groups: dict[tuple[str, State, str], list[tuple[str, str]]] = {}
    for connection, state, reason, target, key_result in failed:
        groups.setdefault((connection, state, reason), []).append((target, key_result))
    ordered = sorted(groups.items(), key=lambda group: (_ORDER.index(group[0][1]), group[0][0]))
    return [
        Trouble(connection, state, reason, [target for target, _ in group], [name for _, name in group if name])
        for (connection, state, reason), group in ordered
    ]


def in_short(every: Sequence[Trouble]) -> Iterator[Trouble]:
    """A sample for people: a few entries for each connection and state, and a line that says how to see the others."""
    for (connection, state), alike in groupby(every, key=lambda trouble: (trouble.connection, trouble.state)):
        listed = list(alike)
        yield from listed[:_LISTED]
        if rest := listed[_LISTED:]:
            reason = _("each for a reason of its own; `syncd status --json` has them all")
            targets = [target for trouble in rest for target in trouble.targets]
            yield Trouble(
                connection, state, reason, targets, [name for trouble in rest for name in trouble.key_results]
            )


def trouble_document(trouble: Trouble) -> TroubleDocument:
    """The JSON form of a `Trouble`."""
    return {
        "to": trouble.connection,
        "state": trouble.state,
        "reason": trouble.reason,
        "targets": list(trouble.targets),
        "key_results": list(trouble.key_results),
    }
