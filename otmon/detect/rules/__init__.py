"""Rules as data: what a rule file says, read, checked, and matched against facts.

Takes the files of `rules/` and those that a team adds; gives `Rule` values, or every problem of the
files with line and column. A rule names a detector of `otmon.detect` and carries its parameters, or
holds a Sigma condition that is compiled once to a predicate over facts.

`rule` holds the values, `form` what a file may say, `field` what a condition may ask of a fact,
`sigma` the compiler, `load` the reader, `sample` the test cases that a file holds.
"""
