"""The promises of every source, as a class of tests. The tests of a connector subclass it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from syncd.sdk.connector import Pulls, Source
from syncd.sdk.errors import RetryLater, SourceBroken, SourceError
from syncd.sdk.facts import Days, Json, Page, Record, Stream
from syncd.sdk.testing.ailments import Ailment
from syncd.sdk.testing.connector_contract import ConnectorContract
from syncd.sdk.testing.proxy import Proxy

_ATTEMPTS = 3
_DAYS = Days(date(2026, 10, 1), date(2026, 12, 31), date(2026, 11, 21))
_OF_A_CENSUS = (
    "test_a_census_holds_everything_that_was_pulled",
    "test_a_census_that_breaks_never_passes_for_the_whole",
)
_PLACES = 4  # an ailment is tried on each of the first requests of a pull


@dataclass(frozen=True, slots=True)
class _Lab:
    """An opened source that reads from a server that can fail. `slept` has the waits of the source's retry policy, in
    seconds.
    """

    source: Source
    stream: Stream
    proxy: Proxy
    slept: list[float]

    def pages(self, cursor: Mapping[str, Json] | None = None) -> tuple[list[Page], SourceError | None]:
        """The pages of a pull, and the error that ended it, if any. An unread list counts as an error."""
        pages: list[Page] = []
        try:
            pages.extend(self.source.pull(self.stream, cursor))
        except SourceError as error:
            return pages, error
        unread = _unread(pages)
        return pages, SourceBroken("; ".join(unread.values())) if unread else None

    def census(self) -> set[str] | None:
        """The ids that a census lists; None if the census failed."""
        try:
            pages = list(self.source.census(self.stream))
        except SourceError:
            return None
        if _unread(pages):
            return None
        whole = {record.id for page in pages for record in page.records}
        return whole | {id_ for page in pages for id_ in page.present or ()}


class SourceContract(ConnectorContract):
    """Tests of a source. Subclass this class with a connector, a measure and settings, and provide an `upstream`
    fixture.

    `upstream` is the address of a server on this machine that the connector pulls from. The server's data must not
    change while a test runs. A pull from it should need several requests, and several pages if the service has pages.
    """

    connector: ClassVar[type[Pulls]]
    measure: ClassVar[Mapping[str, Any]]
    """The keys of a measure, without the keys that all measures have."""
    needs: ClassVar[Sequence[str]] = ()
    """The fields that the measure uses, for a connector of records."""
    since: ClassVar[datetime | None] = None

    def proxy(self, upstream: str) -> Any:
        """The proxy in front of `upstream`, which fails on purpose. For another protocol than HTTP, return a similar
        object.
        """
        return Proxy(upstream)

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Leaves out the tests of the census if the source has readings, because readings have no census."""
        super().__init_subclass__(**keywords)
        if hasattr(cls, "connector") and cls.connector.Measure.kind == "readings":
            cls._leave_out(*_OF_A_CENSUS)

    # -- Opened and closed

    def test_opening_it_makes_no_request_and_closing_it_is_harmless(self, upstream: str) -> None:
        with self._lab(upstream) as lab:
            pass
        assert lab.proxy.requests == []

    def test_it_can_be_closed_in_the_middle_of_a_pull(self, upstream: str) -> None:
        with self._lab(upstream) as lab:
            next(iter(lab.source.pull(lab.stream, None)))

    # -- What is pulled

    def test_every_cursor_is_json(self, upstream: str) -> None:
        with self._lab(upstream) as lab:
            for page in lab.pages()[0]:
                assert json.loads(json.dumps(page.cursor)) == page.cursor

    def test_a_pull_from_the_last_cursor_brings_nothing_new_when_nothing_changed(self, upstream: str) -> None:
        with self._lab(upstream) as lab:
            pages, error = lab.pages()
            assert error is None
            whole, cursor = _facts(pages), _cursor(pages)
            assert whole, "the server has nothing to pull"
            again, error = lab.pages(cursor)
            assert error is None
            assert _facts([*pages, *again]) == whole

    def test_equal_streams_pull_equal_facts(self, upstream: str) -> None:
        with self._lab(upstream) as lab, self._lab(upstream, lab.proxy) as other:
            assert lab.stream == other.stream
            assert _facts(lab.pages()[0]) == _facts(other.pages()[0])

    def test_a_census_holds_everything_that_was_pulled(self, upstream: str) -> None:
        with self._lab(upstream) as lab:
            assert set(_facts(lab.pages()[0])) <= (lab.census() or set())

    # -- What goes wrong

    def test_what_is_tried_again_and_after_how_long(self, upstream: str, ailment: Ailment) -> None:
        with self._lab(upstream) as lab:
            lab.proxy.breaks(ailment)
            _, error = lab.pages()
            self._assert_fit_to_print(str(error))
            asked = Counter((request.method, request.target, request.body) for request in lab.proxy.requests)
            if not ailment.again:
                assert isinstance(error, SourceBroken)
                assert lab.slept == []
                assert set(asked.values()) == {1}
                return
            assert isinstance(error, RetryLater)
            assert error.after == ailment.after
            attempts = _ATTEMPTS if ailment.passes else 1
            assert asked.most_common(1)[0][1] == attempts
            if ailment.after is not None:
                assert lab.slept == [ailment.after] * (attempts - 1)

    def test_what_breaks_on_any_page_never_passes_for_the_whole(self, upstream: str, ailment: Ailment) -> None:
        """The pages stored before the error and a later pull from their cursor together hold all facts."""
        with self._lab(upstream) as lab:
            whole = _facts(lab.pages()[0])
            for place in range(min(len(lab.proxy.requests), _PLACES)):
                lab.proxy.breaks(ailment, after=place)
                pages, error = lab.pages()
                assert error is not None or _facts(pages) == whole
                lab.proxy.heals()
                rest, error = lab.pages(_cursor(pages))
                assert error is None
                assert _facts([*pages, *rest]) == whole

    def test_a_census_that_breaks_never_passes_for_the_whole(self, upstream: str, ailment: Ailment) -> None:
        with self._lab(upstream) as lab:
            whole = lab.census()
            for place in range(min(len(lab.proxy.requests), _PLACES)):
                lab.proxy.breaks(ailment, after=place)
                assert lab.census() in (None, whole)
                lab.proxy.heals()

    def test_what_passes_is_sat_out(self, upstream: str, passing: Ailment) -> None:
        with self._lab(upstream) as lab:
            whole = _facts(lab.pages()[0])
            for place in range(min(len(lab.proxy.requests), _PLACES)):
                lab.proxy.breaks(passing, after=place, times=1)
                pages, error = lab.pages()
                assert error is None
                assert _facts(pages) == whole

    def test_a_redirect_to_another_host_takes_no_secret_along(self, upstream: str) -> None:
        with self._lab(upstream) as lab, Proxy(upstream).running() as other:
            away = other.url.replace("127.0.0.1", "localhost")
            for status in (301, 302, 307, 308):
                lab.proxy.breaks(Ailment("moved", status, {"Location": f"{away}/elsewhere"}))
                _, error = lab.pages()
                assert error is not None
            texts = [text for asked in other.requests for text in (asked.target, *asked.headers.values())]
            assert not [secret for secret in self.secrets for text in texts if secret in text]

    @contextmanager
    def _lab(self, upstream: str, before: Proxy | None = None) -> Iterator[_Lab]:
        slept: list[float] = []
        with nullcontext(before) if before else self.proxy(upstream).running() as proxy:
            source = self.connector.open(self._settings(proxy.url), self._context(_ATTEMPTS, slept))
            try:
                yield _Lab(source, self._stream(), proxy, slept)
            finally:
                source.close()

    def _stream(self) -> Stream:
        keys = self.connector.Measure.model_validate(self.measure)
        if keys.kind == "records":
            return Stream(keys.streams(self.needs)[0], "records", frozenset(self.needs), self.since)
        part: str = keys.part()  # type: ignore[attr-defined]
        return Stream(keys.streams()[0], "readings", frozenset({part}), days=_DAYS)


def _unread(pages: Sequence[Page]) -> Mapping[str, str]:
    return {name: why for page in pages if page.lists for name, why in page.lists.unread.items()}


def _cursor(pages: Sequence[Page]) -> Mapping[str, Json] | None:
    return next((page.cursor for page in reversed(pages) if page.cursor is not None), None)


def _facts(pages: Sequence[Page]) -> dict[str, Any]:
    """The facts after these pages: the newest version of each record by its id, and the last snapshot of each part."""
    facts: dict[str, Any] = {}
    for page in pages:
        for record in page.records:
            kept = facts.get(record.id)
            if not isinstance(kept, Record) or record.updated_at >= kept.updated_at:
                facts[record.id] = record
        facts |= page.readings
    return facts
