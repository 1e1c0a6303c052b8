"""Devices: who is on the network, as far as its traffic tells.

Takes facts of senders, conversations and operations (`otmon.ledger`) and, where there is a model, its
inventory. Gives `SeenDevice` values: which senders are one device (`grouping`), what it probably is,
by which signals and how sure (`signals`, `classify`), who made it (`vendor`), and how two such lists
differ (`changes`).

Promises: pure functions, the same facts give the same devices in the same order. What is told is what
was seen; whether a device may be there is for `otmon.detect` to say.
"""
