"""A deployment in which the workspace `company` reads a key result of the workspace `search`, over CSV files."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

from syncd.config import Config, load_config
from syncd.cycle.check_in import check_in
from syncd.cycle.model import CycleRequest, Result
from syncd.cycle.run import run_cycle
from syncd.explain.evidence import Evidence, evidence
from syncd.ledger import Ledger, open_ledger
from syncd.okr.checkins import CheckIn
from syncd.okr.past import past_values
from syncd.sdk import RetryPolicy
from syncd.status.read_snapshots import Snapshots
from syncd.status.report import KeyResultLine, report_of

SEARCH = """\
period: 2026-Q4
objectives:
  - id: found
    title: Customers find answers
    key_results:
      - id: calls
        title: Calls fall
        kind: outcome
        unit: calls/week
        baseline: 1200
        target: 600
        measure: {from: local, file: calls.csv, series: {dates: Day, values: Calls}}
      - {id: secret-plan, title: Nobody else's business, kind: outcome, baseline: 0, target: 10, measure:
         {from: local, file: cell.csv, cell: B2}}
      - {id: trust, title: We are trusted, kind: outcome, baseline: 5, target: 9}
"""
COMPANY = """\
period: 2026
objectives:
  - id: service
    title: Customers are served
    key_results:
      - id: load
        title: Calls to us fall
        kind: outcome
        unit: calls/week
        baseline: 1200
        target: 600
        measure: {from: workspace, name: search, key_result: calls}
"""


class Deployment:
    """Two workspaces and their time."""

    def __init__(self, folder: Path, ledger: str) -> None:
        self.folder, self._ledger = folder, ledger
        self.at("2026-11-21T10:15+01:00")
        for name, mapping in (("search", SEARCH), ("company", COMPANY)):
            (folder / "teams" / name / "mappings").mkdir(parents=True)
            (folder / "teams" / name / "mappings" / "okrs.yaml").write_text(mapping)
        self.write("search/syncd.yaml", "connections: {local: {type: files, root: .}}\nexport: [calls]\n")
        self.write("company/syncd.yaml", "connections: {local: {type: files, root: .}}\n")
        self.write("search/calls.csv", "Day,Calls\n2026-11-02,900\n2026-11-16,800\n")
        self.write("search/cell.csv", "What,Number\nplan,3\n")

    def at(self, now: str) -> None:
        """Moves the time of both."""
        self.now = datetime.fromisoformat(now)
        (self.folder / "syncd.yaml").write_text(
            f"workspaces: teams/*/syncd.yaml\nledger: {self._ledger}\ntimezone: Europe/Berlin\nclock: {now}\n"
        )

    def write(self, file: str, text: str) -> None:
        """Writes a file of a workspace."""
        (self.folder / "teams" / file).write_text(text)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replaces a text in a file of a workspace."""
        path = self.folder / "teams" / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def config(self, name: str) -> Config:
        """The configuration of a workspace."""
        return load_config(self.folder / "syncd.yaml", name)

    def ledger(self, name: str) -> Ledger:
        """The ledger of a workspace, which the caller closes."""
        ledger = open_ledger(self.config(name).ledger_url())
        assert ledger is not None
        return ledger

    def sync(self, *names: str) -> Result:
        """A cycle of each workspace; the result of the last."""
        for name in names:
            ledger = self.ledger(name)
            try:
                retry = RetryPolicy(sleep=lambda _: None)
                result = run_cycle(CycleRequest(self.config(name), ledger, lambda: self.now, retry))
            finally:
                ledger.close()
        return result

    def line(self, key_result: str = "load", name: str = "company", period: int = 0) -> KeyResultLine:
        """Where a key result stands."""
        config, ledger = self.config(name), self.ledger(name)
        try:
            line = report_of(Snapshots(config, config.periods[period], ledger).now(self.now)).line(key_result)
        finally:
            ledger.close()
        assert line is not None
        return line

    def days(self) -> dict[date, float | None]:
        """The days whose numbers the company holds of the other workspace."""
        zone = self.config("company").zone
        return {
            item.at.astimezone(zone).date(): float(item.title.split()[1].replace(",", ""))
            for item in self.evidence().items
            if item.at is not None and "'" not in item.title
        }

    def value_on(self, day: date) -> float | None:
        """The company's number at the end of a past day, by its sources' dates."""
        config, ledger = self.config("company"), self.ledger("company")
        try:
            measure = config.periods[0].by_id["load"].measure
            assert measure is not None
            past = past_values(ledger.answers, measure, config.periods[0].period, self.now, only={day})
        finally:
            ledger.close()
        assert past is not None
        return dict(past)[day]

    def check_in(self, name: str, key_result: str, value: float) -> None:
        """A check-in of a person."""
        config, ledger = self.config(name), self.ledger(name)
        try:
            okrs = config.periods[0]
            checkin = CheckIn("ada", self.now, self.now + timedelta(days=14), value)
            check_in(config, okrs, okrs.by_id[key_result], ledger, checkin)
        finally:
            ledger.close()

    def evidence(self, key_result: str = "load") -> Evidence:
        """What the number of the company rests on."""
        config, ledger = self.config("company"), self.ledger("company")
        try:
            snapshot = Snapshots(config, config.periods[0], ledger).now(self.now)
            return evidence(snapshot, ledger, snapshot.okrs.by_id[key_result])
        finally:
            ledger.close()
