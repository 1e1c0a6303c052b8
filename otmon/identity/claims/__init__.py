"""What messages say about who sent them: names, makers, models, versions.

A file named like a protocol holds its reader, `claims`, from the pieces of a flow to `Claim` values,
found by the folder (`otmon.identity.registry`). What several share is in `wire.py` (bytes), `record.py`
(DNS and NetBIOS names), `handshake.py` (TLS) and `certificate.py`. Which messages are copied for it is in
`otmon.ledger.dialogues.claims`.

Promises: whatever the bytes, in whatever pieces, a reader gives values or nothing and never raises; its
time and memory are bounded by its input. It reads what is there to the end of what it understands: a
length that leads out of the message ends the reading of that message.
"""
