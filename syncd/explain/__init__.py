"""Explains how a number came about: its evidence, links, edits, restatements, differences and history."""
