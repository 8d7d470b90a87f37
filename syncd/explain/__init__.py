"""Explains where a number comes from: evidence, links, edits, restatements, differences and history."""
