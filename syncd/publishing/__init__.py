"""Writes check-ins to the places where people read them: a cycle makes the statements, and each is delivered once.

`statements` makes a statement about each key result. `due_deliveries` finds the statements that must be written, and
their targets. `comparison` compares each target with its statement. `overwriting` decides which content syncd may write
over. `delivery` writes the statements, and `preview` shows what `delivery` would write.
"""
