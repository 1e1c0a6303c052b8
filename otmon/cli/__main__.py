"""`python -m otmon.cli`."""

from otmon.cli import app

app()
