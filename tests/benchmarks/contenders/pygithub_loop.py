"""A plain loop over PyGithub's pull requests, as a first attempt looks: `pygithub_loop.py pulls URL`."""

import json
import os
import sys
from pathlib import Path

from github import Auth, Github

PLACE = Path("pygithub.json")


def pulls(url: str) -> int:
    """From the newest update down to the newest update of the last run."""
    last = json.loads(PLACE.read_text()) if PLACE.exists() else ""
    client = Github(base_url=f"{url}/github", auth=Auth.Token(os.environ["SECRET"]), per_page=100)
    client.requester._Requester__seconds_between_requests = None  # the default waits 0.25 s between two requests
    rows = []
    for pull in client.get_repo("acme/big").get_pulls(state="all", sort="updated", direction="desc"):
        updated = pull.updated_at.isoformat()
        if updated <= last:
            break
        rows.append((pull.number, pull.user.login, pull.base.ref, pull.merged_at, updated))
    if rows:
        PLACE.write_text(json.dumps(rows[0][-1]))
    return len(rows)


if __name__ == "__main__":
    print(pulls(sys.argv[2]))
