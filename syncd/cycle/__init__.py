"""A cycle: pull, measure, foresee, commit and deliver. Beside it, what people do: plan, approve, check in."""
