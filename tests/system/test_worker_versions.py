"""Workers of two versions on one database, as while a deployment is upgraded: each runs jobs, and an older version
leaves a ledger alone in which it may not write.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from company import Company, company
from projects import Project
from test_versions_side_by_side import ROOT, wheel_of_parent
from waiting import HANG, wait_for

from syncd.sandbox import Sandbox

pytestmark = [pytest.mark.nightly, pytest.mark.unmeasured]

LATER = '''\
"""Of a later syncd, beside which no earlier one may write."""

from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    op.execute("UPDATE control SET writes_from = '9999'")
'''


@pytest.fixture
def workers(tmp_path: Path, box: Sandbox, new_postgres: Callable[[], str]) -> Iterator[Company]:
    with company(tmp_path / "company", box, new_postgres()) as made:
        yield made


@contextmanager
def worker_of(installed: Path, workers: Company) -> Iterator[Path]:
    """A worker of the version in a folder, until the block ends; gives its log."""
    environment = {**workers.project.environment, "PYTHONPATH": str(installed)}
    log = installed.with_suffix(".log")
    with log.open("w") as file:
        command = Project.command("worker")
        process = subprocess.Popen(command, cwd=workers.project.folder, env=environment, stderr=file)
    try:
        wait_for(lambda: "started" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield log
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(HANG)


def jobs_of(log: str) -> int:
    """How many cycles a worker has run."""
    return log.count("cycle ended")


def test_worker_of_an_earlier_version_and_one_of_this_both_run_jobs(tmp_path: Path, workers: Company) -> None:
    """The earlier version made the control schema, which the scripts of this one bring up to date under it."""
    installed = wheel_of_parent(tmp_path / "earlier", "-Swakes 2", "--", "syncd/workspaces")
    with worker_of(installed, workers) as earlier:
        wait_for(workers.settled)
        present = workers.start()
        while not (jobs_of(earlier.read_text()) > 3 and jobs_of(workers.log_of(present)) > 3):
            workers.change()
            wait_for(workers.settled)
            workers.check()


def test_earlier_worker_leaves_a_ledger_alone_in_which_it_may_not_write(tmp_path: Path, workers: Company) -> None:
    later = tmp_path / "later"
    for package in ("syncd", "connectors", "mappings"):
        shutil.copytree(ROOT / package, later / package, ignore=shutil.ignore_patterns("__pycache__"))
    versions = later / "syncd" / "ledger" / "migrations" / "versions"
    head = max(path.name for path in versions.glob("[0-9]*_*.py"))[:4]
    (versions / "9999_later.py").write_text(LATER.format(head=head))
    workers.start()
    wait_for(workers.settled)
    earlier = workers.digest("alpha")
    with worker_of(later, workers):
        wait_for(lambda: migrated(workers))
        workers.check_targets()
        # Jobs are for the earlier version again, as after nobody had taken them for long: it must not keep them.
        workers.ask("UPDATE syncd.workspaces SET digest = %s, digest_at = now() WHERE name = 'alpha'", earlier)
        workers.change()
        wait_for(lambda: "was written by a newer syncd (9999)" in workers.log_of(workers.workers[0]))
        wait_for(workers.settled)
        workers.check_targets()
        before = workers.ledger("alpha")
    workers.change()
    wait_for(lambda: all("newer syncd" in str(problem) for _, problem, _ in workers.rows().values()))
    assert workers.ledger("alpha") == before
    with worker_of(later, workers):
        wait_for(workers.settled)
        workers.check_targets()


def migrated(workers: Company) -> bool:
    """Whether the later version has run every workspace; until then, it asks for another job of each."""
    if not workers.settled():
        return False
    numbers = {workers.ask(f"SELECT writes_from FROM ws_{name}.control")[0][0] for name in workers.issues}
    if numbers != {"9999"}:
        workers.change()
    return numbers == {"9999"}
