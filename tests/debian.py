"""Programs of Debian packages: downloaded and unpacked once, never installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import HANG

_UNPACKED = Path(sys.prefix) / "debian"


def program(package: str, path: str) -> Path:
    """A program of a package. If the package cannot be had, the test is skipped and says why; with CI=true it fails."""
    unpacked = _UNPACKED / package
    if not (unpacked / path).exists():
        unpacked.mkdir(parents=True, exist_ok=True)
        problem = _unpack(package, unpacked)
        if problem is not None:
            message = f"the Debian package {package} cannot be had here: {problem}"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)
    return unpacked / path


def _unpack(package: str, folder: Path) -> str | None:
    """Why it could not be downloaded or unpacked; None if it was."""
    for command in (["apt-get", "download", package], ["sh", "-c", f"dpkg-deb -x {package}_*.deb ."]):
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=HANG)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode != 0:
            return done.stderr.strip().splitlines()[-1]
    return None
