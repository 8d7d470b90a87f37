"""Finds the period or key result that a person names. If the period or key result does not exist, the message of the
ConfigError helps to find the right one.
"""

from __future__ import annotations

from datetime import datetime

from syncd.config import Config
from syncd.config.messages import nearest
from syncd.okr.goals import KeyResult, PeriodOkrs
from syncd.sdk import ConfigError
from syncd.sdk.language import gettext as _
from syncd.status.periods import choose_period
from syncd.status.snapshot import Snapshot


def chosen_period(config: Config, period: str | None, now: datetime) -> PeriodOkrs:
    """The OKRs to show. Raises ConfigError with the existing periods if there are no OKRs for this period."""
    okrs = choose_period(config, period, now)
    if okrs is not None:
        return okrs
    if not config.periods:
        none_yet = _("no mapping file has a period yet; write `period:` and `objectives:` into one to see them here")
        raise ConfigError(none_yet)
    periods = ", ".join(other.period.id for other in config.periods)
    raise ConfigError(_("there is no period %(name)r; the mappings have: %(periods)s", name=period, periods=periods))


def chosen_key_result(
    okrs: PeriodOkrs, name: str, config: Config | None = None, choosing: str = "--period "
) -> KeyResult:
    """The period's key result or guard with this id. If no key result or guard has the id, raises ConfigError with the
    nearest id. With a `config`, the error names the other periods that have this id, if there are any; `choosing` is
    what a person writes before a period to choose it.
    """
    by_id = okrs.by_id
    renamed = {kr.moved_from: kr.id for kr in okrs.key_results}
    if name not in by_id and name in renamed:
        parts = {"name": name, "new": renamed[name], "period": okrs.period.id}
        raise ConfigError(_("%(name)s is called %(new)s now in %(period)s; write the new id", **parts))
    if name not in by_id:
        sentence = _("there is no key result %(name)r in %(period)s", name=name, period=okrs.period.id)
        others = [other.period.id for other in (config.periods if config else ()) if name in other.by_id]
        if others:
            parts = {"periods": _(" and ").join(others), "period": f"{choosing}{others[0]}"}
            raise ConfigError(f"{sentence}; {_('it is in %(periods)s: add %(period)s', **parts)}")
        raise ConfigError(sentence + nearest(name, by_id))
    return by_id[name]


def explained_key_result(snapshot: Snapshot, name: str, config: Config, choosing: str = "--period ") -> KeyResult:
    """The key result or guard with this id in a snapshot, even if no cycle had seen the id by the snapshot's moment.
    ConfigError like `chosen_key_result`.
    """
    later = {kr.id: kr for kr in snapshot.later}
    return later.get(name) or chosen_key_result(snapshot.okrs, name, config, choosing)
