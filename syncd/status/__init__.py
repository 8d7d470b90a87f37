"""A period's state at a moment: one snapshot, and all figures that come from it."""
