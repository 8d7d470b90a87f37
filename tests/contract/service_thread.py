"""A service that runs in a thread of the test, over a project whose clock the test sets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from csv_project import CsvProject
from prometheus_client.parser import text_string_to_metric_families
from waiting import HANG, wait_for

from syncd.service import Service

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@contextmanager
def serving(project: CsvProject) -> Iterator[Service]:
    """The service of a project, after its first cycle."""
    service = Service(project.folder / "syncd.yaml", project.config, lambda: project.now, project.ledger)
    with in_a_thread(service):
        yield service


@contextmanager
def in_a_thread(service: Service) -> Iterator[None]:
    """Runs a service until the block ends; the block begins after its first cycle."""
    thread = threading.Thread(target=service.run, daemon=True)
    thread.start()
    try:
        wait_for(lambda: service.cycles)
        yield
    finally:
        service.stop()
        thread.join(HANG)


def cycle(service: Service) -> None:
    """Has the service run a cycle, and waits for its end."""
    before = service.cycles
    service.reload()
    wait_for(lambda: service.cycles > before)


def series(service: Service) -> Series:
    """Every series of a scrape, by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(service.scrape().decode())
        for sample in family.samples
    }


def labels(service: Service, name: str) -> list[dict[str, str]]:
    """The labels of every series with this name."""
    return [dict(series_labels) for series_name, series_labels in series(service) if series_name == name]
