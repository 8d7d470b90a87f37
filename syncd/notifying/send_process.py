"""A process that sends one message by apprise and ends: `python -m syncd.notifying.send_process`.

apprise's services speak HTTP, SMTP and more, each through a library of its own, and nothing in this process could end
one that drips or answers without end. So each message has a process, which has a deadline and a bound of memory.

It reads an address, a title, a text, the deadline in seconds and the bound in bytes, as JSON, from standard input. It
writes whether the message was accepted, and apprise's log, as JSON, to standard output. The log names the address,
which holds secrets.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys


def main() -> None:
    """Sends the message, and ends without waiting for threads that still wait for a server."""
    address, title, text, deadline, largest = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (largest, largest))
    import apprise

    asset = apprise.AppriseAsset(
        app_id="syncd",
        app_desc="syncd",
        secure_logging=True,
        http_redirects=False,  # a redirect may lead the address's credentials to another server
    )
    sender = apprise.Apprise(asset=asset)
    sender.add(address)
    logging.getLogger("apprise").propagate = False
    with apprise.LogCapture(level=logging.DEBUG) as captured:
        sent = sender.notify(title=title, body=text, body_format=apprise.NotifyFormat.TEXT, timeout=deadline)
        log = captured.getvalue()
    sys.stdout.write(json.dumps([bool(sent), log]))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
