"""A cycle: pull, measure, foresee, commit and deliver. Also the actions of people: plan, approve, check in."""
