"""Computes the truth: the correct state of every example key result, from the company's own objects."""
