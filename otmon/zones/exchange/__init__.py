"""A model as others have it: `rule` and `firewall` (what a firewall loads), `sheet` (a table for people), and
from somebody's own table `heading`, `cell`, `rulerow` and `draft`. The words of tables are in
`sheet_words.json`.
"""
