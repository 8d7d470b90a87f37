"""What was not written, and what to do about it: deliveries that need somebody, put together where they are alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from syncd.ledger import Ledger
from syncd.ledger.outbox import STUCK, State

_NAMED = 3
_LISTED = 5  # of those through one connection that ended alike, each for a reason of its own
_SIGNS: dict[State, str] = {"waiting": "…", "dead": "✗", "unsure": "?", "refused": "!", "absent": "–"}
_WORDS: dict[State, str] = {
    "waiting": "not written yet",
    "dead": "not written",
    "unsure": "perhaps written",
    "refused": "left alone",
    "absent": "nowhere to write",
}
_ORDER: tuple[State, ...] = ("dead", "unsure", "waiting", "refused", "absent")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Deliveries through one connection that ended alike: `key_results` by their ids, none of a whole period's."""

    connection: str
    state: State
    reason: str
    targets: Sequence[str]
    key_results: Sequence[str]

    @property
    def sign(self) -> str:
        """One character for lists."""
        return _SIGNS[self.state]

    @property
    def sentence(self) -> str:
        """What was not written where, why, and what to type."""
        return f"{self.connection}: {self._whose}: {_WORDS[self.state]}: {self.reason}{self._instead}"

    @property
    def _whose(self) -> str:
        names = list(self.key_results) or list(self.targets)
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        return ", ".join(names[:_NAMED]) + more

    @property
    def _instead(self) -> str:
        match self.state:
            case "dead":
                return "; once that is mended: `syncd publish --retry`"
            case "unsure":
                return "; look there, and `syncd publish --retry` sends it again where it is missing"
            case "waiting":
                return "; it is tried again with the next sync"
        return ""


def troubles(ledger: Ledger | None) -> Sequence[Trouble]:
    """Those of the ledger as it stands, the worst first. What waits and was never tried is none."""
    if ledger is None:
        return ()
    unwritten = [
        (one.connection, one.state, one.reason or "", one.target, one.key_result)
        for one in ledger.outbox.in_state(("waiting", *STUCK))
        if one.state != "waiting" or one.reason
    ]
    untold: list[tuple[str, State, str, str, str]] = [
        ("notify", one.state, one.reason, one.recipient or "", "")
        for one in ledger.events.newest_messages()
        if one.reason and one.state in ("waiting", "unsure", "dead")
    ]
    return gathered([*unwritten, *untold])


def gathered(found: Iterable[tuple[str, State, str, str, str]]) -> Sequence[Trouble]:
    """Puts together what is alike; each is (connection, state, reason, target, key result)."""
    groups: dict[tuple[str, State, str], list[tuple[str, str]]] = {}
    for connection, state, reason, target, key_result in found:
        groups.setdefault((connection, state, reason), []).append((target, key_result))
    ordered = sorted(groups.items(), key=lambda group: (_ORDER.index(group[0][1]), group[0][0]))
    return [
        Trouble(connection, state, reason, [target for target, _ in those], [name for _, name in those if name])
        for (connection, state, reason), those in ordered
    ]


def in_short(found: Sequence[Trouble]) -> Iterator[Trouble]:
    """For people: where very many ended alike through one connection, a few, and how to see the rest."""
    for (connection, state), alike in groupby(found, key=lambda one: (one.connection, one.state)):
        listed = list(alike)
        yield from listed[:_LISTED]
        if rest := listed[_LISTED:]:
            reason = "each for a reason of its own; `syncd status --json` has them all"
            targets = [target for one in rest for target in one.targets]
            yield Trouble(connection, state, reason, targets, [name for one in rest for name in one.key_results])


def document(trouble: Trouble) -> dict[str, Any]:
    """As JSON documents show it."""
    return {
        "to": trouble.connection,
        "state": trouble.state,
        "reason": trouble.reason,
        "targets": list(trouble.targets),
        "key_results": list(trouble.key_results),
    }
