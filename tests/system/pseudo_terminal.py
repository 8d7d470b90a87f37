"""A command on a pseudo-terminal of 80 columns, which answers its questions as a person would."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from waiting import HANG


class Terminal:
    """What stands on the screen, and the keys of its keyboard."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.screen = ""
        self._master = master
        self._answered = 0
        self._shown = select.poll()  # unlike select(), of any number of open files
        self._shown.register(master, select.POLLIN)

    def answer(self, question: str, text: str | bytes) -> None:
        """Types a line once the screen shows a question that was not answered yet."""
        self.wait_for(question, then="> ")
        self._answered = len(self.screen)
        os.write(self._master, (text if isinstance(text, bytes) else text.encode()) + b"\n")

    def press_ctrl_c(self, question: str) -> None:
        """Interrupts the command while it asks, and again if nothing comes of it, as a person would."""
        self.wait_for(question, then="> ")
        end = time.monotonic() + HANG
        while self.process.poll() is None:
            assert time.monotonic() < end, self.screen
            os.write(self._master, b"\x03")
            while self._shown.poll(2000):
                if not self._read():  # it has closed its terminal, and more keys would wait for a reader for ever
                    self.process.wait(HANG)
                    return

    def wait_for(self, text: str, *, then: str = "") -> None:
        """Waits until the screen shows a text, and `then` another after it, since the last answer."""
        end = time.monotonic() + HANG
        while not self._shows(text, then):
            assert time.monotonic() < end, self.screen
            assert self._read(), self.screen

    def _shows(self, text: str, then: str) -> bool:
        news = re.sub(r"\s+", " ", self.screen[self._answered :])  # a long text is wrapped
        return text in news and then in news.partition(text)[2]

    def ended(self) -> int:
        """The exit code, once it has ended."""
        while self._read():
            pass
        return self.process.wait(HANG)

    def _read(self) -> bool:
        """Reads what was shown; whether the command may show more."""
        assert self._shown.poll(HANG * 1000), self.screen
        try:
            shown = os.read(self._master, 65536)
        except OSError:  # the other side is closed
            return False
        self.screen += shown.decode(errors="replace").replace("\r\n", "\n")
        return bool(shown)


@contextmanager
def on_a_terminal(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    """`syncd` with these arguments, in a folder."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (40, 80))
    variables = {**os.environ, **(environment or {}), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "syncd", *arguments]
    process = subprocess.Popen(
        command, cwd=folder, env=variables, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        preexec_fn=_takes_the_terminal,
    )  # fmt: skip
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def _takes_the_terminal() -> None:
    """Makes standard input the terminal that Ctrl-C comes from; a job in the background would ignore it."""
    import fcntl

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
