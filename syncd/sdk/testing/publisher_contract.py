"""What every publisher promises, as tests to subclass."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

from syncd.sdk.connector import Publishes
from syncd.sdk.errors import RetryLater, SourceBroken, SourceError, Unsure
from syncd.sdk.facts import Scalar
from syncd.sdk.publishing import STATED, Content, Publisher, Statement, Written
from syncd.sdk.testing.ailments import AILMENTS_OF_WRITES, Ailment
from syncd.sdk.testing.connector_contract import ConnectorContract
from syncd.sdk.testing.proxy import Proxy
from syncd.sdk.testing.statements import SAID, statement

_PLACES = 8  # of an ailment within one attempt: its first requests
_COUNTED: dict[tuple[type, bool], int] = {}  # the requests of an undisturbed attempt, which are always as many


@dataclass(frozen=True, slots=True)
class Fake:
    """A fake of the service on this machine: its address, and what stands at the targets now.

    `items` is for comparison: it is equal where the same is there, and is not where something is there twice. It says
    no times or ids that depend on when something was written.
    """

    url: str
    items: Callable[[], object]


@dataclass(frozen=True, slots=True)
class _Lab:
    """An opened publisher before a server that can break."""

    publisher: Publisher
    proxy: Proxy
    items: Callable[[], object]

    def attempt(self, *said: Statement) -> SourceError | None:
        """What syncd does: reads, and writes what differs. The error that ended it."""
        try:
            for part in self._parts(said):
                if self.publisher.appends:
                    self.publisher.write(part)
                    continue
                writes = self._differing(part, self.publisher.read(part))
                if writes:
                    self.publisher.write(writes)
        except SourceError as error:
            return error
        return None

    def write(self, contents: Mapping[str, Content]) -> None:
        """Writes these places, whatever stands there."""
        for name, content in contents.items():
            self.publisher.read({name: content})
            self.publisher.write({name: content})

    def found(self, *said: Statement) -> dict[str, Written]:
        """What stands where these are written to."""
        return {name: found for part in self._parts(said) for name, found in self.publisher.read(part).items()}

    def _parts(self, said: Sequence[Statement]) -> Sequence[Mapping[str, Content]]:
        wanted = {one.key_result: self.publisher.content(one) for one in said}
        return [wanted] if self.publisher.together else [{name: content} for name, content in wanted.items()]

    def _differing(self, wanted: Mapping[str, Content], found: Mapping[str, Written]) -> dict[str, Content]:
        stands = {name: found[name].content for name in wanted if found[name].absent is None}
        differing = {
            name: {place: value for place, value in wanted[name].items() if not _same(now.get(place), value)}
            for name, now in stands.items()
        }
        return {name: content for name, content in differing.items() if content}


class PublisherContract(ConnectorContract):
    """Subclass it with a connector, keys of an entry of `publish:` and settings, and give it a `fake` to write to.

    Every one of `key_results` has a target there. Where nothing can be read back (`appends`), what is said of reading
    is left out, and what leaves doubt is `Unsure`.
    """

    connector: ClassVar[type[Publishes]]
    publish: ClassVar[Mapping[str, Any]]
    """The keys of an entry of `publish:`, without those that every entry has."""
    key_results: ClassVar[Sequence[str]] = ("calls", "articles")
    ailments: ClassVar[Sequence[Ailment]] = AILMENTS_OF_WRITES

    def fake(self) -> AbstractContextManager[Fake]:
        """A fake of the service, running until the block ends, as it is before syncd ever wrote there."""
        raise NotImplementedError

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Each test of what is `said` runs for every kind of statement too."""
        super().pytest_generate_tests(metafunc)
        if "said" in metafunc.fixturenames:
            metafunc.parametrize("said", SAID.values(), ids=list(SAID))

    # -- Opened, asked for the content, closed

    def test_opening_it_makes_no_request_and_closing_it_is_harmless(self) -> None:
        with self._lab() as lab:
            pass
        assert lab.proxy.requests == []

    def test_each_key_result_has_a_target_of_its_own(self) -> None:
        keys = self.connector.Publish.model_validate(self.publish)
        targets = [keys.target(name) for name in self.key_results]
        assert len(set(targets)) == len(targets)
        assert set(keys.uses()) <= STATED
        assert keys.names() is None or set(self.key_results) <= set(keys.names() or ())

    def test_the_content_takes_no_request_and_names_every_place(self) -> None:
        with self._lab() as lab:
            whole = lab.publisher.content(statement(self.key_results[0]))
            assert whole, "nothing is written"
            for changes in SAID.values():
                said = statement(self.key_results[0], **changes)
                content = lab.publisher.content(said)
                assert content == lab.publisher.content(said)
                assert set(content) <= set(whole)
            assert lab.proxy.requests == []

    # -- What is written

    def test_what_is_written_is_read_back(self, said: Mapping[str, Any]) -> None:
        """Where nothing stood, over a complete statement, and in another session."""
        with self.fake() as fake:
            for changes in (said, {}, said):
                with self._lab(fake) as lab:
                    assert lab.attempt(*self._said(**changes)) is None
                    if not lab.publisher.appends:
                        self._assert_there(lab, self._said(**changes))

    def test_a_part_of_the_places_is_written_and_no_other_is_touched(self) -> None:
        before = self._said()
        name = self.key_results[0]
        new = statement(name, value=-12.5, progress=-0.3, score=0.0, health="on_track", note="another")
        with self._lab() as lab:
            if lab.publisher.appends:
                return
            assert lab.attempt(*before) is None
            stands = {one.key_result: dict(lab.publisher.content(one)) for one in before}
            for place, value in lab.publisher.content(new).items():
                if not _same(stands[name][place], value):
                    lab.write({name: {place: value}})
                    stands[name][place] = value
                    for said, found in lab.found(*before).items():
                        _assert_same(found.content, stands[said])

    def test_what_is_written_twice_is_there_once(self) -> None:
        with self.fake() as fake:
            with self._lab(fake) as lab:
                if lab.publisher.appends:
                    return
                assert lab.attempt(*self._said()) is None
                whole = lab.items()
                contents = {one.key_result: lab.publisher.content(one) for one in self._said()}
                lab.write(contents)
                assert lab.items() == whole
            with self._lab(fake) as another:
                another.write(contents)
                assert another.items() == whole

    # -- What goes wrong

    def test_what_may_pass_and_what_will_not(self, ailment: Ailment) -> None:
        """On each request of a first write and of a later one. syncd tries again; the publisher itself never does."""
        for earlier in (False, True):
            for place in self._places(ailment, earlier) if earlier else range(self._requests(earlier)):
                with self._lab() as lab:
                    if earlier:
                        assert lab.attempt(*self._said()) is None
                    first = len(lab.proxy.requests)
                    lab.proxy.breaks(ailment, after=place)
                    error = lab.attempt(*self._due(earlier))
                    asked = [(one.method, one.target, one.body) for one in lab.proxy.requests[first:]]
                    assert asked[place] not in asked[place + 1 :], "a request that broke is not sent again"
                    self._assert_as_by_the_table(error, ailment, lab)

    def test_after_whatever_broke_a_fresh_attempt_ends_as_an_undisturbed_one(self, ailment: Ailment) -> None:
        for earlier in (False, True):
            said = self._due(earlier)
            with self._lab() as calm:
                if calm.publisher.appends:
                    return
                if earlier:
                    assert calm.attempt(*self._said()) is None
                assert calm.attempt(*said) is None
                whole = calm.items()
            for place in self._places(ailment, earlier):
                with self.fake() as fake:
                    with self._lab(fake) as lab:
                        if earlier:
                            assert lab.attempt(*self._said()) is None
                        lab.proxy.breaks(ailment, after=place)
                        lab.attempt(*said)
                        lab.proxy.heals()
                    with self._lab(fake) as lab:
                        assert lab.attempt(*said) is None
                        assert lab.items() == whole

    def test_a_redirect_to_another_host_takes_no_secret_along(self) -> None:
        for place in range(self._requests(earlier=False)):
            for status in (301, 302, 307, 308):
                with self._lab() as lab, Proxy(lab.proxy.url).running() as other:
                    away = other.url.replace("127.0.0.1", "localhost")
                    lab.proxy.breaks(Ailment("moved", status, {"Location": f"{away}/elsewhere"}), after=place)
                    assert lab.attempt(*self._said()) is not None
                said = [text for asked in other.requests for text in (asked.target, *asked.headers.values())]
                assert not [secret for secret in self.secrets for text in said if secret in text]

    def _assert_as_by_the_table(self, error: SourceError | None, ailment: Ailment, lab: _Lab) -> None:
        if lab.publisher.appends:
            expected = _of_appends(ailment)
            assert (None if error is None else type(error)) in expected
        elif not ailment.again:
            assert isinstance(error, SourceBroken)
        else:
            assert isinstance(error, RetryLater)
            assert error.after == ailment.after
        if error is not None:
            self._assert_fit_to_print(str(error))

    def _assert_there(self, lab: _Lab, said: Sequence[Statement]) -> None:
        found = lab.found(*said)
        for one in said:
            there, content = found[one.key_result], lab.publisher.content(one)
            assert there.absent is None
            assert set(there.content) <= set(lab.publisher.content(statement(one.key_result))), "a place of its own"
            assert set(there.where) <= set(there.content) | set(content)
            _assert_same(there.content, content)

    def _said(self, **changes: Any) -> list[Statement]:
        return [statement(name, **changes) for name in self.key_results]

    def _due(self, earlier: bool) -> list[Statement]:
        """What is written where nothing stands, or where something was written earlier."""
        return self._said(**SAID["negative"]) if earlier else self._said()

    def _places(self, ailment: Ailment, earlier: bool) -> range:
        """The requests that an ailment is tried on: the last, where it answers in place of the server; else all."""
        number = self._requests(earlier)
        return range(number - 1, number) if ailment.connection == "whole" else range(number)

    def _requests(self, earlier: bool) -> int:
        """How many requests an undisturbed attempt makes, that come into question."""
        if (type(self), earlier) not in _COUNTED:
            with self._lab() as lab:
                if earlier:
                    assert lab.attempt(*self._said()) is None
                before = len(lab.proxy.requests)
                assert lab.attempt(*self._due(earlier)) is None
                _COUNTED[(type(self), earlier)] = min(len(lab.proxy.requests) - before, _PLACES)
        return _COUNTED[(type(self), earlier)]

    @contextmanager
    def _lab(self, fake: Fake | None = None) -> Iterator[_Lab]:
        with nullcontext(fake) if fake else self.fake() as one, Proxy(one.url).running() as proxy:
            keys = self.connector.Publish.model_validate(self.publish)
            publisher = self.connector.publisher(self._settings(proxy.url), self._context(1, []), keys)
            try:
                yield _Lab(publisher, proxy, one.items)
            finally:
                publisher.close()


def _of_appends(ailment: Ailment) -> set[type[SourceError] | None]:
    """What an ailment may come to where nothing can be read back: a 4xx says no, and all else leaves doubt."""
    if not ailment.again:
        return {SourceBroken}
    if ailment.status in range(400, 500):
        return {RetryLater}
    if ailment.status == 503:
        return {RetryLater, Unsure}
    if ailment.connection == "cut" or (ailment.status, ailment.connection) == (200, "whole"):
        return {None, Unsure}  # it arrived, for whoever needs no more than the status
    return {Unsure}


def _same(one: Scalar | None, other: Scalar | None) -> bool:
    """As syncd compares what stands somewhere with what is to stand there."""
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(one, str) and isinstance(other, str):
        return _text(one) == _text(other)
    return one is None and other is None


def _text(value: str) -> str:
    return "\n".join(line.rstrip() for line in value.replace("\r\n", "\n").strip().split("\n"))


def _assert_same(stands: Content, wanted: Content) -> None:
    assert {place: value for place, value in wanted.items() if not _same(stands.get(place), value)} == {}
