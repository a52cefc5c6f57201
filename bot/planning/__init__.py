"""What the verbs that change something share: the ground a plan stands on, and the words and figures of a plan.

`ground` reads (through ports alone); everything else here is pure: it knows no clock and no I/O. Imports the domain,
the ports, the errors, the diagnosis, `examine` and `lookup`; no adapter, no vendor, no verb, nothing of the engine.
"""
