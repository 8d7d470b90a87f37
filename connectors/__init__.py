"""Connectors that ship with syncd: one module a system."""
