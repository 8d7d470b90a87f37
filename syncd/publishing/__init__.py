"""Writes check-ins to the places where people read them. A cycle makes the statements, and syncd delivers each
statement once.

`statements` makes a statement about each key result. `due_deliveries` finds the statements that must be written, and
their targets. `comparison` compares each target with its statement. `overwriting` decides which content syncd may
overwrite. `delivery` writes the statements, and `preview` shows what `delivery` would write.
"""
