"""From Slack to the service: Bolt's listeners, payloads -> requests.

Knows `bot.service`, `bot.ports`, `bot.domain` and slack_bolt. Never an adapter, never a handler: what a verb does is
behind the service, and what an answer looks like is behind the `Notifier`.
"""
