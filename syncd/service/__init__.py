"""The daemon: cycles by the schedule, reload of the configuration, health, metrics, a clean stop."""

from syncd.service.service import Service

__all__ = ["Service"]
