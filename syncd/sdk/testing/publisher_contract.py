"""The promises of every publisher, as a class of tests. The tests of a connector subclass it."""

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
from syncd.sdk.testing.statements import KINDS, statement

_OF_READING_BACK = (
    "test_a_part_of_the_places_is_written_and_no_other_is_touched",
    "test_what_is_written_twice_is_there_once",
    "test_after_any_failure_a_fresh_attempt_ends_as_an_undisturbed_attempt",
)
_PLACES = 8  # an ailment is tried on each of the first requests of an attempt


@dataclass(frozen=True, slots=True)
class _Undisturbed:
    """An attempt without an ailment: the number of its requests, and the content of its targets afterwards."""

    requests: int
    items: object


_UNDISTURBED: dict[tuple[type, bool], _Undisturbed] = {}


@dataclass(frozen=True, slots=True)
class Fake:
    """A fake of the service on this machine: its address, and the present content of its targets.

    Tests compare the `items` of two fakes. The items are equal if the targets hold the same content, and unequal if a
    target holds the content twice. They contain no times or ids that depend on the time of a write.
    """

    url: str
    items: Callable[[], object]


@dataclass(frozen=True, slots=True)
class _Lab:
    """An opened publisher that writes to a server that can fail."""

    publisher: Publisher
    proxy: Proxy
    items: Callable[[], object]

    def attempt(self, *statements: Statement) -> SourceError | None:
        """Acts like syncd: reads the targets, and writes the places that differ. Returns the error of the attempt."""
        try:
            for part in self._parts(statements):
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
        """Writes these places, whatever their present content."""
        for name, content in contents.items():
            self.publisher.read({name: content})
            self.publisher.write({name: content})

    def read(self, *statements: Statement) -> dict[str, Written]:
        """The content of these statements' targets."""
        return {name: target for part in self._parts(statements) for name, target in self.publisher.read(part).items()}

    def _parts(self, statements: Sequence[Statement]) -> Sequence[Mapping[str, Content]]:
        wanted = {statement.key_result: self.publisher.content(statement) for statement in statements}
        return [wanted] if self.publisher.together else [{name: content} for name, content in wanted.items()]

    def _differing(self, wanted: Mapping[str, Content], targets: Mapping[str, Written]) -> dict[str, Content]:
        present = {name: targets[name].content for name in wanted if targets[name].absent is None}
        differing = {
            name: {place: value for place, value in wanted[name].items() if not _same(now.get(place), value)}
            for name, now in present.items()
        }
        return {name: content for name, content in differing.items() if content}


class PublisherContract(ConnectorContract):
    """Tests of a publisher. Subclass this class with a connector, keys of an entry of `publish:`, settings, and a
    `fake` of the service.

    Each of the `key_results` has a target in the fake.
    """

    connector: ClassVar[type[Publishes]]
    publish: ClassVar[Mapping[str, Any]]
    """The keys of an entry of `publish:`, without the keys that every entry has."""
    key_results: ClassVar[Sequence[str]] = ("calls", "articles")
    appends: ClassVar[bool] = False
    """Whether nothing can be read back. If so, the rules about reading do not apply, and a write that may have arrived
    raises `Unsure`.
    """
    ailments: ClassVar[Sequence[Ailment]] = AILMENTS_OF_WRITES

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Leaves out the tests of a target's content if nothing can be read back."""
        super().__init_subclass__(**keywords)
        if cls.appends:
            cls._leave_out(*_OF_READING_BACK)

    def fake(self) -> AbstractContextManager[Fake]:
        """A running fake of the service, before syncd's first write. The fake runs until the `with` block ends."""
        raise NotImplementedError

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """A test with `changes` also runs for every kind of statement."""
        super().pytest_generate_tests(metafunc)
        if "changes" in metafunc.fixturenames:
            metafunc.parametrize("changes", KINDS.values(), ids=list(KINDS))

    # -- Opening, content, closing

    def test_opening_it_makes_no_request_and_closing_it_is_harmless(self) -> None:
        with self._lab() as lab:
            assert lab.publisher.appends == self.appends, "say in the contract whether it `appends`"
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
            for changes in KINDS.values():
                changed = statement(self.key_results[0], **changes)
                content = lab.publisher.content(changed)
                assert content == lab.publisher.content(changed)
                assert set(content) <= set(whole)
            assert lab.proxy.requests == []

    # -- What is written

    def test_what_is_written_is_read_back(self, changes: Mapping[str, Any]) -> None:
        """Checks every kind of statement: in an empty target, in place of a complete statement, and in a new
        session.
        """
        with self.fake() as fake:
            for version in (changes, {}, changes):
                with self._lab(fake) as lab:
                    assert lab.attempt(*self._statements(**version)) is None
                    if not self.appends:
                        self._assert_there(lab, self._statements(**version))

    def test_a_part_of_the_places_is_written_and_no_other_is_touched(self) -> None:
        before = self._statements()
        name = self.key_results[0]
        new = statement(name, value=-12.5, progress=-0.3, score=0.0, health="on_track", note="another")
        with self._lab() as lab:
            assert lab.attempt(*before) is None
            expected = {earlier.key_result: dict(lab.publisher.content(earlier)) for earlier in before}
            for place, value in lab.publisher.content(new).items():
                if not _same(expected[name][place], value):
                    lab.write({name: {place: value}})
                    expected[name][place] = value
                    for key_result, target in lab.read(*before).items():
                        _assert_same(target.content, expected[key_result])

    def test_what_is_written_twice_is_there_once(self) -> None:
        with self.fake() as fake:
            with self._lab(fake) as lab:
                assert lab.attempt(*self._statements()) is None
                whole = lab.items()
                contents = {new.key_result: lab.publisher.content(new) for new in self._statements()}
                lab.write(contents)
                assert lab.items() == whole
            with self._lab(fake) as another:
                another.write(contents)
                assert another.items() == whole

    # -- What goes wrong

    def test_what_may_pass_and_what_will_not(self, ailment: Ailment) -> None:
        """Checks every ailment on each request of a first write and of a later write. syncd repeats a failed try; the
        publisher itself must not.
        """
        for earlier in (False, True):
            for place in self._places(ailment, earlier) if earlier else range(self._requests(earlier)):
                with self._lab() as lab:
                    if earlier:
                        assert lab.attempt(*self._statements()) is None
                    first = len(lab.proxy.requests)
                    lab.proxy.breaks(ailment, after=place)
                    error = lab.attempt(*self._due(earlier))
                    asked = [(sent.method, sent.target, sent.body) for sent in lab.proxy.requests[first:]]
                    assert asked[place] not in asked[place + 1 :], "a request that broke is not sent again"
                    self._assert_as_by_the_table(error, ailment)

    def test_after_any_failure_a_fresh_attempt_ends_as_an_undisturbed_attempt(self, ailment: Ailment) -> None:
        for earlier in (False, True):
            due, whole = self._due(earlier), self._undisturbed(earlier).items
            for place in self._places(ailment, earlier):
                with self.fake() as fake:
                    with self._lab(fake) as lab:
                        if earlier:
                            assert lab.attempt(*self._statements()) is None
                        lab.proxy.breaks(ailment, after=place)
                        lab.attempt(*due)
                        lab.proxy.heals()
                    with self._lab(fake) as lab:
                        assert lab.attempt(*due) is None
                        assert lab.items() == whole

    def test_a_redirect_to_another_host_takes_no_secret_along(self) -> None:
        for place in range(self._requests(earlier=False)):
            for status in (301, 302, 307, 308):
                with self._lab() as lab, Proxy(lab.proxy.url).running() as other:
                    away = other.url.replace("127.0.0.1", "localhost")
                    lab.proxy.breaks(Ailment("moved", status, {"Location": f"{away}/elsewhere"}), after=place)
                    assert lab.attempt(*self._statements()) is not None
                texts = [text for asked in other.requests for text in (asked.target, *asked.headers.values())]
                assert not [secret for secret in self.secrets for text in texts if secret in text]

    def _assert_as_by_the_table(self, error: SourceError | None, ailment: Ailment) -> None:
        if self.appends:
            expected = _of_appends(ailment)
            assert (None if error is None else type(error)) in expected
        elif not ailment.again:
            assert isinstance(error, SourceBroken)
        else:
            assert isinstance(error, RetryLater)
            assert error.after == ailment.after
        if error is not None:
            self._assert_fit_to_print(str(error))

    def _assert_there(self, lab: _Lab, statements: Sequence[Statement]) -> None:
        targets = lab.read(*statements)
        for new in statements:
            target, content = targets[new.key_result], lab.publisher.content(new)
            assert target.absent is None
            assert set(target.content) <= set(lab.publisher.content(statement(new.key_result))), "a place of its own"
            assert set(target.where) <= set(target.content) | set(content)
            _assert_same(target.content, content)

    def _statements(self, **changes: Any) -> list[Statement]:
        return [statement(name, **changes) for name in self.key_results]

    def _due(self, earlier: bool) -> list[Statement]:
        """The statements to write: to an empty target, or to a target that was written `earlier`."""
        return self._statements(**KINDS["negative"]) if earlier else self._statements()

    def _places(self, ailment: Ailment, earlier: bool) -> range:
        """The numbers of the requests to break: only the last request if the ailment replaces the server's answer, else
        all requests.
        """
        number = self._requests(earlier)
        return range(number - 1, number) if ailment.connection == "whole" else range(number)

    def _requests(self, earlier: bool) -> int:
        return min(self._undisturbed(earlier).requests, _PLACES)

    def _undisturbed(self, earlier: bool) -> _Undisturbed:
        """The result of an attempt without an ailment, cached because it is always the same."""
        if (type(self), earlier) not in _UNDISTURBED:
            with self._lab() as lab:
                if earlier:
                    assert lab.attempt(*self._statements()) is None
                before = len(lab.proxy.requests)
                assert lab.attempt(*self._due(earlier)) is None
                requests = len(lab.proxy.requests) - before
                _UNDISTURBED[(type(self), earlier)] = _Undisturbed(requests, lab.items())
        return _UNDISTURBED[(type(self), earlier)]

    @contextmanager
    def _lab(self, fake: Fake | None = None) -> Iterator[_Lab]:
        with nullcontext(fake) if fake else self.fake() as service, Proxy(service.url).running() as proxy:
            keys = self.connector.Publish.model_validate(self.publish)
            publisher = self.connector.publisher(self._settings(proxy.url), self._context(1, []), keys)
            try:
                yield _Lab(publisher, proxy, service.items)
            finally:
                publisher.close()


def _of_appends(ailment: Ailment) -> set[type[SourceError] | None]:
    """The errors that a write with an ailment may raise if nothing can be read back. None means no error.

    A 4xx or a login page is a refusal, and a 503 may be a refusal. After every other ailment, nobody knows whether the
    write arrived.
    """
    if not ailment.again:
        return {SourceBroken}
    if ailment.status in range(400, 500):
        return {RetryLater}
    if ailment.status == 503:
        return {RetryLater, Unsure}
    if ailment.connection == "cut" or (ailment.status, ailment.connection) == (200, "whole"):
        return {None, Unsure}  # a publisher that reads only the status sees a success
    return {Unsure}


def _same(value: Scalar | None, other: Scalar | None) -> bool:
    if isinstance(value, int | float) and isinstance(other, int | float):
        return math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(value, str) and isinstance(other, str):
        return _text(value) == _text(other)
    return value is None and other is None


def _text(value: str) -> str:
    return "\n".join(line.rstrip() for line in value.replace("\r\n", "\n").strip().split("\n"))


def _assert_same(content: Content, wanted: Content) -> None:
    assert {place: value for place, value in wanted.items() if not _same(content.get(place), value)} == {}
