"""The rules and helpers that the contracts of sources and of publishers share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from syncd.sdk.answers import LONGEST_LINE
from syncd.sdk.connector import Connector, Context
from syncd.sdk.retry import RetryPolicy
from syncd.sdk.testing.ailments import AILMENTS, NOW, Ailment


class ConnectorContract:
    """The rules for every connector, whether it pulls or publishes."""

    connector: ClassVar[type[Connector]]
    secrets: ClassVar[Sequence[str]] = ()
    """The texts that must not appear in any error."""
    libraries: ClassVar[Sequence[str]] = ()
    """The modules that must not be imported before the connector is opened."""
    ailments: ClassVar[Sequence[Ailment]] = AILMENTS

    def settings(self, url: str) -> Mapping[str, Any]:
        """The keys of a connection to a server at `url`, without `type`, with the secrets as plain text."""
        raise NotImplementedError

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Runs each test with the argument `ailment` for every ailment, and each test with `passing` for every
        temporary ailment.
        """
        passing = [ailment for ailment in self.ailments if ailment.passes]
        for fixture, ailments in (("ailment", self.ailments), ("passing", passing)):
            if fixture in metafunc.fixturenames:
                metafunc.parametrize(fixture, ailments, ids=lambda ailment: ailment.name)

    @classmethod
    def _leave_out(cls, *tests: str) -> None:
        """Removes tests from pytest's collection, because their promise does not apply to this class."""
        for test in tests:
            assert hasattr(cls, test), test
            setattr(cls, test, None)

    def test_importing_it_loads_no_client_library(self) -> None:
        module = self.connector.__module__
        code = f"import sys, {module}; print([name for name in {list(self.libraries)!r} if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
        assert done.stdout.strip() == "[]"

    def _settings(self, url: str) -> Any:
        keys = {"type": "tested", **self.settings(url)}
        return self.connector.Settings.model_validate(keys, context={"resolved": True})

    def _context(self, attempts: int, slept: list[float]) -> Context:
        """A context whose retries never sleep; each wait is added to `slept`."""
        return Context(RetryPolicy(attempts=attempts, sleep=slept.append), ZoneInfo("Europe/Berlin"), lambda: NOW)

    def _assert_fit_to_print(self, text: str) -> None:
        assert text.splitlines() == [text], "an error is one line"
        assert len(text) <= LONGEST_LINE
        assert "<" not in text, "without markup"
        assert not [secret for secret in self.secrets if secret in text]
