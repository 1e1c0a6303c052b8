"""The training range: simulated plants whose traffic and incidents are known to the packet.

Takes a seed, gives captures and the truth about them. What happens is decided from the nature of
the protocols and of the process; nothing here knows a detector, and no detector knows this folder,
so that what otmon finds in a capture of the lab is a result and not an echo.
"""
