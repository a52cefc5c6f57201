"""Addresses that are never asked, in every spelling: also inside of an IPv6 address that carries an IPv4 one."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address

# What clouds give credentials of their machines out from: the common address, Azure, Alibaba, Oracle, AWS, Google.
_METADATA: Final = frozenset(
    map(
        ip_address,
        ("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"),
    )
)
_THIS_HOST: Final = ip_network("0.0.0.0/8")
_BROADCAST: Final = ip_address("255.255.255.255")
_TRANSLATED: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))


class Forbidden(StrEnum):
    """Why an address is never asked."""

    METADATA = "metadata"
    LINK_LOCAL = "link-local"
    MANY = "many"
    NO_HOST = "no host"


def forbidden(given: Address) -> tuple[Address, Forbidden] | None:
    """Return which address is meant that is never asked, and why; None when it may be."""
    found = ((address, why) for address in _meant(given) if (why := _why(address)) is not None)
    return next(found, None)


def _why(address: Address) -> Forbidden | None:
    if address in _METADATA:
        return Forbidden.METADATA
    if address.is_link_local:
        return Forbidden.LINK_LOCAL
    if address.is_multicast or address == _BROADCAST:
        return Forbidden.MANY
    if address.is_unspecified or address in _THIS_HOST:
        return Forbidden.NO_HOST
    return None


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
