"""Shows where the work went, as sentences and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from syncd.okr.work import Work
from syncd.sdk import stream_name
from syncd.sdk.figures import percent, whole
from syncd.sdk.language import gettext as _
from syncd.sdk.language import ngettext
from syncd.status.document_types import WorkDocument

_SHOWN = 3
_LONGEST_NAME = 40
_NONE_OF_IT, _ALL_OF_IT = 0.0, 1.0


def work_sentences(work: Work) -> Iterator[str]:
    """Sentences about the work that was done: how much drives an outcome, which lists have the most work that drives no
    outcome, which lists are covered, and why the figures may be too low.
    """
    if not work.done:
        yield _("Nothing was done yet in what is measured.")
    else:
        yield _(
            "Of %(done)s issues and pull requests done, %(driving)s drive an outcome, %(none)s are measured and drive"
            " none, and %(unmapped)s are in no mapping.",
            done=whole(work.done),
            driving=_part(work.driving, work.done),
            none=_part(work.driving_none, work.done),
            unmapped=_part(work.unmapped, work.done),
        )
    if work.lists:
        listed = (f"{each.name} {whole(each.unlinked)}/{whole(each.done)}" for each in work.lists[:_SHOWN])
        yield _("Most without an outcome: %(lists)s.", lists=", ".join(listed))
    if work.covers:
        yield ngettext(
            "It covers %(num)s list, and no work elsewhere: %(lists)s.",
            "It covers %(num)s lists, and no work elsewhere: %(lists)s.",
            len(work.covers),
            lists=_some(work.covers),
        )
    if work.reason is not None:
        yield _("It may be more: %(reason)s.", reason=work.reason)


def _some(streams: Sequence[str]) -> str:
    names = (stream_name(stream) for stream in streams[:_SHOWN])
    shown = ", ".join(name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in names)
    more = len(streams) - _SHOWN
    return shown if more <= 0 else _("%(names)s and %(num)s more", names=shown, num=whole(more))


def _part(number: int, of: int) -> str:
    """A part as text, such as `58 % (70)`. Rounding never shows a part as 0 or 100 %."""
    return f"{percent(number / of, (_NONE_OF_IT, _ALL_OF_IT))} ({whole(number)})"


def work_document(work: Work) -> WorkDocument:
    """Where the work went, in `status --json` and `review --json`."""
    return {
        "done": work.done,
        "driving": work.driving,
        "driving_none": work.driving_none,
        "unmapped": work.unmapped,
        "lists": [{"name": each.name, "done": each.done, "unlinked": each.unlinked} for each in work.lists],
        "covers": list(work.covers),
        "reason": work.reason,
    }
