"""Connectors that ship with syncd: one module or package for each system."""
