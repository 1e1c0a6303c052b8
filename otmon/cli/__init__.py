"""The command line: the only place that wires the stages together.

Nothing slow is imported before a command runs, so that help answers at once.
"""

from otmon.cli.program import app

__all__ = ["app"]
