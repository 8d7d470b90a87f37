"""Where the work went, as sentences and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from syncd.okr.work import Work
from syncd.sdk.figures import percent, whole
from syncd.sdk.language import gettext as _
from syncd.status.document_types import WorkDocument

_SHOWN = 3
_NONE_OF_IT, _ALL_OF_IT = 0.0, 1.0


def work_sentences(work: Work) -> Iterator[str]:
    """What was done and how much of it drives an outcome, the lists with most that drives none, and any doubt."""
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
    if work.reason is not None:
        yield _("It may be more: %(reason)s.", reason=work.reason)


def _part(number: int, of: int) -> str:
    """`58 % (70)`; a part is never shown as none or all of it."""
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
