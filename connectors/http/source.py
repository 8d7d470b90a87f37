"""Reads a number or a series from any JSON API, selected by JMESPath."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from connectors.http.dates import Dates
from connectors.http.graphql_queries import failure
from connectors.http.measure import HttpMeasure
from connectors.http.oauth import LOST_AT_A_RESTART, is_rotated
from connectors.http.paging import AnswerPage, ListMoved, Request, read_pages
from connectors.http.selection import Selection
from connectors.http.settings import HttpSettings
from connectors.http.unchanged import conditions, request_digest, version
from syncd.sdk import Check, Context, Json, JsonClient, JsonSource, Page, Snapshot, SourceBroken, Stream, Withheld
from syncd.sdk.cells import Reader

_READINGS = 3  # the most reads of a list that shifts during each read

Parts = Mapping[str, HttpMeasure]


class HttpSource(JsonSource):
    """An opened API."""

    def __init__(self, settings: HttpSettings, context: Context) -> None:
        super().__init__(settings.client(context))
        self._context = context
        self._settings = settings

    @cached_property
    def _once(self) -> JsonClient:
        """The client for POSTs that may write. Such a POST is not repeated after a failure, and is not sent in a
        rehearsal.
        """
        if self._context.rehearsal:
            raise Withheld("a POST may write, so only a sync sends it")
        return self._settings.client(replace(self._context, retry=replace(self._context.retry, attempts=1)))

    def check(self) -> Iterator[Check]:
        """The checks that every API has, and a check that fails if a restart would lose the refresh token."""
        yield from super().check()
        oauth = self._settings.oauth
        if oauth is not None and is_rotated(oauth):
            yield Check("refresh token", False, LOST_AT_A_RESTART)

    def close(self) -> None:
        """Closes the sockets."""
        super().close()
        if "_once" in vars(self):
            self._once.close()

    def pull(self, stream: Stream, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        """Reads every page, and evaluates the expression of each part on each page. If the answer is a single page and
        the server says that it has not changed, syncd does not evaluate it again.
        """
        parts: Parts = {part: HttpMeasure.of_part(part) for part in sorted(stream.needs)}
        keys = next(iter(parts.values()))
        if (refusal := keys.refusal(self._settings)) is not None:
            raise SourceBroken(" ".join(refusal))
        if keys.asks_days and stream.days is None:
            raise ValueError(f"{stream.key} names days, and the stream has none")
        if stream.days is not None and not keys.many and (why := stream.days.none_yet):
            yield Page(readings={part: Snapshot(notes=[why]) for part in parts}, cursor={} if cursor else None)
            return
        request = keys.request(self.api.url, Dates(stream.days, self._context.zone))
        if request.method == "GET" and not keys.pages:
            yield from self._single(request, parts, cursor)
        else:
            yield from self._several(request, parts)

    def _several(self, first: Request, parts: Parts) -> Iterator[Page]:
        keys = next(iter(parts.values()))
        for left in reversed(range(1 if keys.may_write(self.api.url) else _READINGS)):
            selections = self._selections(parts)
            try:
                yield from self._walk(first, keys, selections)
                break
            except ListMoved:
                if not left:
                    raise
        yield Page(readings=self._snapshots(parts, selections))

    def _walk(self, first: Request, keys: HttpMeasure, selections: Mapping[str, Selection]) -> Iterator[Page]:
        api = self._once if keys.may_write(self.api.url) else self.api
        for page in read_pages(api, first, keys.pages or None, keys.json_):
            if first.is_graphql and (error := failure(page.data, self._context.hide)) is not None:
                raise error
            for selection in selections.values():
                selection.add(page)
            if all(selection.has_ended for selection in selections.values()):
                return
            if keys.pages:
                yield Page()  # so that the pull is partial, and not failed, if a later page is missing

    def _single(self, request: Request, parts: Parts, cursor: Mapping[str, Json] | None) -> Iterator[Page]:
        now = self._context.now()
        digest = request_digest(request.address, self._settings.identity(self._context.hide), parts, self._context.zone)
        answer = self.api.changed(request.address, object, conditions(cursor, digest, now))
        if answer is None:
            return
        data, headers = answer
        selections = self._selections(parts)
        for selection in selections.values():
            selection.add(AnswerPage(data, headers))
        readings = self._snapshots(parts, selections)
        read = version(headers, digest, now) if all(each.problem is None for each in readings.values()) else None
        yield Page(readings=readings, cursor=read if read is not None or not cursor else {})

    def _selections(self, parts: Parts) -> Mapping[str, Selection]:
        hide = self._context.hide
        return {
            part: Selection(keys.json_, hide, whole=keys.pages is False, paged=bool(keys.pages))
            for part, keys in parts.items()
        }

    def _snapshots(self, parts: Parts, selections: Mapping[str, Selection]) -> Mapping[str, Snapshot]:
        return {
            part: selections[part].snapshot(Reader(self._context.zone, keys.as_, epoch_dates=True))
            for part, keys in parts.items()
        }
