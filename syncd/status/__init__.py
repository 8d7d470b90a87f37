"""Where a period stands at a moment: one snapshot, and all that is read from it."""
