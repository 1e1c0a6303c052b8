"""What was found, ready for a person: judged, ordered, worded, held against what people decided.

Takes a ledger and, where there is one, a zone model; gives `Finding` values in their order, which
depend on nothing else, so that a saved ledger gives what the replay gave. Texts come from one
catalogue in English and Japanese (`otmon.findings.wording`). What a plant knows of and cannot mend
yet stands in a file of its own (`otmon.findings.decision`), and changes no finding.
"""
