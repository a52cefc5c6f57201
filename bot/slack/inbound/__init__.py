"""From Slack to the service: Bolt's listeners, payloads -> requests.

Knows `bot.service`, `bot.once`, `bot.ports`, `bot.domain`, the codes of `bot.diagnosis` and slack_bolt. Never an
adapter, never a handler: what a verb does is behind the service, and what an answer looks like is behind `Notifier` and
`Surfaces`. A payload becomes a `Delivery` (`kinds`), `keeping` decides what happens before the acknowledgement,
`answering`, `home` and `dialogs` do the rest after it.
"""
