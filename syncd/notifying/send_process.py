"""A program that sends one message by apprise and ends: `python -m syncd.notifying.send_process`.

apprise's services use HTTP, SMTP and more, each with its own library. syncd cannot end a request of such a library if
the response is very slow or has no end. Each message therefore has a separate process, with a deadline and a memory
limit.

The process reads a JSON list from standard input: the address, the title, the text, the deadline in seconds and the
memory limit in bytes. It writes a JSON list to standard output: whether the message was accepted, and apprise's log.
The log contains the address, and thus secrets.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys


def main() -> None:
    """Sends the message, and ends the process even if threads still wait for a server."""
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
