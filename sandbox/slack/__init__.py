"""A Slack workspace to try the bot in: Web API, Socket Mode, and people who type and press.

A separate server, reached only over HTTP and WebSocket. It knows Slack's rules and nothing of the bot: it imports the
standard library and aiohttp, never ``bot`` or ``handlers``, and states Slack's limits by itself, so that an error in
the bot's table of limits cannot hide behind the same error here. Where Slack's behaviour is not documented it takes
the harsher reading; ``unverified.UNVERIFIED`` lists every such case.
"""
