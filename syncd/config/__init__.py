"""Reads syncd.yaml and mapping files into models, and reports every problem at once, with its line."""

from syncd.config.connections import Connection
from syncd.config.load import Config, load_config

__all__ = ["Config", "Connection", "load_config"]
