"""The zone and boundary model: who may talk to whom, as a plant's people agreed on it.

Takes model files (YAML, `docs/zone-model.md`) and facts of the ledger. Gives a `Model` or every error
in its files at once, a `Verdict` for each conversation and operation (`decide`), with what normal operation
showed where a zone says so (`baseline`), what is doubtful in a model and what it means, a model as rules of a
firewall or as a sheet for people, and a draft of a model from somebody's sheet or from the facts of a ledger.

Promises: nothing but `files` opens a file; a verdict depends on the model, the baseline and the fact
alone, is given for every fact, and names the line that decided. What no permission lists may not cross a
boundary.

Reading order: `model` (the values), `files` (how they are read), `address` and `place` (which zone),
`permission_table`, `lack` and `nearest` (what a list allows, and what comes near), `decide` (may it),
`unread` (what it cannot judge). Behind that, each on its own: `review` (what people look at before they
sign), `learning` (a draft from traffic), `exchange` (sheets and firewalls). A folder imports what stands
before it here, never what stands behind.
"""
