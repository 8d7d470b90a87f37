"""The domain, pure: periods, measures as selections, progress, pace, health, roll-up, alignment, lint. No I/O."""
