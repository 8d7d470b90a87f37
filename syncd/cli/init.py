"""`syncd init`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from syncd.cli.output import say
from syncd.sdk import ConfigError

_PROJECT = """\
# syncd.yaml: where numbers come from. `syncd validate` checks it, `syncd doctor` asks every system.
mappings: mappings/              # the folder of mapping files
ledger: sqlite:///syncd.db       # or postgresql+psycopg://syncd:${LEDGER_PASSWORD}@db/syncd
schedule: 15m                    # how often `syncd run` syncs: 15m, 6h, or a cron line
timezone: UTC                    # days and quarters are cut in it, such as Europe/Berlin

connections:
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
# Objectives and their key results. No Python: `syncd validate` says at which line something is wrong.
# An outcome is the change you want; an output is the work done for it. `drives` says which outcome an output is for.
period: {period}

objectives:
  - id: self-service
    title: Customers find answers without calling us
    owner: support
    key_results:
      - id: calls
        title: Calls to the support line fall from 1,200 to 600 a week
        kind: outcome
        unit: calls/week
        baseline: 1200
        target: 600
        measure: {{from: local, file: calls.csv, series: {{dates: Week, values: Calls}}, take: latest}}

      - id: articles
        title: 40 product articles published
        kind: output
        target: 40
        drives: calls
        lag: 3w
        measure: {{from: local, file: articles.csv, series: {{dates: Week, values: Published}}, take: sum}}

      - id: satisfaction
        title: Customers rate our answers 4.5 of 5
        kind: outcome
        unit: of 5
        baseline: 3.9
        target: 4.5
        measure: {{from: local, file: calls.csv, series: {{dates: Week, values: Rating}}, take: latest}}
"""


def run(folder: Path) -> None:
    """Writes the first files of a project; none if a file of that name exists."""
    now = datetime.now(UTC)
    quarter = (now.month + 2) // 3
    first = f"{now.year}-{3 * quarter - 2:02}"
    files = {
        "syncd.yaml": _PROJECT,
        "mappings/okrs.yaml": _MAPPING.format(period=f"{now.year}-Q{quarter}"),
        "data/calls.csv": f"Week,Calls,Rating\n{first}-01,1180,3.9\n{first}-08,1160,4.0\n",
        "data/articles.csv": f"Week,Published\n{first}-01,3\n{first}-08,4\n",
    }
    existing = [name for name in files if (folder / name).exists()]
    if existing:
        raise ConfigError(f"{folder / existing[0]} exists already, and init overwrites nothing; name an empty folder")
    for name, text in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConfigError(f"{path} cannot be written: {reason}; name another folder") from None
        say(f"wrote {path}")
    where = "" if folder == Path() else f"cd {folder} && "
    say(f"next: {where}syncd validate && syncd sync && syncd status")
