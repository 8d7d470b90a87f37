"""Notifies people of changes: `new_events` detects them, `messages` words them, and `send` sends each message once
through apprise.
"""
