"""A loopback server with the HTTP APIs of GitHub, GitLab, Jira and Google Sheets. The server can simulate faults.

    with serve(seed=7, now=DEMO_NOW) as box:
        Github(base_url=box.github_url, auth=Auth.Token(box.credentials["github"]), …)
        box.world.github.close_issue("acme/web", 7)
        box.fault(Fault("jira", "too_many", seconds=2, times=1))

The data describes a small company, acme. `story` has the events of one quarter, and `truth` computes the correct value
of every example key result. The sandbox imports nothing from syncd.
"""

from syncd.sandbox.box import Sandbox, serve
from syncd.sandbox.faults import Fault
from syncd.sandbox.okr_api import Received
from syncd.sandbox.server import LoggedRequest
from syncd.sandbox.story import DEMO_NOW, write_files
from syncd.sandbox.world import World

__all__ = ["DEMO_NOW", "Fault", "LoggedRequest", "Received", "Sandbox", "World", "serve", "write_files"]
