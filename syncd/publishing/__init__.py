"""Writes check-ins to the places where people read them: a cycle states them, and each is delivered once.

`statements` holds what syncd states of each key result, `due_deliveries` which statements must be written where,
`comparison` what a target holds and what syncd would change there, `overwriting` what may be written over. `delivery`
writes it, `preview` shows what it would write.
"""
