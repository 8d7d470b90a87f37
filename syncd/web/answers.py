"""The JSON documents for programs: the same documents that the commands print with `--json`."""

from __future__ import annotations

from syncd.explain.document_types import ExplanationDocument, HistoryDocument
from syncd.explain.documents import explanation, series_document
from syncd.explain.history import history
from syncd.okr.goals import KeyResult
from syncd.review import Review, last_day_if_over, review
from syncd.review.document import document as review_document
from syncd.review.document_types import ReviewDocument
from syncd.status.choosing import explained_key_result
from syncd.status.document import status_document
from syncd.status.document_types import StatusDocument
from syncd.status.report import report_of
from syncd.status.work import where_the_work_went
from syncd.web.view import View, missing_is_404


def status_answer(view: View) -> StatusDocument:
    """The document of `status --json`."""
    work = where_the_work_went(view.snapshot, view.okrs, view.daemon.ledger)
    return status_document(report_of(view.snapshot), view.troubles, work)


def explanation_answer(view: View, name: str) -> ExplanationDocument:
    """The document of `explain --json` of a key result or guard. HTTPException 404 if the id is unknown."""
    return explanation(view.snapshot, view.daemon.ledger, explained(view, name))


def history_answer(view: View, name: str, *, backfill: bool) -> HistoryDocument:
    """The document of `history --json` of a key result or guard. HTTPException 404 if the id is unknown."""
    return series_document(history(view.snapshots, view.snapshot, explained(view, name), backfill=backfill))


def review_answer(view: View, *, whole: bool) -> ReviewDocument:
    """The document of `review --json`."""
    return review_document(reviewed(view, whole=whole))


def reviewed(view: View, *, whole: bool) -> Review:
    """The review of the `whole` period, or of the last seven days. If the address names a period that is over, these
    are the last seven days of that period.
    """
    daemon, day = view.daemon, view.day
    if day is None and not whole and view.asked is not None:
        day = last_day_if_over(view.okrs.period, view.now)
    return review(daemon.config, view.okrs, daemon.ledger, view.now, day, whole=whole)


def explained(view: View, name: str) -> KeyResult:
    """The key result or guard with this id. HTTPException 404 if the id is unknown."""
    with missing_is_404():
        return explained_key_result(view.snapshot, name, view.daemon.config, "?period=")
