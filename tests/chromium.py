"""Debian's Chromium: the one that is there, or installed where that may be done."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from waiting import HANG

_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",  # it refuses to run as root with one
)
"""A browser that asks nobody for anything but the pages that it is sent to."""


@contextmanager
def a_browser(environment: Mapping[str, str] | None = None) -> Iterator[Browser]:
    """Chromium without a window, until the block ends, with these variables beside those of this process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_chromium(), args=_QUIET, env={**os.environ, **(environment or {})}
        )
        yield browser
        browser.close()


def _chromium() -> str:
    """The path of the program. If it cannot be had, the test is skipped and says why; with CI=true it fails."""
    with (Path(sys.prefix) / "chromium.lock").open("w") as lock:  # tests run in several processes
        fcntl.flock(lock, fcntl.LOCK_EX)
        problem = None if shutil.which("chromium") else _install()
    if problem is not None:
        message = f"Debian's Chromium cannot be had here: {problem}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    path = shutil.which("chromium")
    assert path is not None
    return path


def _install() -> str | None:
    """Installs it from Debian. Why that failed; None if it did not."""
    if os.geteuid() != 0:
        return "install the package chromium, or run the tests as root"
    install = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
    if _run(install) is None:
        return None
    return _run(["apt-get", "update"]) or _run(install)


def _run(command: Sequence[str]) -> str | None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=HANG,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stderr.strip().splitlines()[-1] if done.returncode else None
