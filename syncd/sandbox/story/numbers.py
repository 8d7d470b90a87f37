"""The story in numbers: acme's spreadsheets, the metrics API's series and finance's CSV file."""

from __future__ import annotations

import random
from datetime import date, timedelta

from syncd.sandbox.sheets.workbook import BLANK, REF, Cell, Scalar, Sheet, Spreadsheet, day
from syncd.sandbox.world import CostRow, World

OKR_BOOK = "1AbC-acme-okr-numbers-2026q4"
CUSTOMER_BOOK = "1Cus-acme-customer-counts"
PUBLIC_BOOK = "1Pub-acme-open-figures"
PRIVATE_BOOK = "1Prv-acme-board-papers"

MONDAYS = [date(2026, 9, 14) + timedelta(weeks=number) for number in range(10)]
"""The Mondays from 14 September to 16 November."""

CALLS = (1231, 1204, 1198, 1187, 1173, 1160, 1141, 1128, 1110, 1092)
COSTS = ("1.480,00", "1.462,10", "1.455,30", "1.315,80", "1.301,25", "", "1.276,90", "1.284,00", "1.259,50", "1.248,75")
CONVERSION = (None, None, None, "3.6%", "3.5%", "3.7%", "3.4%", "3.8%", "3.7%", "3.9%")
CUSTOMERS = (4102, 4110, 4120, 4131, 4146, 4158, 4171, 4188, 4204, None)


def write(world: World, rng: random.Random) -> None:
    """Adds the spreadsheets, metrics and costs."""
    world.sheets.add(
        Spreadsheet(
            OKR_BOOK,
            "Acme OKR numbers 2026-Q4",
            sheets=[_support(rng), _launch(), _survey(), _renewals(), _okrs()],
            named={"SelfServed": "Support!F2", "Satisfaction": "Survey!B2:B"},
        )
    )
    world.sheets.add(Spreadsheet(CUSTOMER_BOOK, "Customer counts", locale="de_DE", sheets=[_customers()]))
    world.sheets.add(
        Spreadsheet(
            PUBLIC_BOOK,
            "Open figures",
            public=True,
            editable=False,
            sheets=[Sheet(0, "Stores", _rows(["Stores"], [42.0]))],
        )
    )
    world.sheets.add(
        Spreadsheet(PRIVATE_BOOK, "Board papers", shared=False, sheets=[Sheet(0, "Cash", _rows(["Cash"], [1.0]))])
    )
    world.metrics.error_rate = 0.42
    first = date(2026, 10, 5)
    for number in range(47):
        world.metrics.uptime[first + timedelta(days=number)] = round(99.8 + rng.random() * 0.19, 2)
    world.metrics.uptime[date(2026, 10, 12)] = 98.2  # an outage, more than 28 days ago
    world.metrics.uptime[date(2026, 10, 24)] = None  # monitoring was down
    world.metrics.uptime[date(2026, 11, 8)] = 99.71
    amounts = zip(MONDAYS, COSTS, strict=True)
    world.costs = [CostRow(week, amount, "Rechnung fehlt noch" if not amount else "") for week, amount in amounts]
    # The last bill of the old contract is from the day before the quarter; the bill of December is only planned.
    world.costs += [
        CostRow(date(2026, 9, 30), "1.490,00", "alter Vertrag"),
        CostRow(date(2026, 12, 7), "1.210,00", "Plan"),
    ]


def costs_csv(rows: list[CostRow]) -> str:
    """The CSV file in the format of a German finance department: semicolons, `05.10.2026`, `1.315,80`."""
    lines = [f"{row.week:%d.%m.%Y};{row.amount};{row.comment}" for row in rows]
    return "\n".join(["Woche;Betrag;Kommentar", *lines]) + "\n"


def _rows(*rows: list[Cell | date | Scalar]) -> list[list[Cell]]:
    def cell(value: Cell | date | Scalar) -> Cell:
        return value if isinstance(value, Cell) else day(value) if isinstance(value, date) else Cell(value)

    return [[cell(value) for value in row] for row in rows]


def _support(rng: random.Random) -> Sheet:
    """The calls per week. Below the calls are the plan for the next weeks and a remark; beside them is the self-service
    rate.
    """
    rows = _rows(["Week", "Agents", "Calls", None, "Zero calls", "Self-served", "Change"])
    for week, calls in zip(MONDAYS, CALLS, strict=True):
        rows += _rows([week, float(rng.randrange(14, 18)), float(calls)])
    for number, planned in enumerate((1050, 1000, 950)):
        rows += _rows([date(2026, 11, 23) + timedelta(weeks=number), None, float(planned)])
    rows += _rows([], ["Counted by the telephone system, without wrong numbers"])
    rows[1] += [BLANK, Cell(0.0), Cell(0.68, "percent"), Cell(-0.09, "percent", "=C11/C2-1")]
    return Sheet(0, "Support", rows)


def _customers() -> Sheet:
    """Active customers, in rows that are not in order. A text column is between date and number, and this week has no
    number yet.
    """
    rows = _rows(["Week starting", "Country", "Active customers", "Complete"])
    weeks = list(zip(MONDAYS, CUSTOMERS, strict=True))
    for week, customers in weeks[5:] + weeks[:5]:
        number = None if customers is None else float(customers)
        rows += _rows([week, "DE", number, customers is not None])
    return Sheet(0, "Customers", rows)


def _launch() -> Sheet:
    """The conversion rate of the new checkout, which went live on 5 October. The numbers are stored as texts."""
    rows = _rows(["Week", "Conversion", "Visits"])
    for number, (week, conversion) in enumerate(zip(MONDAYS, CONVERSION, strict=True)):
        rows += _rows([week, conversion, f"1,{number}50"])
    return Sheet(102, "Launch", rows)


def _survey() -> Sheet:
    """Monthly satisfaction. October's formula refers to a deleted sheet."""
    rows = _rows(["Month", "Score"], [date(2026, 9, 30), 71.0])
    rows += _rows([date(2026, 10, 31), Cell(REF, formula="=#REF!B4")], [date(2026, 11, 15), 74.0])
    return Sheet(103, "Survey", rows)


def _renewals() -> Sheet:
    """A table for lookups. Its numbers are stored as texts in two notations."""
    return Sheet(
        104,
        "Renewals 2026",
        _rows(
            ["Region", "Segment", "Renewed k€", "Churned k€"],
            ["DACH", "Enterprise", "1.050,5", "80,5"],
            ["DACH", "Small", "310", "45"],
            ["Nordics", "Enterprise", "640,25", "0"],
            ["US", "Enterprise", "1,050", "12"],
        ),
    )


def _okrs() -> Sheet:
    """The sheet to which check-ins are published: a key column and empty columns."""
    names = ("calls", "articles", "search-shipped", "error-rate", "lead-time", "customers")
    rows = _rows(["Key result", "Title", "Owner", "Value", "Progress", "Health", "Updated"])
    keys: list[list[Cell | date | Scalar]] = [[name] for name in names]
    return Sheet(105, "OKRs", rows + _rows(*keys))
