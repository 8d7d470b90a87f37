"""What the service holds open beside sources that drip: as much after many broken-off requests as after a few."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from forked import Forked
from projects import Project
from test_run import running
from waiting import wait_for

KEYS = "timeout: 0.1, deadline: 0.1s"
FEW, MANY = 15, 60


class Dripping:
    """`broken_off` counts the requests whose connection the client closed before the answer was whole."""

    def __init__(self, listening: socket.socket) -> None:
        self.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.broken_off = 0
        self._lock = threading.Lock()

    def answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while True:
                time.sleep(0.02)
                connection.sendall(b" ")
        with self._lock:
            self.broken_off += 1


@contextmanager
def dripping() -> Iterator[Dripping]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Dripping(listening)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=server.answer, args=(listening.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server
        listening.shutdown(socket.SHUT_RDWR)


def held(process: Forked) -> tuple[int, int]:
    """The most handles, and the most threads, that a process has in a second."""
    samples = []
    for _ in range(20):
        folders = (f"/proc/{process.pid}/fd", f"/proc/{process.pid}/task")
        samples.append([len(os.listdir(folder)) for folder in folders])
        time.sleep(0.05)
    handles, threads = zip(*samples, strict=True)
    return max(handles), max(threads)


def test_broken_off_requests_leave_no_handle_and_no_thread_in_the_service(project: Project) -> None:
    """Through each client library."""
    with dripping() as server:
        file = project.folder / "syncd.yaml"
        text, count = re.subn(r'url: "http[^"]*"', f'url: "{server.address}", {KEYS}', file.read_text())
        assert count == 6
        file.write_text(text)
        with running(project) as (process, _):
            wait_for(lambda: server.broken_off >= FEW)
            handles, threads = held(process)
            wait_for(lambda: server.broken_off >= MANY)

            def is_as_before() -> bool:
                now = held(process)
                return now[0] <= handles and now[1] <= threads

            wait_for(is_as_before)
