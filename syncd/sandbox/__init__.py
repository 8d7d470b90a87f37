"""A loopback server that speaks GitHub's, Jira's and Google Sheets' HTTP, with faults on demand.

    with serve(seed=7, now=DEMO_NOW) as box:
        Github(base_url=box.github_url, auth=Auth.Token(box.credentials["github"]), …)
        box.world.github.close_issue("acme/web", 7)
        box.fault(Fault("jira", "too_many", seconds=2, times=1))

It stands for a small company whose quarter is told in `story`; `truth` says what every example key result really is.
It imports nothing of syncd.
"""

from syncd.sandbox.box import Sandbox, serve
from syncd.sandbox.faults import Fault
from syncd.sandbox.okr_api import Received
from syncd.sandbox.server import Request
from syncd.sandbox.story import DEMO_NOW, write_files
from syncd.sandbox.world import World

__all__ = ["DEMO_NOW", "Fault", "Received", "Request", "Sandbox", "World", "serve", "write_files"]
