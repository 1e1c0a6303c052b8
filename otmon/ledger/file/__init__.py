"""A ledger as one SQLite file: `store` writes and reads it by the tables of `schema` and the texts of
`column`, with the digests of `digest`; `ledger_error` says what is wrong with a file, and `aside`
how a sensor goes on without one that cannot be read.
"""
