"""A loopback server that speaks the HTTP of GitHub, GitLab, Jira and Google Sheets, with faults on demand.

    with serve(seed=7, now=DEMO_NOW) as box:
        Github(base_url=box.github_url, auth=Auth.Token(box.credentials["github"]), …)
        box.world.github.close_issue("acme/web", 7)
        box.fault(Fault("jira", "too_many", seconds=2, times=1))

It serves a small company, acme: `story` says what happened there in one quarter, and `truth` works out what every
example key result must be. It imports nothing of syncd.
"""

from syncd.sandbox.box import Sandbox, serve
from syncd.sandbox.faults import Fault
from syncd.sandbox.okr_api import Received
from syncd.sandbox.server import LoggedRequest
from syncd.sandbox.story import DEMO_NOW, write_files
from syncd.sandbox.world import World

__all__ = ["DEMO_NOW", "Fault", "LoggedRequest", "Received", "Sandbox", "World", "serve", "write_files"]
