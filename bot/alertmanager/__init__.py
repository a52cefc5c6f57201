"""Alertmanager's webhook: the door by which alerts of others come in. A driving room.

It knows the form of a webhook (version 4) and HTTP; what comes in are hostile words until they are redacted, here. What
is done with alerts is handed in as a callable. It may import the domain, the errors, the redaction, `bot.listening`,
`bot.environment`, `bot.references` and aiohttp; never an adapter, a verb, the watching or anything of Slack.
"""

from bot.alertmanager.payload import NotUnderstood, Webhook, read_webhook
from bot.alertmanager.server import PATH, alertmanager_server

__all__ = ["PATH", "NotUnderstood", "Webhook", "alertmanager_server", "read_webhook"]
