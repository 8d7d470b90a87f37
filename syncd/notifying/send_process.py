"""A process that sends one message by apprise and ends: `python -m syncd.notifying.send_process`.

apprise's services use HTTP, SMTP and more, each with its own library. The service's process could not end a request
whose answer is very slow or has no end. So each message has a separate process, with a deadline and a memory limit.

The process reads an address, a title, a text, the deadline in seconds and the limit in bytes, as JSON, from standard
input. The process writes whether the message was accepted, and apprise's log, as JSON, to standard output. The log
names the address, which contains secrets.
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
