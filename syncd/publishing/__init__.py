"""Writes check-ins to the places where people read them: a cycle makes the statements, and each is delivered once.

`statements` holds what syncd states about each key result, `due_deliveries` which statements must be written and where,
`comparison` what a target holds and what syncd would change there, `overwriting` what syncd may write over. `delivery`
writes the statements, `preview` shows what it would write.
"""
