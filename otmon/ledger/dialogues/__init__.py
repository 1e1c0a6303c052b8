"""Copied payloads become facts: each flow's in order, read as a whole by the parsers of `otmon.identity`.

`dialogues` keeps those that go on, each a `dialogue`. Its facts are made by `log_ins`, `claims`,
`setting_operations` and, message by message, `command_operations`, both by `single_operation`; those of
values that commands write by `command_values`.
"""
