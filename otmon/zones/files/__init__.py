"""Model files: read to a `Model` or to every error in them at once, and written as drafts.

`document` (lines and columns), `text`, `leaf`, `schema` and `switch_port` (what an entry may say), `entry`,
`plant`, `permission`, `inventory` and `nesting` (entries against each other), `load` (all of it); `workbook`
(CSV and Excel, both ways), `draftfile` (the text of a draft), `jsonschema` (the form for editors).
"""
