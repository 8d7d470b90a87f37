"""The keys of `notify:`: quiet hours, and addresses that are never written out."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from syncd.config.notifying import NotifyKeys

BERLIN = ZoneInfo("Europe/Berlin")  # an hour ahead of UTC in November


def keys(**more: object) -> NotifyKeys:
    return NotifyKeys.model_validate({"to": "${CHANNEL}", **more})


@pytest.mark.parametrize(
    ("quiet", "hour", "is_quiet"),
    [
        (None, 3, False),
        ("19:00-07:30", 17, False),
        ("19:00-07:30", 18, True),
        ("19:00-07:30", 5, True),
        ("19:00-07:30", 7, False),
        ("12:00 - 13:00", 11, True),
        ("12:00 - 13:00", 12, False),
    ],
)
def test_quiet_hours_are_local_and_may_pass_midnight(quiet: str | None, hour: int, is_quiet: bool) -> None:
    assert keys(quiet=quiet).is_quiet(datetime(2026, 11, 20, hour, tzinfo=UTC), BERLIN) is is_quiet


@pytest.mark.parametrize(
    ("quiet", "message"),
    [
        ("at night", "is 'at night'; write two times of the day, such as 19:00-07:30"),
        ("19:00-24:00", "is '19:00-24:00'; write two times of the day, such as 19:00-07:30"),
        ("07:00-07:00", "is '07:00-07:00', which is all day or nothing; write two times that differ"),
    ],
)
def test_hours_that_mean_nothing_are_refused(quiet: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        keys(quiet=quiet)


@pytest.mark.parametrize(
    "to",
    ["slack://token/channel", ["${CHANNEL}", "mailto://me:secret@acme.example"], "mailto://me:secret@${HOST}", "${"],
)
def test_an_address_that_is_written_out_is_refused(to: object) -> None:
    with pytest.raises(ValidationError, match="is an address written out, and such hold secrets"):
        keys(to=to)


def test_a_single_address_is_a_list() -> None:
    assert (keys().to, keys(to=["${A}", "${B}"]).to) == (["${CHANNEL}"], ["${A}", "${B}"])
