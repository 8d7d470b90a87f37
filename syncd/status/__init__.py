"""A period's state at a moment: one snapshot, and all figures that are read from it."""
