"""The common start of every command that pulls: checks everything, locks the ledger, and shows the progress of the
pulls.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from syncd.cli.log import set_up_log
from syncd.cli.memory import share_a_heap
from syncd.cli.opening import open_config, writing_ledger
from syncd.cli.progress import watcher
from syncd.config.deployment import read_deployment
from syncd.config.messages import nearest
from syncd.cycle.model import CycleRequest
from syncd.ledger import cycle_lock
from syncd.sdk import ConfigError, RetryPolicy


@contextmanager
def ready_to_pull(
    path: Path,
    only: str | None,
    log_format: str,
    *,
    reconcile: bool = False,
    new_ledger: bool = False,
    workspace: str | None = None,
) -> Iterator[CycleRequest]:
    """Yields the request for a cycle, with the ledger locked. Raises ConfigError before anything is changed."""
    share_a_heap()
    set_up_log(log_format, logging.ERROR)
    config, clock = open_config(path, workspace)
    ids = [kr.id for okrs in config.periods for kr in okrs.key_results]
    if only is not None and only not in ids:
        raise ConfigError(f"there is no key result {only!r}{nearest(only, ids)}")
    ledger = writing_ledger(config, new=new_ledger)
    try:
        with cycle_lock(ledger.engine), _retry_policy(path, workspace) as retry, watcher(sys.stderr) as progress:
            yield CycleRequest(config, ledger, clock, retry, only, reconcile, watcher=progress)
    finally:
        ledger.close()


@contextmanager
def _retry_policy(path: Path, workspace: str | None) -> Iterator[RetryPolicy]:
    """The retry policy of requests. In a deployment with workers, the policy has the quotas that the workers share."""
    if workspace is None or (deployment := read_deployment(path)) is None or deployment.settings.runner == "threads":
        yield RetryPolicy()
        return
    from syncd.workspaces.control import open_control
    from syncd.workspaces.quotas import StoredQuotas

    reclaim = deployment.settings.worker.reclaim
    with closing(open_control(deployment.ledger_url(), deployment.ledger_url, reclaim=reclaim)) as control:
        yield RetryPolicy(quotas=StoredQuotas(lambda: control.engine, workspace))
