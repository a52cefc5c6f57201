"""Everything that knows the chat platform.

`inbound` turns its payloads into requests, `outbound` turns views into its messages. What both sides share (the form of
a button's value) stands in `buttons`. May import domain, ports, errors, redaction and slack_bolt / slack_sdk; `inbound`
also the service, the registry and the parser. Never an adapter, never a handler; `inbound` and `outbound` do not import
each other.
"""
