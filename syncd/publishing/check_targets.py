"""Checks whether check-ins can be written, for the command `syncd doctor`. The check reads targets as a sync does, and
writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime

from syncd.config import Config
from syncd.config.publications import WHOLE, Publication
from syncd.ledger.moves import Move
from syncd.publishing.comparison import bug
from syncd.publishing.statements import statements
from syncd.sdk import (
    AsksForRights,
    Check,
    ConfigError,
    Context,
    JsonPublisher,
    Publisher,
    SourceError,
    Statement,
    Summary,
)
from syncd.status.document import document
from syncd.status.report import Report

MOST_TARGETS = 20
"""The largest number of targets that are read for each entry of `publish:`."""


def check_targets(
    config: Config,
    publication: Publication,
    reports: Sequence[Report],
    moves: Sequence[Move],
    now: datetime,
    context: Context,
) -> Iterator[Check]:
    """Yields one finding for all targets that can be used, and one finding for each reason why other targets cannot be
    used. `moves` has the moves of the reports' periods, oldest first.
    """
    connection = publication.connection
    try:
        with closing(connection.publisher(context, publication.keys)) as publisher:
            if publisher.appends:
                if isinstance(publisher, JsonPublisher):
                    yield from publisher.check()
                return
            yield from _read(publication, publisher, stated(config, publication, reports, moves, now))
    except ConfigError as error:
        why = "; ".join(problem.message for problem in error.problems) or str(error)
        yield Check("writes", False, connection.without_secrets(why))
    except SourceError as error:
        yield Check("reachable", False, connection.without_secrets(str(error)))
    except Exception as error:
        yield Check("writes", False, bug(publication, error))


def stated(
    config: Config, publication: Publication, reports: Sequence[Report], moves: Sequence[Move], now: datetime
) -> Mapping[str, Statement | Summary]:
    """Maps each key result to the statement that syncd would write to its target now."""
    stated: dict[str, Statement | Summary] = {}
    for report in reports:
        if not publication.writes(report.period.id):
            continue
        by_name = {statement.key_result: statement for statement in statements(config, report, now, moves)}
        for name in publication.targets(by_name):
            whole = Summary(document(report), list(by_name.values()))
            stated.setdefault(name, whole if name == WHOLE else by_name[name])
    return stated


def _read(publication: Publication, publisher: Publisher, stated: Mapping[str, Statement | Summary]) -> Iterator[Check]:
    names = list(stated)[:MOST_TARGETS]
    wanted = {name: publisher.content(stated[name]) for name in names}
    parts = [names] if publisher.together else [[name] for name in names]
    problems: dict[str, list[str]] = {}
    for part in parts:
        try:
            written = publisher.read({name: wanted[name] for name in part})
        except (SourceError, ConfigError) as error:
            reason = publication.connection.without_secrets(str(error))
            problems.setdefault(reason, []).extend(part)
            continue
        for name in part:
            why = written[name].absent if name in written else None
            if why is None and isinstance(publisher, AsksForRights):
                why = publisher.lacks(name)
            if why is not None:
                problems.setdefault(why, []).append(name)
    bad = sum(len(failed) for failed in problems.values())
    left_out = f"; {len(stated) - len(names)} more were not tried" if len(stated) > len(names) else ""
    if len(names) > bad or left_out:
        can = "can be read and written" if isinstance(publisher, AsksForRights) else "can be read"
        yield Check("writes", True, f"{len(names) - bad} of {len(stated)} targets of check-ins {can}{left_out}")
    for reason, failed in problems.items():
        yield Check("writes", False, f"{_named([publication.keys.target(name) for name in failed])}: {reason}")


def _named(targets: Sequence[str]) -> str:
    shown = ", ".join(targets[:3])
    return shown if len(targets) <= 3 else f"{shown} and {len(targets) - 3} more"
