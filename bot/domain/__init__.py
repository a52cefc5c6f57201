"""Words and rules of the domain: pure, synchronous, no clock, no I/O.

Imports the standard library only. If a function here needs to await, it belongs in a handler or an adapter.
"""
