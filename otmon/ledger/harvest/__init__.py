"""Rows leave the tables, and become facts.

- `rows` takes them out; `novelty` tells a sensor whether there is anything new among them.
- `intake` has them wait, as `waiting_rows`; `row_ranks` drops those for which a full ledger has no place.
- `harvest` makes facts of them: of flows by `conversations`, whose client is told by `clients`; assets by
  `senders`, written values by `written_values`, and at which interface somebody came in by `arrivals`.
"""
