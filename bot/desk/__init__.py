"""A person's own page: how the places do that are open to them, what waits for them, and which alerts are open there.

What is read is read side by side, all within one time limit; what is not known then is said to be unknown. Each module
is one part of the page: what is seen, and how it is told, which is pure. Knows the domain, ports, errors, the pictures
of the engine and of watching; no adapter, no vendor, no verb, nothing of the service.
"""
