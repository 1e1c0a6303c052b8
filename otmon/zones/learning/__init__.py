"""A draft model from the facts of a ledger: `hosts` (what each does), `layout` (zones for them), `grant`
(permissions for what they did), `learn` (all of it), `learntfile` (its text, with what each line rests on).
"""
