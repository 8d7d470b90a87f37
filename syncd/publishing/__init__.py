"""Check-ins to where people look: stated in the cycle that computed them, delivered after it, each once.

`statements` says what syncd states of each key result; `outbox` which statements are due where; `overwriting` what may
be written over; `delivery` carries it out.
"""
