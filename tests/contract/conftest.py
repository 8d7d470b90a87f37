"""What contract tests share: an empty sandbox, a context that never sleeps, and empty ledgers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from mariadb_server import running_mariadb
from opened import create_ledger
from shared_demo import copy_of_demo
from sqlalchemy import create_engine, text

from syncd.ledger import Ledger, migrate
from syncd.ledger.schema import metadata
from syncd.sandbox import DEMO_NOW, Sandbox
from syncd.sandbox.world import World
from syncd.sdk import Context, RetryPolicy
from syncd.sdk.testing.statements import KINDS

BERLIN = ZoneInfo("Europe/Berlin")


SAMPLE = {"503", "half an answer", "401", "an answer that is lost"}
"""The ailments of a suite whose client library another suite tries with all of them: of each kind a few."""

FEW = {"503", "half an answer"}
"""Those of a sibling that are tried on each of its requests in turn."""

WRITES = {"503", "429 for an hour", "401", "an answer that is lost"}
"""Those of a sibling's writes: of each reaction one."""

ON_EACH_REQUEST = {
    "test_what_breaks_on_any_page_never_passes_for_the_whole",
    "test_a_census_that_breaks_never_passes_for_the_whole",
    "test_what_passes_is_sat_out",
    "test_after_any_failure_a_fresh_attempt_ends_as_an_undisturbed_attempt",
}
"""A read meets every ailment on its first request anyway (`test_what_is_tried_again_and_after_how_long`)."""

KINDS_OF_STATEMENTS = {"negative", "markup", "an unknown number"}
"""What a sibling writes, of all that `test_what_is_written_is_read_back` knows."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is beyond the sample of a suite is left to the nightly run."""
    imported: set[object] = set()
    for item in items:
        connector = getattr(getattr(item, "cls", None), "connector", None)
        if connector is not None and "test_importing_it" in item.name:
            of_it = (connector, *item.cls.libraries)  # type: ignore[attr-defined]
            if of_it in imported:  # another suite of the same connector says so
                item.add_marker(pytest.mark.nightly)
            imported.add(of_it)
        params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        ailment, changes = params.get("ailment") or params.get("passing"), params.get("changes")
        ailments, kinds = sample_of(item)
        if (ailment is not None and ailments is not None and ailment.name not in ailments) or (
            changes is not None and kinds is not None and changes not in [KINDS[kind] for kind in kinds]
        ):
            item.add_marker(pytest.mark.nightly)


def sample_of(item: pytest.Item) -> tuple[set[str] | None, set[str] | None]:
    """The ailments and the kinds of statements that the gate takes of a test of a suite; None stands for all."""
    whole, sibling = item.get_closest_marker("whole"), item.get_closest_marker("sibling")
    on_each = getattr(item, "originalname", "") in ON_EACH_REQUEST
    if sibling:
        write = "what_may_pass" in item.name
        return FEW if on_each else WRITES if write else SAMPLE, None if whole else KINDS_OF_STATEMENTS
    if not on_each or (whole and "census" not in item.name and "sat_out" not in item.name):
        return None, None
    return SAMPLE, None


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The syncd.yaml of `syncd demo`, with the ledger that it leaves; for tests that only read."""
    folder = copy_of_demo(tmp_path_factory, tmp_path_factory.mktemp("demo") / "syncd-demo")
    return folder / "syncd.yaml"


@pytest.fixture(autouse=True, scope="session")
def _files_count_as_written_sooner() -> Iterator[None]:
    """A test that has just written a file need not wait for a second."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("connectors.files.source.SETTLED", 0.1)
        yield


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """With nothing in it: a test says itself what there is."""
    with Sandbox(World(DEMO_NOW), "127.0.0.1", 0).running() as one:
        yield one


@pytest.fixture
def slept() -> list[float]:
    """How long the connector of this test waited, each time."""
    return []


@pytest.fixture
def context(slept: list[float]) -> Context:
    return Context(RetryPolicy(attempts=3, sleep=slept.append), BERLIN, lambda: DEMO_NOW)


# -- a ledger on each database: the migrations run once, and a test begins with a copy


@pytest.fixture(scope="session")
def sqlite_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "ledger.db"
    create_ledger(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgres_model(new_postgres: Callable[[], str]) -> str:
    url = new_postgres()
    create_ledger(url).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A ledger without a row, as the migrations made it."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_model"), tmp_path / "ledger.db")
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    model: str = request.getfixturevalue("postgres_model")
    engine = create_engine(model)
    with engine.begin() as connection:
        tables = ", ".join(table.name for table in metadata.sorted_tables)
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
        new = {"ledger": uuid4().hex, "from": migrate.head()}
        connection.execute(text("INSERT INTO control VALUES (1, :ledger, :from, NULL)"), new)
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": migrate.head()})
    engine.dispose()
    return model


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    created = create_ledger(url)
    yield created
    created.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place for a ledger."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    new: Callable[[], str] = request.getfixturevalue("new_postgres")
    return new()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate that nobody signed."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    now = datetime.now(UTC)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    signed = builder.sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(scope="session")
def mariadb() -> Iterator[str]:
    """The address of the administrator of a MariaDB server that a worker's tests share."""
    with running_mariadb() as url:
        yield url
