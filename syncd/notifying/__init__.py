"""Notifies people of changes: `new_events` detects them, `messages` words them, `send` sends each once, by apprise."""
