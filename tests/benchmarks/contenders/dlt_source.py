"""dlt's rest_api source, into DuckDB: `dlt_source.py pulls|issues|books URL`. Its state is in the working folder."""

import os
import sys
from typing import Any

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"  # before the import: nothing here leaves the machine

import dlt
from dlt.sources.rest_api import rest_api_resources

SINCE = "2024-01-01T00:00:00Z"
FIELDS = "summary,status,resolution,resolutiondate,statuscategorychangedate,created,updated,customfield_10016"


def pulls(url: str) -> dict[str, Any]:
    """From the newest update down, merged by id; dlt's incremental stops at the newest update of the last run."""
    newest = {"cursor_path": "updated_at", "initial_value": SINCE, "row_order": "desc"}
    return {
        "client": {
            "base_url": f"{url}/github/",
            "auth": {"type": "bearer", "token": os.environ["SECRET"]},
            "paginator": "header_link",
        },
        "resources": [
            {
                "name": "pulls",
                "primary_key": "id",
                "write_disposition": "merge",
                "max_table_nesting": 0,
                "endpoint": {
                    "path": "repos/acme/big/pulls",
                    "params": {"state": "all", "sort": "updated", "direction": "desc", "per_page": 100},
                    "incremental": newest,
                },
            }
        ],
    }


def issues(url: str) -> dict[str, Any]:
    """Every issue each time, by page tokens: dlt's incremental cannot write times in JQL's format, whole minutes."""
    return {
        "client": {
            "base_url": f"{url}/jira/rest/api/2/",
            "auth": {"type": "http_basic", "username": "bot@acme.example", "password": os.environ["SECRET"]},
        },
        "resources": [
            {
                "name": "issues",
                "primary_key": "id",
                "write_disposition": "merge",
                "max_table_nesting": 0,
                "endpoint": {
                    "path": "search/jql",
                    "data_selector": "issues",
                    "params": {"jql": "project = KB ORDER BY updated ASC", "fields": FIELDS, "maxResults": 500},
                    "paginator": {
                        "type": "cursor",
                        "cursor_path": "nextPageToken",
                        "cursor_param": "nextPageToken",
                    },
                },
            }
        ],
    }


def books(url: str) -> dict[str, Any]:
    """A resource for each spreadsheet; each run replaces it."""
    ranges = "&".join(f"ranges=S{index}!A1:B" for index in range(10))
    return {
        "client": {
            "base_url": f"{url}/sheets/v4/spreadsheets/",
            "auth": {"type": "bearer", "token": os.environ["SECRET"]},
            "paginator": "single_page",
        },
        "resources": [
            {
                "name": f"book_{number:02}",
                "write_disposition": "replace",
                "max_table_nesting": 0,
                "endpoint": {
                    "path": f"book-{number:02}/values:batchGet?{ranges}&valueRenderOption=UNFORMATTED_VALUE",
                    "data_selector": "valueRanges",
                },
            }
            for number in range(20)
        ],
    }


if __name__ == "__main__":
    what, address = sys.argv[1:]
    config = {"pulls": pulls, "issues": issues, "books": books}[what](address)
    pipeline = dlt.pipeline("pull", pipelines_dir="dlt", destination=dlt.destinations.duckdb("file.duckdb"))
    pipeline.run(rest_api_resources(config), dataset_name="facts")
    counts = pipeline.last_trace.last_normalize_info.row_counts
    print(sum(number for name, number in counts.items() if not name.startswith("_")))
