"""Targets of which nothing is known but a port: whether it can be reached, and what certificate is served there."""

from __future__ import annotations

from bot.probes import way
from bot.probes.asking import Asking
from bot.probes.tls import shake


async def ask_tcp(asking: Asking) -> None:
    """Connect, and do no more; with `tls` that means TLS, too."""
    if asking.target.tls:
        await ask_tls(asking)
        return
    host, port = way.split_address(asking.target.address)
    addresses = await way.find(asking, host, port)
    async with way.knock(asking, addresses, port):
        pass


async def ask_tls(asking: Asking) -> None:
    """Connect and look at the certificate."""
    host, port = way.split_address(asking.target.address, 443)
    addresses = await way.find(asking, host, port)
    async with way.knock(asking, addresses, port) as doors:
        await shake(asking, doors, asking.target.server_name or host, ca_file=asking.target.ca_file)
