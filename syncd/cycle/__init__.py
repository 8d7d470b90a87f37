"""One cycle: pull, measure, foresee, commit and deliver; and what people do to its values: plan, approve, check in."""
