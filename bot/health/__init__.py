"""Health and metrics: tells machines how the bot fares. A driving room: operators' programs come in here, over HTTP.

It may import the domain, the diagnosis, the ports, the errors, the redaction, the settings' `Listen` and the worker's
`was_cancelled`, besides aiohttp and prometheus_client, for which it is the only door; never an adapter, a verb or
anything of Slack. What it looks at comes in as ports and callables. It only reads: no request changes anything. Its
words leave redacted once more, and no label is without bound, whatever people or clusters send.
"""

from bot.health.checks import Check, Readiness, State, cluster_checks, database_check, slack_check
from bot.health.heartbeat import Heartbeat
from bot.health.metrics import PrometheusMeter
from bot.health.reference import metrics_page
from bot.health.sampler import Sampler
from bot.health.server import health_server

__all__ = [
    "Check",
    "Heartbeat",
    "PrometheusMeter",
    "Readiness",
    "Sampler",
    "State",
    "cluster_checks",
    "database_check",
    "health_server",
    "metrics_page",
    "slack_check",
]
