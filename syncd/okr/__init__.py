"""The domain, without I/O: periods, measures as selections, progress, pace, health, roll-up, alignment, lint."""
