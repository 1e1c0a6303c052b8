"""What was seen, as facts that merge: assets and what they say, conversations, operations, anomalies, damage.

Takes decoded packets, which fill tables of fixed size (`tables`); gives the rows of these tables as frozen
facts (`facts`) in a `ledger`, which saves to SQLite.

Promises: `merge` is associative and commutative, so that batches, files and sensors join in any order
with the same result. The ledger says what was seen, and never what is wrong. Full tables evict the
row idle longest, and count it.

In the order in which a packet becomes a fact:

- `packets`: the loop over packets, in kernels as the next two. These share the `tables`, with the rows of
  senders in `asset_rows` and those of transactions and anomalies in `operation_rows`.
- `modbus`: from the segments of a Modbus connection to transactions and written values.
- `copying`: which messages are copied for Python to read: log-ins, what a device says of itself, names asked
  for, commands.
- `harvest`: rows leave the tables and become facts.
- `dialogues`: what was copied becomes facts.
- The facts: `facts` (made fast by `fast_init`), how an operation went over time in `course`, numbers as text
  in `texts`.
- The ledger: facts of one key are joined by `joining` and `extremes`, the first by `rank` are kept; `merge`
  makes a `ledger` of two, `running` one that grows, `aging` one without what is old.
- `file`: a ledger as one SQLite file.
"""
