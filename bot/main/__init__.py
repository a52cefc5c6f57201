"""The composition root: the only place that knows everything, and the console script.

It reads the environment, chooses adapters, wires them to the service and hands them to whoever drives: the terminal,
Slack, or the demo. Adapters are imported where they are used, so that `ragops status` does not wait for Slack or
PostgreSQL to load.
"""

from bot.main.program import run

__all__ = ["run"]
