"""Findings about OKRs that are valid but probably not what the author meant.

Findings are warnings; only `validate --strict` fails on them. The module `rules` lists the rules; each rule has an
entry in docs/lint.md. The module `titles` reads titles; `matching` checks filters and windows.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncd.okr.goals import PeriodOkrs
from syncd.okr.lint.findings import Finding, PulledRows, Rule
from syncd.okr.lint.rules import RULES, check_objective

__all__ = ["RULES", "Finding", "PulledRows", "Rule", "lint"]


def lint(okrs: PeriodOkrs, rows: PulledRows | None = None) -> Iterator[Finding]:
    """Every finding about a period's OKRs that no `ignore:` covers, in the order of the files.

    With `rows`, the findings about the records in a ledger are included.
    """
    for objective in okrs.objectives:
        ignored = {kr.id: (*objective.ignore, *kr.ignore) for kr in objective.key_results}
        findings = [
            finding
            for finding in check_objective(RULES, objective, okrs.period, rows)
            if finding.rule.id not in ignored.get(finding.subject, objective.ignore)
        ]
        places = [objective.id, *ignored]
        yield from sorted(findings, key=lambda finding: places.index(finding.subject))
