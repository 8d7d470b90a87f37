"""Notifies people of changes: `new_events` detects changes, `messages` writes the texts, and `send` sends each message
once to each address.

`addresses` sends a message to one address, within the length limit of its service. `inert` makes texts of other people
harmless.
"""
