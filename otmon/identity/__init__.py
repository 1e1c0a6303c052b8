"""Rare messages that tell who logs in and who a device is, parsed in plain Python.

Takes the payloads of one flow as the loop over packets copied them, puts them in order (`stream.py`),
and gives `LogIn` values: account, method, outcome, and the secret or what recomputes its proof. A file
named like a protocol holds its parser, `log_ins`, found by the folder (`registry.py`); `headers.py`,
`sasl.py`, `digest.py` and `des.py` hold what several share. `credentials.py` reads the published
default passwords and compares. `claims` does the same for what devices say of themselves (`claim.py`).

Promises: no file opens a socket or sends anything; whatever the bytes, in whatever pieces, a parser
gives values or nothing and never raises; its time and memory are bounded by its input, which is
bounded before. A secret lives in memory only, and no value shows it in its text. Bytes that the
capture lost never join to a line or a password.
"""
