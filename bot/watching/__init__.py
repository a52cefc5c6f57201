"""What watches without anybody asking: it looks, keeps, tells of what changes, and does what is due by the calendar.

A core room, as the engine is: it knows the domain, the ports, the diagnosis, the check-up, the redaction and the
errors; it imports no adapter, no vendor, no verb and no Slack. Every loop of it is a `step() -> bool`, which the worker
repeats. What is decided is decided by pure functions and written in one transaction.
"""
