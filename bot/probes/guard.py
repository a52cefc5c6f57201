"""Addresses that are never asked, whatever the configuration or DNS say. Pure.

A name may be pointed at an address from which a machine's own credentials are given out. So every address is judged
after DNS.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from types import MappingProxyType

from bot.domain.watch.addresses import Forbidden, forbidden

_WORDS: Mapping[Forbidden, str] = MappingProxyType(
    {
        Forbidden.METADATA: "the metadata of a cloud's machines",
        Forbidden.LINK_LOCAL: "a link-local address",
        Forbidden.MANY: "an address of many",
        Forbidden.NO_HOST: "no address of a host",
    }
)


def refusal(address: str) -> str:
    """Return why an address is never asked, in a few words; empty when it may be."""
    try:
        given = ip_address(address)
    except ValueError:
        return "no address"
    found = forbidden(given)
    return _WORDS[found[1]] if found is not None else ""
