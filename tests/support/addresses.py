"""Addresses of this machine that no other program takes: a loopback address for each test process, ports by number."""

from __future__ import annotations

import itertools
import os

_FIRST_PORT = 20_000
_ports = itertools.count(_FIRST_PORT)


def own_host() -> str:
    """Return this process's own loopback address (Linux answers to all of 127.0.0.0/8)."""
    number = os.getpid()
    return f"127.{1 + (number >> 16) % 254}.{(number >> 8) & 255}.{number & 255}"


def own_port() -> int:
    """Return a port of that address that was not given out before."""
    return next(_ports)
