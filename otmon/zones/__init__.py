"""The zone and boundary model: who may talk to whom, as a plant's people agreed on it.

Takes model files (YAML, `docs/zone-model.md`) and facts of the ledger. Gives a `Model` or every error
in its files at once (`load`), cautions about what is legal but doubtful (`check`), and a `Verdict` for
each conversation and operation (`decide`), with what normal operation showed where a zone says so
(`baseline`). Gives a model as rules of a firewall or as a sheet for people, and a draft of a model from
somebody's sheet or from the facts of a ledger.

Promises: nothing but `load` opens a file; a verdict depends on the model, the baseline and the fact
alone, is given for every fact, and names the line that decided. What no permission lists may not cross a
boundary.

Reading order: `model` (the values), `address` and `place` (which zone), `decide` (may it); for files
`document` (lines and columns), `schema` (one entry), `entry`, `plant`, `permission`, `nesting` and
`load` (all of them); for firewalls `extent` (addresses), `rule` and `firewall`; for sheets `sheet` and
`workbook` (both ways), and from somebody's own sheet `heading`, `cell`, `rulerow` and `draft`; from facts
`hosts`, `layout`, `grant` and `learn`.
"""
