"""What may be probed, as `ragops.toml` writes it: URLs, `host:port`, names of variables with credentials. Pure.

Whoever writes this file decides what is asked over the network, from where the bot is. So addresses that no operator
means are refused here by their literal; the probes refuse them again once a name is resolved.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

from bot.domain.watch.addresses import Address, Forbidden, forbidden
from bot.redaction import redact
from bot.settings import KEYS

_PORT_MAX = 65_535
_HOST_MAX = 253
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_NUMERIC = re.compile(r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)(?:\.(?:0[xX][0-9A-Fa-f]*|[0-9]+)){0,3}\.?", re.ASCII)
_PAIR = re.compile(r"(?:\[(?P<v6>[^\[\]]*)\]|(?P<host>[^:\[\]/@\s]+)):(?P<port>[0-9]{1,5})", re.ASCII)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})


def http_url(value: str) -> str:
    """Judge the URL of a health check."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return "cannot be read as a URL; expected one such as https://api.example.com/healthz"
    if wrong := _url_parts(value, parts):
        return wrong
    if port == 0:
        return "there is no port 0"
    return host_problem(parts.hostname or "")


def _url_parts(value: str, parts: SplitResult) -> str:
    """Say what is wrong with the parts of a URL. What may be a credential is not repeated."""
    if parts.username is not None or parts.password is not None:
        return "a credential does not belong into a URL; put it into the environment and name the variable"
    if any(each.isspace() or not each.isprintable() for each in value):
        return "there is a space or a control character in it"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        got = "" if "@" in value else f", got {value!r}"
        return f"expected a URL such as https://api.example.com/healthz{got}"
    if "#" in value:
        return "a fragment (#…) is never sent; leave it out"
    return ""


def host_and_port(value: str) -> str:
    """Judge `host:port`; the host may be a name, an IPv4 address, or an IPv6 address in brackets."""
    if "://" in value or "@" in value:
        return "expected host:port without a scheme and without a credential, such as postgres.rag-engine.svc:5432"
    found = _PAIR.fullmatch(value)
    if found is None:
        brackets = ", with an IPv6 address in brackets ([::1]:5432)" if value.count(":") > 1 else ""
        return f"expected host:port such as postgres.rag-engine.svc:5432{brackets}, got {value!r}"
    if not 0 < int(found["port"]) <= _PORT_MAX:
        return f"there is no port {found['port']}; expected 1 to {_PORT_MAX}"
    if found["v6"] is not None and ":" not in found["v6"]:
        return f"{found['v6']!r} is no IPv6 address; only those stand in brackets"
    return host_problem(found["host"] or found["v6"] or "")


def host_problem(host: str) -> str:
    """Say why nothing is asked at a host; empty when it may be."""
    if ":" in host:
        return _ipv6_problem(host)
    name = host.rstrip(".").lower()
    if name in _METADATA_NAMES:
        return f"{host} serves credentials of the machine (metadata); it is never probed"
    if _NUMERIC.fullmatch(host):
        try:
            return _address_problem(IPv4Address(host))
        except AddressValueError:
            return f"{host!r} is no IPv4 address; expected four numbers such as 10.0.0.7"
    if len(name) <= _HOST_MAX and name and all(_NAME.fullmatch(part) or part.isdecimal() for part in name.split(".")):
        return ""
    return f"{host!r} is no name of a host"


def _ipv6_problem(host: str) -> str:
    try:
        address = IPv6Address(host)
    except AddressValueError:
        return f"{host!r} is no IPv6 address"
    if address.scope_id is not None:
        return f"{host} is link-local; it is never probed"
    return _address_problem(address)


def _address_problem(given: Address) -> str:
    found = forbidden(given)
    if found is None:
        return ""
    address, why = found
    match why:
        case Forbidden.METADATA:
            return f"{address} serves credentials of the machine (metadata); it is never probed"
        case Forbidden.LINK_LOCAL:
            return f"{address} is link-local; it is never probed"
        case _:
            return f"{address} is no address of one machine"


def variable_name(value: str) -> str:
    """Judge the name of a variable with a credential, as words after the key.

    What is no name is never repeated: it may be the secret. A colon after the key would have the words masked.
    """
    if "://" in value or redact(value) != value:
        return "looks like the credential itself; put it into the environment and name its variable here"
    if _VARIABLE.fullmatch(value) is None:
        what = "has to be the name of a variable of the environment, capital letters, digits and '_' such as"
        return f"{what} PROBE_POSTGRES_DSN; the credential itself belongs into the environment"
    if value in KEYS:
        return f"names {value}, which is ragops' own; make a credential for the probe and name its variable"
    return ""
