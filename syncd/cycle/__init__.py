"""The phases of a cycle: pull, measure, foresee and commit. Also the actions of people: plan, approve, check in."""
