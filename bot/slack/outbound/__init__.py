"""The way to people: neutral views become Block Kit messages that the platform accepts, without losing a word.

`render` knows how a piece looks, `planner` owns every limit, `checker` looks once more before sending, `notifier` sends
and `directory` reads people and groups. Untrusted words travel as plain text or as rich-text leaves, never as markup.

May import ports, domain, errors, redaction, slack_sdk and the standard library; never the service, the engine, a
handler or another adapter.
"""
