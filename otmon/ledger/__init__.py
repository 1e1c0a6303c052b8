"""What was seen, as facts that merge: assets and what they say, conversations, operations, anomalies, damage.

Takes decoded packets (`observe`), which fill tables of fixed size (`tables`); gives the rows of these
tables as frozen facts (`harvest`, `facts`) in a `Ledger`, which saves to SQLite (`store`, by the tables
of `schema`).

Promises: `merge` is associative and commutative, so that batches, files and sensors join in any order
with the same result. The ledger says what was seen, and never what is wrong. Full tables evict the
row idle longest, and count it.

- The packet path, in kernels: `observe` is the loop; `ahead`, `known`, `polling` are short ways for what is
  usual; `asset_rows` counts senders; `payload` knows where a payload goes, `naming` what its flow speaks,
  `takeover` when another protocol has it, `urgent` what is out of its stream, `errors` whom ICMP answers.
- Modbus: `segments` to bytes, `framing` to messages, `exchange` and `matching` to transactions, `tally` to
  counts; `written` and `motion` watch the values that are written.
- Copied for Python: `messages` (log-ins), `identification` (who it is), `questions` (names), and commands by
  `command_messages`, `cip_messages` and `station_messages`, copied by `command_copies`, of `writes` a part,
  put in order by `turns`.
- Rows on their way out: `endings`, `room`, `novelty`, `rows`.
- To facts: `intake`, where rows wait in a `crowd`, by `harvest` with `clients`, `senders`, `values`, `texts`,
  `arrivals`, `row_ranks`; and from what was copied `dialogues`, each a `dialogue`, with `readings`, `claims`,
  `settings`, `commands`.
- Facts: `facts`, `course`; joined by `joining`, `reach`; kept by `rank`; in a `ledger` by `merge`, `running`,
  `aging`; in a file by `store`, `schema`, `column` (`ledger_error` where it cannot,
  `aside` where a sensor goes on without). Made fast by `swift`
  and `acyclic`.
"""
