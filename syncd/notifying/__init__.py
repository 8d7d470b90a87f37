"""Notifies people of changes: `new_events` detects changes, `messages` writes their texts, and `send` sends each
message once to each address.

`addresses` has the services of apprise, with their length limits. `inert` makes texts of other people harmless.
"""
