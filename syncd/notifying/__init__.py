"""Notifies people of changes: `new_events` detects them, `messages` words them, and `send` sends each once to each
address.

`addresses` are services of apprise, with the lengths that they take. `inert` takes the effect out of texts of others.
"""
