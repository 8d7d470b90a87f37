"""How lint reads titles: real titles, most of which it must leave alone."""

from __future__ import annotations

import pytest

from syncd.okr.lint.titles import direction, says_change, says_work

# (says work, says a change, direction): what lint warns about on an outcome, an output and a goal.
TITLES = {
    # outcomes as they should be
    "Calls to the support line fall from 1,200 to 600 a week": (False, True, "down"),
    "80 % of help-page visits end without a call": (False, False, None),
    "Failed payments fall from 1.2 % to 0.3 %": (False, True, "down"),
    "No day below 99.5 % uptime in the last four weeks": (False, False, None),
    "The highest weekly cloud bill falls from 1,500 to 1,200 euros": (False, True, "down"),
    "Half of all changes are merged within 1.5 days (was 3)": (False, False, None),
    "130 more active customers than at the quarter's start": (False, False, None),
    "The new checkout starts with a conversion of 4 % (the old one had 2.8 %)": (False, False, None),
    "Satisfaction rises from 70 to 78 on average": (False, True, "up"),
    "Enterprise customers in DACH renew 1,200 k€ (last year 800)": (False, False, None),
    "Customers rate our answers 4.5 of 5": (False, False, None),
    "Reduce churn from 5% to 3%": (False, True, "down"),
    "Increase monthly active users to 40,000": (False, True, "up"),
    "Grow self-serve revenue to €1.2m": (False, True, "up"),
    "Lower the cost per order below €4": (False, True, "down"),
    "Double sign-ups": (False, False, "up"),
    "Fewer customers leave in their first month": (False, True, "down"),
    "Net promoter score from 30 to 45": (False, False, "up"),
    "Time to first response is down from 9 hours to 2 hours": (False, True, "down"),
    "Onboarding takes from 14 days down to 3 days": (False, True, "down"),
    # words of work and of change that mean neither
    "Launch conversion rises to 4 %": (False, True, "up"),
    "Release frequency doubles": (False, False, None),
    "Build time falls from 20 to 8 minutes": (False, True, "down"),
    "Release notes read by 40 % of customers": (False, False, None),
    "Deliver 95 % of orders within two days": (False, False, None),
    "Complete profiles reach 80 % of all customers": (False, False, None),
    "Complete orders from 300 to 400 a week": (False, False, "up"),
    "Complete orders rise to 400 a week": (False, True, "up"),
    "Shipments at 400 shops": (False, False, None),
    "Lower-case addresses in 3 apps": (False, False, None),
    "Deliver a 20 % reduction of churn": (False, False, None),
    "Answer in less than 2 hours in 80 % of cases": (False, False, None),
    "Less than 5 % of payments fail": (False, False, None),
    "Complaints about price increases": (False, False, None),
    "Error rate does not rise above 1 %": (False, True, None),
    "Fall enrolment reaches 400 students": (False, False, None),
    "Drop-in visits at 40 a week": (False, False, None),
    "Churn falls from 2025 to 2026": (False, True, "down"),
    "Reduction of waste by a third": (False, False, None),
    # work worded as work
    "40 product articles searchable": (False, False, None),
    "25 changes to search merged": (False, False, None),
    "300 story points of the pipeline rebuild delivered": (False, False, None),
    "12 people have merged a change to the checkout": (False, False, None),
    "12 experiments to reduce churn": (False, False, None),
    "5 features that reduce churn to 3 %": (False, False, None),
    "8 campaigns to grow to 400 sign-ups": (False, False, None),
    "5 pages that drop below 3 clicks": (False, False, None),
    "5 pages which rise above 3 clicks": (False, False, None),
    "Migrate 12 services from v1 to v2": (True, False, None),
    "Improve 12 product pages by 31 December": (False, False, None),
    "Cut build time by 20 %": (False, True, None),
    "Cut over 12 services": (False, False, None),
    "Raise 40 tickets with suppliers": (False, False, "up"),
    "Cut 3 releases of the app": (False, False, None),
    "3 price increases announced": (False, False, None),
    "Answer up to 40 letters": (False, False, None),
    # titles that order some work
    "Launch the new checkout": (True, False, None),
    "Launch self-service portal": (True, False, None),
    "Ship dark mode": (True, False, None),
    "Roll out the new CRM to all sales teams": (True, False, None),
    "roll-out": (False, False, None),
    "Complete the migration to PostgreSQL": (True, False, None),
    "KR 2: Implement single sign-on": (True, False, None),
    "We build a data platform": (True, False, None),
    "To deliver training for 40 agents": (True, False, None),
    "Release version 2.0": (True, False, None),
    "Launch pricing experiments to increase revenue to 4m": (True, False, None),
    "Set up a customer council": (True, False, None),
    # another language
    "Die Anrufe sinken von 1200 auf 600": (False, False, None),
    "": (False, False, None),
}


@pytest.mark.parametrize(
    ("title", "reading"), TITLES.items(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_title_is_read_as(title: str, reading: tuple[bool, bool, str | None]) -> None:
    assert (says_work(title), says_change(title), direction(title)) == reading


@pytest.mark.parametrize(
    ("title", "way"),
    [
        ("from 1,200 to 600", "down"),
        ("from 600 to 1,200", "up"),
        ("from 1.5 to 0.75 days", "down"),
        ("from -10 to -5", "up"),
        ("from €1,200.50 to €900", "down"),
        ("from 3 days to 12 hours", None),
        ("from 900 to 1.2k", None),
        ("from 900k to 1.2m", None),
        ("from 1,5 to 3", None),
        ("from 7 to 7", None),
        ("Sales fall from 900k to 1.2m", "down"),
        ("Sales rise by 5 % and complaints fall to 4", None),
    ],
)
def test_direction_of_two_numbers(title: str, way: str | None) -> None:
    assert direction(title) == way
