"""Reads syncd.yaml and mapping files into models, and reports every problem at once, with its line."""

from syncd.config.load import Config, load_config
from syncd.config.project import Connection

__all__ = ["Config", "Connection", "load_config"]
