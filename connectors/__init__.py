"""Connectors that ship with syncd: one module for each system."""
