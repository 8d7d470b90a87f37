"""Packages of npm, downloaded once, and the node inside Playwright's wheel, which runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import playwright
import pytest
from waiting import HANG

NODE = Path(playwright.__file__).parent / "driver" / "node"
_FOLDER = Path(sys.prefix) / "npm"


def npm_package(name: str, version: str) -> Path:
    """The folder whose node_modules has a package. If it cannot be had, the test is skipped and says why; with CI=true
    it fails.
    """
    folder = _FOLDER / f"{name}-{version}"
    if not (folder / "node_modules" / name).exists():
        folder.mkdir(parents=True, exist_ok=True)
        problem = _install(f"{name}@{version}", folder)
        if problem is not None:
            message = f"the npm package {name} cannot be had here: {problem}"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)
    return folder


def _install(package: str, folder: Path) -> str | None:
    """Why it could not be downloaded; None if it was. No script of a package runs."""
    command = ["npm", "install", "--prefix", ".", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save", package]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=HANG)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stderr.strip().splitlines()[0] if done.returncode != 0 else None
