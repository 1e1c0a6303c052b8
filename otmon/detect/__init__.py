"""Detectors: facts in, findings out, and nothing else touched.

Takes a `Case`: the ledger, and where there is a zone model its verdicts. Gives `Finding` values,
each about one thing that a person can act on, with its evidence and the reasons as message keys;
`otmon.findings` joins, orders and words them.

A detector is a file in this folder, and a generator named like the file does the work; its title,
texts, references and parameters are its rule, `rules/<name>.yml`. `otmon.detect.detector` holds the
contract, `finding` what it gives, `condition_rules` finds by rules that are conditions, `rules` reads both.
Files are found by the folder: a detector names its `RULE`.
"""
