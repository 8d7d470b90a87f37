"""What contract tests share: an empty sandbox, a context that never sleeps, and empty ledgers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from mariadb_server import running_mariadb
from opened import create_ledger
from sqlalchemy import create_engine, text

from syncd.ledger import Ledger, migrate
from syncd.ledger.schema import metadata
from syncd.sandbox import DEMO_NOW, Sandbox
from syncd.sandbox.world import World
from syncd.sdk import Context, RetryPolicy

BERLIN = ZoneInfo("Europe/Berlin")


SAMPLE = {
    "503", "429 for an hour", "half an answer", "half of its JSON", "401", "an answer that is lost",
}  # fmt: skip
"""The ailments of a suite whose client library another suite tries with all of them: of each kind a few."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is beyond the sample of a sibling is left to the nightly run."""
    for item in items:
        if item.get_closest_marker("sibling") and isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            ailment = item.callspec.params.get("ailment") or item.callspec.params.get("passing")
            if ailment is not None and ailment.name not in SAMPLE:
                item.add_marker(pytest.mark.nightly)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The syncd.yaml of `syncd demo`, with the ledger that it leaves; for tests that only read."""
    folder = tmp_path_factory.mktemp("demo") / "syncd-demo"
    command = [sys.executable, "-m", "syncd", "demo", "--folder", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "syncd.yaml"


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
