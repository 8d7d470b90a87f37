"""Messages through apprise, each address by itself: to an inbox on loopback, on a real ledger."""

from __future__ import annotations

import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import apprise
import pytest
from csv_project import CsvProject
from inbox import Inbox, an_inbox
from opened import create_ledger
from raw_servers import body_of, drip, server, without_end

from syncd.config import Config
from syncd.config.load import load_config
from syncd.cycle.check_in import check_in
from syncd.ledger import Event, Ledger, NewEvent
from syncd.ledger.events import EventState, note
from syncd.ledger.identity import note_put_back
from syncd.notifying.addresses import addresses
from syncd.notifying.credentials import credentials
from syncd.notifying.inert import inert
from syncd.notifying.messages import body, length, within
from syncd.notifying.send import GIVES_UP, MessageOutcome, send_messages
from syncd.okr.checkins import CheckIn
from syncd.okr.words import count
from syncd.sdk.redactor import Redactor, without_any_secret
from syncd.service.gauges import LedgerGauges

_STATES = get_args(EventState)
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
MAPPING = """
period: 2026-Q4
objectives:
  - id: o
    title: Customers find answers
    key_results:
      - {id: a, title: A, kind: outcome, owner: ann, baseline: 0, target: 10, unit: p}
"""


class Desk:
    """A project with two addresses, FIRST and SECOND, and a clock."""

    def __init__(self, ledger: Ledger, folder: Path, first: Inbox, second: Inbox, environment: pytest.MonkeyPatch):
        self.ledger, self.first, self.second, self.now = ledger, first, second, NOW
        environment.setenv("FIRST", f"{first.url}/first-hush")
        environment.setenv("SECOND", f"{second.url}/second-hush")
        (folder / "o.yaml").write_text(MAPPING)
        self.folder = folder
        self.settings()

    def settings(self, to: str = '["${FIRST}", "${SECOND}"]', every: str = "0s") -> None:
        text = f"mappings: o.yaml\nconnections: {{}}\nnotify:\n  to: {to}\n  at_most_every: {every}\n"
        (self.folder / "syncd.yaml").write_text(text)
        self.config: Config = load_config(self.folder / "syncd.yaml")

    def event(self, old: str, new: str, heading: str = "Customers find answers") -> None:
        event = NewEvent("health", "2026-Q4", "a", None, heading, old, new, f"a is {new}", "waiting")
        with self.ledger.engine.begin() as connection:
            note(connection, 1, self.now, [event])

    def send(self) -> list[MessageOutcome]:
        return list(send_messages(self.config, self.ledger, lambda: self.now))

    def took(self) -> tuple[list[str], list[str]]:
        """The last line of each message that either took since the last time."""
        first, second = self.first.take(), self.second.take()
        return [text.splitlines()[-1] for _, _, text in first], [text.splitlines()[-1] for _, _, text in second]


@pytest.fixture
def inboxes() -> Iterator[tuple[Inbox, Inbox]]:
    with ExitStack() as stack:
        yield stack.enter_context(an_inbox()), stack.enter_context(an_inbox())


@pytest.fixture
def desk(tmp_path: Path, inboxes: tuple[Inbox, Inbox], monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """On SQLite: each message costs a process, and `test_each_address_is_told_what_is_new_to_it` is for both."""
    ledger = create_ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.cycles.begin(NOW)
    yield Desk(ledger, tmp_path, *inboxes, monkeypatch)
    ledger.close()


def test_address_that_refuses_is_tried_again_and_the_other_is_not_told_twice(desk: Desk) -> None:
    desk.event("on_track", "at_risk")
    desk.second.status = 403
    sent, refused = desk.send()
    assert (sent.events, sent.problem) == (1, None)
    assert refused.problem is not None
    assert refused.problem.startswith("1 of 2 addresses of to did not take it (SECOND: Failed to send JSON")
    assert "hush" not in refused.problem
    assert desk.took() == (["- a is at_risk"], [])
    desk.second.status = 200
    desk.send()
    assert desk.took() == ([], ["- a is at_risk"])
    assert desk.send() == []
    assert desk.ledger.events.in_state(("waiting",)) == []


@pytest.mark.sampled(1)
def test_each_address_is_told_what_is_new_to_it(
    ledger: Ledger, tmp_path: Path, inboxes: tuple[Inbox, Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first was told of the fall and hears of the recovery; for the second nothing happened."""
    ledger.cycles.begin(NOW)
    desk = Desk(ledger, tmp_path, *inboxes, monkeypatch)
    desk.event("on_track", "at_risk")
    desk.second.status = 403
    desk.send()
    desk.took()
    desk.second.status = 200
    desk.event("at_risk", "on_track")
    desk.send()
    assert desk.took() == (["- a is on_track"], [])
    assert desk.ledger.events.in_state(("waiting",)) == []


def test_doubt_at_one_address_does_not_hold_up_the_other(desk: Desk) -> None:
    desk.event("on_track", "at_risk")
    desk.first.status, desk.second.status = None, 403
    desk.send()
    assert desk.took() == (["- a is at_risk"], [])
    desk.first.status = desk.second.status = 200
    desk.send()
    assert desk.took() == ([], ["- a is at_risk"])
    (unsure,) = [message for message in desk.ledger.events.newest_messages() if message.state == "unsure"]
    assert unsure.address == "FIRST"
    (counted,) = [gauge for gauge in LedgerGauges(desk.ledger).read(desk.config, NOW) if "deliver" in gauge.name]
    assert not any(sample.value for sample in counted.samples), "a message is no check-in"
    desk.ledger.events.reopen(NOW)
    desk.send()
    assert desk.took() == (["- a is at_risk"], []), "only the address that may lack it is told again"


@pytest.mark.nightly
def test_address_that_refuses_for_a_day_is_given_up_by_itself(desk: Desk) -> None:
    desk.event("on_track", "at_risk")
    desk.second.status = 403
    desk.send()
    desk.now += GIVES_UP
    desk.send()
    desk.second.status = 200
    assert desk.send() == []
    assert desk.took() == (["- a is at_risk"], [])
    desk.event("at_risk", "off_track")
    desk.send()
    assert desk.took() == (["- a is off_track"], ["- a is off_track"])


def test_address_whose_variable_is_not_set_does_not_hold_up_the_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECOND")
    desk.event("on_track", "at_risk")
    outcomes = desk.send()
    assert "SECOND is not set" in (outcomes[-1].problem or "")
    assert desk.took() == (["- a is at_risk"], [])


def test_message_that_was_being_sent_when_syncd_was_killed_is_unsure_there_alone(desk: Desk) -> None:
    desk.event("on_track", "at_risk")
    (event,) = desk.ledger.events.in_state(("waiting",))
    desk.ledger.events.note_messages([event.id], "FIRST", "to", "sending")
    desk.send()
    assert desk.took() == ([], ["- a is at_risk"])
    (kept,) = desk.ledger.events.in_state(("unsure",))
    assert kept.id == event.id


@pytest.mark.nightly
def test_variable_that_holds_several_addresses_has_several(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST", f"{desk.first.url}/one, {desk.second.url}/two")
    desk.settings('"${FIRST}"')
    assert [address.name for address in addresses(desk.config, "to")] == ["FIRST", "FIRST #2"]
    desk.event("on_track", "at_risk")
    desk.second.status = 403
    desk.send()
    desk.second.status = 200
    desk.send()
    assert desk.took() == (["- a is at_risk"], ["- a is at_risk"])


def test_pause_between_messages_is_that_of_each_address(desk: Desk) -> None:
    desk.settings(every="1h")
    desk.event("on_track", "at_risk")
    desk.second.status = 403
    desk.send()
    desk.now += timedelta(minutes=30)
    desk.second.status = 200
    desk.event("at_risk", "off_track")
    desk.send()
    assert desk.took() == (["- a is at_risk"], ["- a is off_track"])


def test_address_is_never_kept(desk: Desk) -> None:
    desk.event("on_track", "at_risk")
    desk.second.status = 403
    desk.send()
    kept = desk.ledger.events.messages([event.id for event in desk.ledger.events.in_state(("waiting",))])
    assert {(message.address, message.state) for message in kept.values()} == {("FIRST", "sent"), ("SECOND", "waiting")}
    assert "hush" not in repr(kept)


OWNED = """\
period: 2026-Q4
objectives:
  - id: o
    title: Customers find answers
    owner: support
    key_results:
      - {id: a, title: A, kind: outcome, owner: ann, baseline: 0, target: 10, unit: p,
         measure: {from: local, file: a.csv, cell: A2}}
      - {id: b, title: B, kind: outcome, baseline: 0, target: 10, unit: p,
         measure: {from: local, file: a.csv, cell: A2}}
"""


def test_no_part_of_an_address_is_shown(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    address = "json://bot:hush-1-pass%2Fword@127.0.0.1:9/hush-2-0123/?+X-Token=hush-3-0123"
    monkeypatch.setenv("FIRST", f"{address},json://[hush-4-0123")
    first, broken, _ = addresses(desk.config, "to")
    assert "hush" not in repr(first)
    assert "hush" not in broken.problem
    header = b64encode(b"bot:hush-1-pass/word").decode()
    forms = f"hush-1-pass/word hush-1-pass%2Fword {header} hush-2-0123 hush%2D3%2D0123"
    assert first.hide(forms) == without_any_secret(forms) == "*** *** *** *** ***"
    assert without_any_secret("127.0.0.1 bot") == "127.0.0.1 bot"


@pytest.mark.parametrize(
    ("address", "keys", "names"),
    [
        (
            "slack://okr-alerts-bot@T1JHG6YH9/BLRDGFDB5/uPpqoVFpvLPoQdRwOOxyz5oX/#okr-room-2026",
            ["T1JHG6YH9", "BLRDGFDB5", "uPpqoVFpvLPoQdRwOOxyz5oX"],
            ["okr-alerts-bot", "okr-room-2026"],
        ),
        (
            "mailtos://okr-sender-2:hush-pw-1@mail7server-a:25870?to=ops-team7@acme.example&format=markdown",
            ["hush-pw-1"],
            ["okr-sender-2", "mail7server-a", "25870", "ops-team7@acme.example", "markdown"],
        ),
        ("json://hush-token-7@chat7server:84431234/v1", ["hush-token-7"], ["chat7server", "84431234"]),
        ("mmost://chat7server/3ccdd113474722377935511fc85d3dd4", ["3ccdd113474722377935511fc85d3dd4"], ["chat7server"]),
    ],
)
def test_only_the_credentials_of_an_address_are_masked_everywhere(
    address: str, keys: list[str], names: list[str]
) -> None:
    service = apprise.Apprise.instantiate(address) or None
    hide = Redactor(credentials(address, service))
    assert hide(" ".join([*keys, *names])) == " ".join(["***"] * len(keys) + names)


@pytest.mark.nightly
def test_own_owner_of_a_key_result_is_told_of_it(
    tmp_path: Path, inboxes: tuple[Inbox, Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = inboxes
    monkeypatch.setenv("FIRST", f"{first.url}/ann")
    monkeypatch.setenv("SECOND", f"{second.url}/support")
    settings = 'notify: {to: "${SECOND}", owners: {ann: "${FIRST}"}, at_most_every: 0s}\n'
    project = CsvProject(tmp_path, OWNED, NOW, settings=settings)
    for number in (9, 1):
        project.write("a.csv", "Number", str(number))
        project.cycle()
    assert ["a is off track" in text for _, _, text in first.take()] == [True]
    assert ["b is off track" in text and "a is" not in text for _, _, text in second.take()] == [True]


# -- lengths


def of_region(number: int) -> Event:
    """An event with a sentence as long as most."""
    sentence = f"region-{number} is off track: {number} of 100, for a reason \N{BAR CHART} that takes a line"
    return Event(
        number, "health", "2026-Q4", f"region-{number}", None, "Fewer calls", "on_track", "off_track", sentence,
        1, NOW, "waiting", None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize("most", [60, 160, 1000, 2000, 4096])
def test_message_is_cut_at_line_ends_and_says_how_much_is_left_out(most: int) -> None:
    events = [of_region(number) for number in range(25)]
    text = body(events, "https://okr.example", most)
    assert length(text) <= most
    lines = text.splitlines()
    if most == 60:
        assert text.endswith("…")
    else:
        assert lines[-1] == "https://okr.example"
        events_shown = sum(line.startswith("- ") for line in lines)
        assert (
            events_shown == 25 or f"and {count(25 - events_shown, 'line')} more: `syncd status` has all of it" in lines
        )
        assert all(line.endswith("takes a line") for line in lines if line.startswith("- "))


def test_message_fits_into_what_discord_takes(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its 2,000 characters count the title too, which apprise puts before the text."""
    taken = desk.first
    here = taken.url.replace("json://", "http://")
    moved = f"from apprise.plugins.discord import NotifyDiscord\nNotifyDiscord.notify_url = {here!r}\n"
    (tmp_path / "sitecustomize.py").write_text(moved)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # for the process that sends
    monkeypatch.setenv("FIRST", f"discord://{'1' * 18}/{'a' * 60}")
    desk.settings('"${FIRST}"')
    for number in range(25):
        desk.event("on_track", f"region-{number} is off track: 1 (0 → 100 calls), 1 % of the way (55 % expected)")
        with desk.ledger.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE events SET subject = 'kr-' || id")
    (sent,) = desk.send()
    assert sent.problem is None
    ((_, _, text),) = taken.take()
    assert 1500 < length(text) <= 2000
    assert text.startswith("syncd: 25 changes of health")


# -- after a restore


def test_message_that_may_have_been_sent_before_a_restore_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even if the source of a key result cannot be read in the first cycles, while another can."""
    monkeypatch.setenv("ADDRESS", "json://127.0.0.1:9/hush")
    mapping = f"{MAPPING}        measure: {{from: local, file: a.csv, cell: A1}}\n".replace(
        "{id: a, title: A, kind: outcome, owner: ann, baseline: 0, target: 10, unit: p}",
        "id: a\n        title: A\n        kind: outcome\n        baseline: 0\n        target: 10",
    )
    other = mapping[mapping.index("      - id: a") :].replace("a.csv", "b.csv").replace("id: a", "id: b")
    by_hand = "      - {id: c, title: C, kind: outcome, baseline: 0, target: 10}\n"
    project = CsvProject(tmp_path, mapping + other + by_hand, NOW, settings='notify: {to: "${ADDRESS}"}\n')

    def sync(**numbers: float | None) -> dict[str, str]:
        """The state of the event of each key result whose health changed."""
        for name, number in numbers.items():
            project.write(f"{name}.csv", *([] if number is None else [f"{number}"]))
            if number is None:
                (tmp_path / f"{name}.csv").unlink()
        project.now += timedelta(minutes=1)
        before = {event.id for event in project.ledger.events.in_state(_STATES)}
        project.cycle()
        return {
            event.subject: event.state for event in project.ledger.events.in_state(_STATES) if event.id not in before
        }

    def check_in_by_hand(value: float) -> None:
        config = project.config
        entered = CheckIn("Dana", project.now, project.now + timedelta(days=60), value)
        check_in(config, config.periods[0], project.key_result("c"), project.ledger, entered)

    check_in_by_hand(9)
    assert sync(a=9, b=9) == {"a": "known", "b": "known", "c": "known"}
    with project.ledger.engine.begin() as connection:
        note_put_back(connection)  # after the backup, both fell, and messages about this may have been sent
    project.ledger.close()
    project.ledger = create_ledger(f"sqlite:///{tmp_path / 'syncd.db'}")
    assert sync(a=None, b=1) == {"b": "unsure"}
    assert sync(a=None, b=9) == {"b": "waiting"}
    check_in_by_hand(1)
    assert sync(a=1)["a"] == "unsure"
    assert project.ledger.events.newest()["health", "2026-Q4", "c"][0] == "off_track"
    assert {event.state for event in project.ledger.events.in_state(_STATES) if event.subject == "c"} == {
        "known", "waiting"
    }  # fmt: skip
    assert sync(a=9)["a"] == "waiting"
    project.ledger.close()


# -- services that misbehave


def to_a_service(desk: Desk, url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The problem of a message to the service at an address."""
    monkeypatch.setenv("FIRST", f"{url.replace('http://', 'json://')}/first-hush")
    desk.settings('"${FIRST}"')
    desk.event("on_track", "at_risk")
    (outcome,) = desk.send()
    assert outcome.problem is not None
    assert "hush" not in outcome.problem
    return outcome.problem


@pytest.mark.sampled(1)
@pytest.mark.parametrize("answer", ["drips", "has no end"])
def test_service_whose_answer_does_not_end_is_not_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr("syncd.notifying.addresses.DEADLINE", 1.0)
    monkeypatch.setattr("syncd.notifying.addresses.LARGEST", 400_000_000)
    respond = drip(b"HTTP/1.1 200 OK\r\n\r\n", b" ") if answer == "drips" else without_end
    with server(respond) as url:
        to_a_service(desk, url, monkeypatch)
    assert [event.state for event in desk.ledger.events.in_state(("unsure",))] == ["unsure"]


def test_address_is_in_no_argument_of_a_process(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: list[bytes] = []

    def look(connection: socket.socket) -> None:
        arguments.extend(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
        connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")

    with server(look) as url:
        to_a_service(desk, url, monkeypatch)
    sending = [line for line in arguments if b"syncd.notifying.send_process" in line]
    assert sending
    assert not [line for line in arguments if b"-hush" in line]


def test_message_is_never_sent_on_to_another_server(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere: list[bytes] = []
    with server(body_of(b"{}"), requests=elsewhere) as other:
        to = f"HTTP/1.1 307 Moved\r\nLocation: {other}/x\r\nContent-Length: 0\r\n\r\n".encode()
        with server(lambda connection: connection.sendall(to)) as url:
            to_a_service(desk, url, monkeypatch)
    assert elsewhere == []


def test_netrc_adds_no_credential_to_a_message(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    requests: list[bytes] = []
    refused = b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
    with server(lambda connection: connection.sendall(refused), requests=requests) as url:
        to_a_service(desk, url, monkeypatch)
    assert requests
    assert b"authorization" not in requests[0].lower()


# -- inert


@pytest.mark.parametrize(
    ("text", "must_not_hold"),
    [
        ("@everyone and @here", "@everyone"),
        ("all @all and @channel", "@channel"),
        ("<!channel> <!here|x>", "<!"),
        ("<@U0123> <@&12345> <#C1>", "<@"),
        ("<users/all> <at>Ann</at>", "<u"),
        ("[see](https://evil.example)", "]("),
        ("[see][1] [1]: evil", "]["),
        ("<https://evil.example|click>", "://"),
        ("www.evil.example", "www."),
        ("**bold** and *this*", "*"),
        ("__bold__ _it_", "_"),
        ("~~gone~~ ~channel", "~"),
        ("```code", "``"),
        ("||spoiler||", "||"),
        ("safe\n@everyone", "\n"),
        ("\u202eevil\x07", "\u202e"),
    ],
)
def test_text_of_others_notifies_nobody_and_is_no_markup(text: str, must_not_hold: str) -> None:
    assert must_not_hold not in inert(text)
    assert must_not_hold not in within(f"{text}\n", 500).replace("\n", "")


@pytest.mark.parametrize("text", ["# Big", "> quote", "- item", "1. first", "+ x", "=== x"])
def test_text_of_others_begins_nothing(text: str) -> None:
    assert inert(text) == f"\N{ZERO WIDTH SPACE}{text}"


@pytest.mark.parametrize(
    "text", ["Calls fall from 1,200 to 600 a week", "acme/web#12: net_promoter_score is `unknown`"]
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert inert(text) == text


def test_title_of_an_objective_is_inert_in_a_message(desk: Desk) -> None:
    desk.event("on_track", "at_risk", heading="Half as many @all [mails](https://evil.example)")
    desk.send()
    ((_, _, text),) = desk.first.take()
    assert "@all" not in text
    assert "](" not in text
