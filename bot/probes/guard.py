"""Addresses that are never asked, whatever the configuration or DNS say. Pure.

A name may be pointed at an address from which a machine's own credentials are given out. So every address is judged
after DNS, in every spelling of it: also inside of an IPv6 address that carries an IPv4 one.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address

_METADATA: Final = frozenset(
    map(
        ip_address,
        ("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"),
    )
)
_THIS_HOST: Final = ip_network("0.0.0.0/8")
_BROADCAST: Final = ip_address("255.255.255.255")
_TRANSLATED: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))


def refusal(address: str) -> str:
    """Return why an address is never asked, in a few words; empty when it may be."""
    try:
        given = ip_address(address)
    except ValueError:
        return "no address"
    return next(filter(None, map(_refusal, _meant(given))), "")


def _refusal(address: Address) -> str:
    if address in _METADATA:
        return "the metadata of a cloud's machines"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast or address == _BROADCAST:
        return "an address of many"
    if address.is_unspecified or address in _THIS_HOST:
        return "no address of a host"
    return ""


def _meant(address: Address) -> Iterator[Address]:
    """Yield an address without its zone, and the IPv4 addresses that it stands for."""
    if isinstance(address, IPv4Address):
        yield address
        return
    bare = IPv6Address(int(address))
    yield bare
    for inner in (bare.ipv4_mapped, bare.sixtofour, *(bare.teredo or ())):
        if inner is not None:
            yield inner
    if any(bare in network for network in _TRANSLATED) and int(bare) > 1:  # ::1 is the loopback itself
        yield IPv4Address(int(bare) & 0xFFFFFFFF)
