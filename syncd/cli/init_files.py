"""The first files of a project, as `syncd init` writes them: an example, or files made from answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from math import ceil, floor

import orjson

from syncd.config.json_schema import mapping_schema, project_schema
from syncd.okr.spans import Period

SCHEMAS = {"schemas/mapping.json": mapping_schema, "schemas/project.json": project_schema}
"""The JSON Schemas for editors, by file name. The first line of syncd.yaml or a mapping file names its schema."""

_PROJECT = """\
# yaml-language-server: $schema=schemas/project.json
# syncd.yaml: where numbers come from. `syncd validate` checks it, `syncd doctor` asks every system.
mappings: mappings/              # the folder of mapping files
"""

_ALONE = """\
ledger: sqlite:///syncd.db       # or postgresql+psycopg://syncd:${LEDGER_PASSWORD}@db/syncd
schedule: 15m                    # how often `syncd run` syncs: 15m, 6h, or a cron line
timezone: UTC                    # days and quarters are cut in it, such as Europe/Berlin
"""

_IN_DEPLOYMENT = """\
# The ledger, the schedule and the time zone are those of the deployment; `schedule:` and `timezone:` here would win.
"""

_CONNECTIONS = "\nconnections:\n"

_EXAMPLE_CONNECTIONS = """\
  # Spreadsheet files in a folder: works at once.
  local: {type: files, root: data/}

  # Others, when you want them. ${NAME} is read from the environment, or from the file that NAME_FILE names;
  # a secret written out here is refused.
  # code:    {type: github, token: "${GITHUB_TOKEN}"}
  # tickets:
  #   {type: jira, url: "https://YOURS.atlassian.net", email: bot@example.com, token: "${JIRA_TOKEN}",
  #    delivered_unless: [Won't Do, Won't Fix, Duplicate, Cannot Reproduce, Declined]}   # these do not count
  # numbers: {type: sheets, credentials: google.json}
  # metrics: {type: http, url: "https://metrics.example.com", headers: {X-Api-Key: "${METRICS_KEY}"}}
"""

_MAPPING = """\
# yaml-language-server: $schema=../schemas/mapping.json
# Objectives and their key results. No Python: `syncd validate` says at which line something is wrong.
# An outcome is the change you want; an output is the work done for it. `drives` says which outcome an output is for.
period: {period}

objectives:
  - id: {objective}
    title: {title}
    owner: {owner}
    key_results:
{key_results}
# `syncd test` runs these: what the numbers would be if the facts were so. Write one for each rule that matters.
tests:
{tests}"""

_EXAMPLE_KEY_RESULTS = """\
      - id: calls
        title: Calls to the support line fall from 1,200 to 600 a week
        kind: outcome
        unit: calls/week
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, series: {dates: Week, values: Calls}, take: latest}

      - id: articles
        title: 40 product articles published
        kind: output
        target: 40
        drives: calls
        lag: 3w
        measure: {from: local, file: articles.csv, series: {dates: Week, values: Published}, take: sum}

      - id: satisfaction
        title: Customers rate our answers 4.5 of 5
        kind: outcome
        unit: of 5
        baseline: 3.9
        target: 4.5
        measure: {from: local, file: calls.csv, series: {dates: Week, values: Rating}, take: latest}
"""

_EXAMPLE_TESTS = """\
  - name: The newest week counts, and a blank cell is no reading
    at: {third}
    given:
      calls: [{{date: {first}, value: 1200}}, {{date: {second}, value: 900}}, {{date: {third}, value: null}}]
      articles: [{{date: {first}, value: 6}}, {{date: {second}, value: 4}}]
    expect:
      calls: {{value: 900, progress: 50%}}
      articles: {{value: 10, progress: 25%}}
      satisfaction: {{value: null, health: unknown}}
"""


def example(period: Period, today: date) -> dict[str, str]:
    """The files of the example, by name. Its three key results are measured from CSV files, and are on pace today."""
    first, second, third = (period.first + timedelta(days=days) for days in (0, 7, 14))
    days = _weeks(period, today)
    calls = [f"{day},{floor(1200 - 600 * share)},{ceil(390 + 60 * share) / 100:g}" for day, share in days]
    articles = [ceil(40 * share) for _, share in days]
    published = [now - before for before, now in zip([0, *articles], articles, strict=False)]
    return {
        **project(_EXAMPLE_CONNECTIONS),
        "mappings/okrs.yaml": mapping(
            period,
            "self-service",
            "Customers find answers without calling us",
            "support",
            _EXAMPLE_KEY_RESULTS,
            _EXAMPLE_TESTS.format(first=first, second=second, third=third),
        ),
        "data/calls.csv": "\n".join(["Week,Calls,Rating", *calls, ""]),
        "data/articles.csv": "\n".join(
            ["Week,Published", *(f"{day},{more}" for (day, _), more in zip(days, published, strict=True)), ""]
        ),
    }


def _weeks(period: Period, today: date) -> list[tuple[date, float]]:
    """The first day of each week before today, and today. Each day comes with the share of the period that has passed
    at its end.
    """
    weeks = [period.first + timedelta(weeks=week) for week in range(54)]
    days = [day for day in weeks if day < today] + [today]
    return [(day, ((day - period.first).days + 1) / period.days) for day in days]


def project(connections: str) -> dict[str, str]:
    """syncd.yaml with these connections, and the schemas for editors."""
    schemas = {
        name: orjson.dumps(schema(), option=orjson.OPT_INDENT_2).decode() + "\n" for name, schema in SCHEMAS.items()
    }
    return {"syncd.yaml": _PROJECT + _ALONE + _CONNECTIONS + connections, **schemas}


def of_workspace(files: Mapping[str, str]) -> dict[str, str]:
    """The files of a project, changed into the files of a workspace of a deployment."""
    return {**files, "syncd.yaml": files["syncd.yaml"].replace(_ALONE, _IN_DEPLOYMENT)}


def mapping(period: Period, objective: str, title: str, owner: str, key_results: str, tests: str) -> str:
    """A mapping file with an objective."""
    return _MAPPING.format(
        period=period.id, objective=objective, title=title, owner=owner, key_results=key_results, tests=tests
    )
