"""The OKR logic, without I/O: periods, measures, progress, pace, health, roll-up, alignment and lint."""
