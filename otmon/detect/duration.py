"""How long something took, as findings tell it."""

from __future__ import annotations

from otmon.detect.detector import Message, say


def lasting(time_ns: int) -> tuple[Message, ...]:
    """How long something took, as people say it: with one unit, or two neighbouring ones."""
    tenths = time_ns // 100_000_000
    seconds = time_ns // 1_000_000_000
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if days:
        return (say("lasting.days", days=days, hours=hours % 24),)
    if hours:
        return (say("lasting.hours", hours=hours, minutes=minutes % 60),)
    if minutes:
        return (say("lasting.minutes", minutes=minutes, seconds=seconds % 60),)
    if seconds:
        return (say("lasting.seconds", seconds=f"{seconds}.{tenths % 10}" if tenths % 10 else str(seconds)),)
    return (say("lasting.milliseconds", milliseconds=time_ns // 1_000_000),)
