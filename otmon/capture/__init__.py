"""Where bytes come from: captures in files and pipes, as batches of packets.

Takes names of captures; gives `Batch` values whose arrays say where each packet lies in a buffer,
and `InputDamage` for what could not be read (`otmon.capture.window.KINDS` lists the kinds). What is
whole is always delivered, and reading goes on behind damage where the format allows it.
"""
