"""The real client libraries, pointed at a sandbox."""

from __future__ import annotations

import gspread
import requests
from github import Auth, Github
from jira import JIRA
from waiting import HANG

from syncd.sandbox import Sandbox


def github(box: Sandbox, token: str | None = None) -> Github:
    auth = Auth.Token(token or box.credentials["github"])
    at_once = {"seconds_between_requests": 0, "seconds_between_writes": 0}
    return Github(base_url=box.github_url, auth=auth, retry=None, per_page=100, timeout=HANG, **at_once)


def jira_cloud(box: Sandbox, token: str = "jira_token") -> JIRA:
    secrets = box.credentials
    return JIRA(box.jira_url, basic_auth=(secrets["jira_email"], secrets[token]), max_retries=0, timeout=HANG)


def jira_dc(box: Sandbox, token: str = "jira_pat") -> JIRA:
    return JIRA(box.jira_dc_url, token_auth=box.credentials[token], max_retries=0, timeout=HANG)


def sheets_http(box: Sandbox) -> type[gspread.HTTPClient]:
    """gspread's own client sent to the sandbox. Its address is fixed, so each request's address is replaced."""

    class Loopback(gspread.HTTPClient):
        def request(self, method: str, endpoint: str, *args: object, **kwargs: object) -> requests.Response:
            address = endpoint.replace("https://sheets.googleapis.com", box.sheets_url)
            return super().request(method, address, *args, **kwargs)

    return Loopback
