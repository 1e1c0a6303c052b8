"""What was seen, as facts that merge: assets and what they say, conversations, operations, anomalies, damage.

Takes decoded packets (`observe`), which fill tables of fixed size (`tables`); gives the rows of these
tables as frozen facts (`harvest`, `facts`) in a `Ledger`, which saves to SQLite (`store`, by the tables
of `schema`).

Promises: `merge` is associative and commutative, so that batches, files and sensors join in any order
with the same result. The ledger says what was seen, and never what is wrong. Full tables evict the
row idle longest, and count it.
"""
