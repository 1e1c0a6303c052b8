"""Modbus in kernels: from the segments of a connection to transactions, and to values that are written.

`segments` gives the stream's bytes, `framing` its messages, `transactions` makes requests and responses one,
by the list of open requests in `matching`; `polling` is a short way for what is usual. Every write is held
against what the element had before: `written` keeps the extremes, `value_changes` how far and how fast it
moved.
"""
