"""Shared by every folder: how much is searched and measured, and a PostgreSQL server for the tests of each worker."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from budgets import Budgets
from examples import NIGHTLY
from hypothesis import HealthCheck, settings
from postgres_server import new_database, start_again, start_postgres, stop_postgres
from sampling import beyond_others, beyond_samples

LAST_RESORT = logging.lastResort
WAITING = {
    "test_soak.py",
    "test_workers.py",
    "test_sharded_workers.py",
    "test_takeover.py",
    "test_deployment_run.py",
    "test_silence.py",
}

# In every run the same examples, however slow the machine; in the nightly run many more, and new ones.
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("gate", derandomize=True, max_examples=40, **PATIENT)
settings.register_profile("nightly", derandomize=False, max_examples=1000, **PATIENT)
settings.load_profile("nightly" if NIGHTLY else "gate")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Budgets(config), "budgets")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves to the nightly run what is beyond a sample, puts first what waits, and says what is not measured.

    The soak and others wait more than they work: beside all the others, and not alone at the end. Where coverage is
    measured, pytest-cov is told which tests are not; elsewhere it trips over its own marker.
    """
    for beyond in (beyond_others, beyond_samples):
        for item in list(beyond(items)):
            item.add_marker(pytest.mark.nightly)
    items.sort(key=lambda item: item.path.name not in WAITING)
    if config.getoption("cov_source") and not config.getoption("no_cov"):
        for item in items:
            if item.get_closest_marker("unmeasured"):
                item.add_marker("no_cover")


def pytest_collectstart() -> None:
    """What is collected stays: until all tests are, the garbage collector finds nothing."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Ten thousand items and all modules stay to the end: the garbage collector need not look at them each time. It
    looks at other objects less often than Python's own settings have it, because a test's process has memory enough.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    gc.enable()


@pytest.fixture(autouse=True)
def _unmeasured_processes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test that is not measured starts is not measured either."""
    if request.node.get_closest_marker("no_cover"):
        for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
            monkeypatch.delenv(name)


def clear_log() -> None:
    """Undoes what `set_up_log` does."""
    log = logging.getLogger("syncd")
    log.handlers[:], log.propagate = [], True
    log.setLevel(logging.NOTSET)
    logging.lastResort = LAST_RESORT


@pytest.fixture(autouse=True)
def _log_as_python_has_it() -> Iterator[None]:
    """A command that runs in this process sets up the log; the next test has it as Python does, also if a fixture of a
    module or of the whole session ran the command.
    """
    clear_log()
    yield
    clear_log()


@pytest.fixture(autouse=True)
def _commands_end_with_the_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a command that a test runs in this process leaves to the end of its process: its ledger is closed."""
    with ExitStack() as at_its_end:
        monkeypatch.setattr("syncd.cli.opening.atexit", SimpleNamespace(register=at_its_end.callback))
        yield


@contextmanager
def a_postgres() -> Iterator[Any]:
    """A real server, until the block ends. With CI set, no server is a failure; else it is a skip."""
    try:
        server = start_postgres()
    except Exception as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"there is no PostgreSQL: {error}")
    yield server
    stop_postgres(server)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """A server that a worker's tests share."""
    with a_postgres() as server:
        yield server


@pytest.fixture
def mortal_postgres(postgres_server: Any, new_postgres: Callable[[], str]) -> Iterator[tuple[Any, str]]:
    """The server, for a test that stops it and starts it again, and the URL of an empty database on it."""
    yield postgres_server, new_postgres()
    start_again(postgres_server)


@pytest.fixture(scope="session")
def new_postgres(postgres_server: Any) -> Callable[[], str]:
    """Gives the URL of one more empty database, each time that it is called; its role owns it and may nothing else."""
    numbers = count(1)
    return lambda: new_database(postgres_server, f"test_{next(numbers)}")
