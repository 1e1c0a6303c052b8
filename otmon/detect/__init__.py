"""Detectors: facts in, findings out, and nothing else touched.

Takes a `Case`: the ledger, and where there is a zone model its verdicts. Gives `Finding` values,
each about one thing that a person can act on, with its evidence and the reasons as message keys;
`otmon.findings` joins, orders and words them.

A detector is a file in this folder: `RULE` says its id and references, and a generator named like
the file does the work. `otmon.detect.detector` holds the contract; files are found by the folder.
"""
