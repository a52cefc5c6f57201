"""Everything that knows the chat platform.

`inbound` turns its payloads into requests, `outbound` turns views into its messages. What both sides share stands above
both: the form of a button's value in `buttons`, that of a dialog's answers in `fields`, how text is escaped in
`markup`. `manifest` is how the platform learns what the app wants. May import domain, ports, errors, redaction and
slack_bolt / slack_sdk; `inbound` also the service, the registry and the parser. Never an adapter, never a handler;
`inbound` and `outbound` do not import each other.
"""
