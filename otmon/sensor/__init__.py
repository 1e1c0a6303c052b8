"""The live sensor: the same path from packets to findings as a replay, on interfaces and without end.

Takes rings (`otmon.capture.ring`), a model and rules; gives findings as they come up, the ledger as a
file that is never older than its last save, a status for metrics, and small captures that prove findings.

Promises: nothing is sent on an interface that is listened on; what is lost is counted; memory is bounded;
facts and findings are those of a replay of the same packets.
"""
